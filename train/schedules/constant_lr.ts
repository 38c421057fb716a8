/** The same rate for every step. @module */
import { checkSetting } from "./check_setting.ts";
import type { Schedule } from "./schedule.ts";

/** The same rate for every step. */
export class ConstantLR implements Schedule {
  readonly #lr: number;

  /**
   * Makes the schedule.
   *
   * @throws {RangeError} Where `lr` is negative.
   */
  constructor(options: { readonly lr: number }) {
    this.#lr = options.lr;
    checkSetting("ConstantLR", "lr", this.#lr, { min: 0 });
  }

  /** The rate, whatever the step. */
  lrAt(_step: number): number {
    return this.#lr;
  }
}
