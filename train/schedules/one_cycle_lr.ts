/** Up to a high rate and down to a very low one. @module */
import { checkSetting } from "./check_setting.ts";
import type { Schedule } from "./schedule.ts";

/** Settings of {@linkcode OneCycleLR}. */
export interface OneCycleLROptions {
  /** Peak rate. */
  readonly maxLr: number;
  /** Steps in all. */
  readonly totalSteps: number;
  /** Part of the steps that rises; default 0.3. */
  readonly pctStart?: number;
  /** Shape of the rise and falls; default `"cos"`. */
  readonly annealStrategy?: "cos" | "linear";
  /** The first rate is `maxLr / divFactor`; default 25. */
  readonly divFactor?: number;
  /** The last rate is the first divided by this; default 10,000. */
  readonly finalDivFactor?: number;
  /** Fall back to the first rate as slowly as it rose, then to the last; default false: one fall. */
  readonly threePhase?: boolean;
}

interface Phase {
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The one-cycle policy (Smith and Topin 2018, arXiv 1708.07120) as PyTorch's `OneCycleLR`; it leaves momentum alone.
 */
export class OneCycleLR implements Schedule {
  readonly #totalSteps: number;
  readonly #phases: readonly Phase[];
  readonly #shape: (pct: number) => number;

  /**
   * Makes the schedule.
   *
   * @throws {RangeError} Where a setting is out of range.
   */
  constructor(options: OneCycleLROptions) {
    const { maxLr, totalSteps, pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4 } = options;
    for (const [name, value] of Object.entries({ maxLr, totalSteps, divFactor, finalDivFactor })) {
      checkSetting("OneCycleLR", name, value, { above: 0 });
    }
    if (!(pctStart >= 0 && pctStart <= 1)) {
      throw new RangeError(`Cannot make OneCycleLR: pctStart is ${pctStart}, expected a number from 0 to 1`);
    }
    const first = maxLr / divFactor;
    const last = first / finalDivFactor;
    const rise = { end: pctStart * totalSteps - 1, from: first, to: maxLr };
    this.#phases = options.threePhase
      ? [rise, { end: 2 * pctStart * totalSteps - 2, from: maxLr, to: first }, {
        end: totalSteps - 1,
        from: first,
        to: last,
      }]
      : [rise, { end: totalSteps - 1, from: maxLr, to: last }];
    this.#totalSteps = totalSteps;
    this.#shape = options.annealStrategy === "linear" ? (pct) => pct : (pct) => (1 - Math.cos(Math.PI * pct)) / 2;
  }

  /**
   * The rate of the step with this number, from 0.
   *
   * @throws {RangeError} Where the step is past `totalSteps`.
   */
  lrAt(step: number): number {
    if (step > this.#totalSteps) {
      throw new RangeError(`Cannot take step ${step}: OneCycleLR was made for ${this.#totalSteps} steps`);
    }
    let start = 0;
    for (const { end, from, to } of this.#phases.slice(0, -1)) {
      if (step <= end) return from + (to - from) * this.#shape((step - start) / (end - start));
      start = end;
    }
    const { end, from, to } = this.#phases[this.#phases.length - 1];
    return from + (to - from) * this.#shape((step - start) / (end - start));
  }
}
