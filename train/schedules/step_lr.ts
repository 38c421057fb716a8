/** A rate that falls in equal stairs. @module */
import { checkSetting } from "./check_setting.ts";
import type { Schedule } from "./schedule.ts";

/** Settings of {@linkcode StepLR}. */
export interface StepLROptions {
  /** Rate of the first stair. */
  readonly lr: number;
  /** Steps a stair. */
  readonly stepSize: number;
  /** Factor from one stair to the next; default 0.1. */
  readonly gamma?: number;
}

/** `lr · gamma^⌊step / stepSize⌋`, as PyTorch's `StepLR`. */
export class StepLR implements Schedule {
  readonly #options: Required<StepLROptions>;

  /**
   * Makes the schedule.
   *
   * @throws {RangeError} Where a setting is out of range.
   */
  constructor(options: StepLROptions) {
    this.#options = { gamma: 0.1, ...options };
    checkSetting("StepLR", "lr", this.#options.lr, { min: 0 });
    checkSetting("StepLR", "stepSize", this.#options.stepSize, { above: 0 });
    checkSetting("StepLR", "gamma", this.#options.gamma, { min: 0 });
  }

  /** The rate of the step with this number, from 0. */
  lrAt(step: number): number {
    const { lr, stepSize, gamma } = this.#options;
    return lr * gamma ** Math.floor(step / stepSize);
  }
}
