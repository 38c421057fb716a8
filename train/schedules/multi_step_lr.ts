/** A rate that falls at given steps. @module */
import { checkSetting } from "./check_setting.ts";
import type { Schedule } from "./schedule.ts";

/** Settings of {@linkcode MultiStepLR}. */
export interface MultiStepLROptions {
  /** Rate before the first milestone. */
  readonly lr: number;
  /** Steps at which the rate falls, in any order; one named twice counts twice. */
  readonly milestones: readonly number[];
  /** Factor at each milestone; default 0.1. */
  readonly gamma?: number;
}

/** `lr · gamma^(milestones reached)`, as PyTorch's `MultiStepLR`. */
export class MultiStepLR implements Schedule {
  readonly #options: Required<MultiStepLROptions>;

  /**
   * Makes the schedule.
   *
   * @throws {RangeError} Where a setting is negative.
   */
  constructor(options: MultiStepLROptions) {
    this.#options = { gamma: 0.1, ...options };
    checkSetting("MultiStepLR", "lr", this.#options.lr, { min: 0 });
    checkSetting("MultiStepLR", "gamma", this.#options.gamma, { min: 0 });
    for (const step of this.#options.milestones) checkSetting("MultiStepLR", "a milestone", step, { min: 0 });
  }

  /** The rate of the step with this number, from 0. */
  lrAt(step: number): number {
    const { lr, milestones, gamma } = this.#options;
    return lr * gamma ** milestones.filter((milestone) => milestone <= step).length;
  }
}
