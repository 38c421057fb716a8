/** A rate that falls by the same factor at every step. @module */
import { checkSetting } from "./check_setting.ts";
import type { Schedule } from "./schedule.ts";

/** `lr · gamma^step`, as PyTorch's `ExponentialLR`. */
export class ExponentialLR implements Schedule {
  readonly #lr: number;
  readonly #gamma: number;

  /**
   * Makes the schedule.
   *
   * @throws {RangeError} Where a setting is negative.
   */
  constructor(options: { readonly lr: number; readonly gamma: number }) {
    this.#lr = options.lr;
    this.#gamma = options.gamma;
    checkSetting("ExponentialLR", "lr", this.#lr, { min: 0 });
    checkSetting("ExponentialLR", "gamma", this.#gamma, { min: 0 });
  }

  /** The rate of the step with this number, from 0. */
  lrAt(step: number): number {
    return this.#lr * this.#gamma ** step;
  }
}
