/** A rate that stays for a whole epoch. @module */
import type { Schedule } from "./schedule.ts";

/**
 * A schedule whose numbers are those of epochs, as one of steps: every step of an epoch has the epoch's rate, as in PyTorch where
 * `scheduler.step()` is called once an epoch.
 */
export class PerEpoch implements Schedule {
  readonly #schedule: Schedule;
  readonly #stepsPerEpoch: number;

  /** `schedule` counts epochs from 0. */
  constructor(schedule: Schedule, stepsPerEpoch: number) {
    this.#schedule = schedule;
    this.#stepsPerEpoch = stepsPerEpoch;
  }

  /** The rate of the epoch that the step with this number, from 0, belongs to. */
  lrAt(step: number): number {
    return this.#schedule.lrAt(Math.floor(step / this.#stepsPerEpoch));
  }
}
