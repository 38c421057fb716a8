/** Linear warm-up, then a cosine down to zero. @module */
import { checkSetting } from "./check_setting.ts";
import type { Schedule } from "./schedule.ts";

/** Settings of {@linkcode CosineWithWarmup}. */
export interface CosineWithWarmupOptions {
  /** Peak rate, reached at the end of the warm-up. */
  readonly lr: number;
  /** Steps of the linear rise from 0; 0 for none. */
  readonly warmupSteps: number;
  /** Step at which the cosine ends. */
  readonly totalSteps: number;
  /** Waves of the cosine; default 0.5, one fall from `lr` to 0. */
  readonly numCycles?: number;
}

/**
 * `lr · step / warmupSteps` during the warm-up, then `lr · max(0, ½(1 + cos(2π · numCycles · progress)))`, where progress
 * goes from 0 at the end of the warm-up to 1 at `totalSteps`. Past `totalSteps` the cosine goes on (and up again).
 *
 * Source: `get_cosine_schedule_with_warmup` of Hugging Face Transformers, as in the homework's code.
 *
 * @example
 * ```ts
 * import { CosineWithWarmup } from "./cosine_with_warmup.ts";
 *
 * const schedule = new CosineWithWarmup({ lr: 1e-3, warmupSteps: 1000, totalSteps: 70_000 });
 * schedule.lrAt(500); // 0.0005
 * ```
 */
export class CosineWithWarmup implements Schedule {
  readonly #options: Required<CosineWithWarmupOptions>;

  /**
   * Makes the schedule.
   *
   * @throws {RangeError} Where a setting is negative.
   */
  constructor(options: CosineWithWarmupOptions) {
    this.#options = { numCycles: 0.5, ...options };
    for (const [name, value] of Object.entries(this.#options)) {
      checkSetting("CosineWithWarmup", name, value, { min: 0 });
    }
  }

  /** The rate of the step with this number, from 0. */
  lrAt(step: number): number {
    const { lr, warmupSteps, totalSteps, numCycles } = this.#options;
    if (step < warmupSteps) return lr * step / Math.max(1, warmupSteps);
    const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
    return lr * Math.max(0, 0.5 * (1 + Math.cos(2 * Math.PI * numCycles * progress)));
  }
}
