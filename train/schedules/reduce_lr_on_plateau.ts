/** A rate that falls when a metric no longer improves. @module */
import { checkSetting } from "./check_setting.ts";
import type { MetricSchedule } from "./schedule.ts";

/** Settings of {@linkcode ReduceLROnPlateau}. */
export interface ReduceLROnPlateauOptions {
  /** Rate to begin with. */
  readonly lr: number;
  /** Whether a lower (`"min"`, a loss) or a higher (`"max"`, an accuracy) metric is better; default `"min"`. */
  readonly mode?: "min" | "max";
  /** Factor at each fall, below 1; default 0.1. */
  readonly factor?: number;
  /** Metrics in a row without improvement that are borne; the next one makes the rate fall. Default 10. */
  readonly patience?: number;
  /** By how much a metric must be better to count; default 1e-4. */
  readonly threshold?: number;
  /** `"rel"`: as a part of the best metric, `"abs"`: as a difference. Default `"rel"`. */
  readonly thresholdMode?: "rel" | "abs";
  /** Metrics after a fall during which none counts as bad; default 0. */
  readonly cooldown?: number;
  /** Lowest rate; default 0. */
  readonly minLr?: number;
  /** A fall smaller than this is left out; default 1e-8. */
  readonly eps?: number;
}

interface State {
  lr: number;
  best: number;
  numBad: number;
  cooldownLeft: number;
}

const stateNames = ["lr", "best", "numBad", "cooldownLeft"] as const;

/** Makes the rate `factor` times as high when the metric has not improved for a while, as PyTorch's `ReduceLROnPlateau`. */
export class ReduceLROnPlateau implements MetricSchedule {
  readonly #options: Required<ReduceLROnPlateauOptions>;
  #state: State;

  /**
   * Makes the schedule.
   *
   * @throws {RangeError} Where a setting is out of range.
   */
  constructor(options: ReduceLROnPlateauOptions) {
    this.#options = {
      mode: "min",
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: "rel",
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
      ...options,
    };
    const { lr, mode, factor, patience, minLr } = this.#options;
    for (const [name, value] of Object.entries({ lr, factor, patience, minLr })) {
      checkSetting("ReduceLROnPlateau", name, value, { min: 0 });
    }
    if (factor >= 1) {
      throw new RangeError(`Cannot make ReduceLROnPlateau: factor is ${factor}, expected a number below 1`);
    }
    this.#state = { lr, best: mode === "min" ? Infinity : -Infinity, numBad: 0, cooldownLeft: 0 };
  }

  /** The rate as the metrics so far have made it, whatever the step. */
  lrAt(_step: number): number {
    return this.#state.lr;
  }

  /** Takes the metric of one validation and returns the rate from now on. */
  observe(metric: number): number {
    const state = this.#state;
    if (this.#isBetter(metric)) {
      state.best = metric;
      state.numBad = 0;
    } else {
      state.numBad++;
    }
    if (state.cooldownLeft > 0) {
      state.cooldownLeft--;
      state.numBad = 0;
    }
    if (state.numBad > this.#options.patience) this.#reduce();
    return state.lr;
  }

  /** All there is to save; JSON cannot hold an infinity, so `best` is missing before the first metric. */
  stateDict(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#state).filter(([, value]) => Number.isFinite(value)));
  }

  /**
   * Puts back what `stateDict()` gave.
   *
   * @throws {TypeError} Where a number is missing or there is one too many.
   */
  loadStateDict(state: Readonly<Record<string, number>>): void {
    const worst = this.#options.mode === "min" ? Infinity : -Infinity;
    const { lr, best = worst, numBad, cooldownLeft, ...rest } = state;
    const complete = { lr, best, numBad, cooldownLeft };
    const isComplete = Object.values(complete).every((value) => typeof value === "number");
    if (!isComplete || Object.keys(rest).length > 0) {
      const found = Object.keys(state).join(", ");
      throw new TypeError(`Cannot load ReduceLROnPlateau: expected ${stateNames.join(", ")}, found ${found}`);
    }
    this.#state = complete;
  }

  #isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const { best } = this.#state;
    const sign = mode === "min" ? -1 : 1;
    // From an infinite best any number is better: threshold times infinity would only make a NaN of it.
    const bar = thresholdMode === "rel" && Number.isFinite(best)
      ? best * (1 + sign * threshold)
      : best + sign * threshold;
    return mode === "min" ? metric < bar : metric > bar;
  }

  #reduce(): void {
    const { factor, minLr, eps, cooldown } = this.#options;
    const next = Math.max(this.#state.lr * factor, minLr);
    if (this.#state.lr - next > eps) this.#state.lr = next;
    this.#state.cooldownLeft = cooldown;
    this.#state.numBad = 0;
  }
}
