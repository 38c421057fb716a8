/** A cosine between two rates. @module */
import { checkSetting } from "./check_setting.ts";
import type { Schedule } from "./schedule.ts";

/** Settings of {@linkcode CosineAnnealingLR}. */
export interface CosineAnnealingLROptions {
  /** Rate at step 0. */
  readonly lr: number;
  /** Steps from the highest rate to the lowest. */
  readonly tMax: number;
  /** Lowest rate; default 0. */
  readonly etaMin?: number;
}

/** `etaMin + (lr − etaMin) · ½(1 + cos(π · step / tMax))`, as PyTorch's `CosineAnnealingLR`: after `tMax` it rises again. */
export class CosineAnnealingLR implements Schedule {
  readonly #options: Required<CosineAnnealingLROptions>;

  /**
   * Makes the schedule.
   *
   * @throws {RangeError} Where a setting is out of range.
   */
  constructor(options: CosineAnnealingLROptions) {
    this.#options = { etaMin: 0, ...options };
    checkSetting("CosineAnnealingLR", "lr", this.#options.lr, { min: 0 });
    checkSetting("CosineAnnealingLR", "tMax", this.#options.tMax, { above: 0 });
    checkSetting("CosineAnnealingLR", "etaMin", this.#options.etaMin, { min: 0 });
  }

  /** The rate of the step with this number, from 0. */
  lrAt(step: number): number {
    const { lr, tMax, etaMin } = this.#options;
    return etaMin + (lr - etaMin) * 0.5 * (1 + Math.cos(Math.PI * step / tMax));
  }
}
