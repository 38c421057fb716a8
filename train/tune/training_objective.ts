/** A trial that is a training run. @module */
import { join } from "node:path";
import { chooseDevice, type Device } from "../../tensor/mod.ts";
import { ioFact } from "../io_fact.ts";
import { type MetricRow, readMetrics } from "../metrics_file.ts";
import type { Screen } from "../progress.ts";
import { train, type TrainResult } from "../train.ts";
import { checkTrainConfig } from "../check_config.ts";
import type { TrainConfig } from "../train_config.ts";
import { type Metric, ranked } from "./halving.ts";
import type { Objective, Outcome, Trial } from "./search.ts";

/** Options of {@linkcode TrainingObjective.open}. */
export interface ObjectiveOptions {
  readonly metric: Metric;
  /** Shows the device, and on a terminal the bar of the run at hand. */
  readonly screen: Screen;
  /** As `train` has it. */
  readonly debug?: number;
}

/**
 * Errors that are about the place and not about the trial, such as a full disk: they would meet every other trial as well.
 * They end the search, and the trial goes on when the search does.
 */
const ofThePlace = /^Cannot (write|read|open|find|train into|resume)\b/;

/** Trains trials, all on one device; after a failure on a new one, since it may be lost, or full. */
export class TrainingObjective implements Disposable {
  readonly #config: TrainConfig;
  readonly #options: ObjectiveOptions;
  #device: Device | undefined;

  private constructor(config: TrainConfig, options: ObjectiveOptions, device: Device) {
    [this.#config, this.#options, this.#device] = [config, options, device];
  }

  /**
   * Opens the device of the config.
   *
   * @throws {Error} Where there is no such device, or the data folder cannot be read.
   */
  static async open(config: TrainConfig, options: ObjectiveOptions): Promise<TrainingObjective> {
    await Deno.stat(config.data).catch((error) => {
      throw new Error(`Cannot open "${config.data}": ${ioFact(error)}`, { cause: error });
    });
    const { device, reason } = await chooseDevice(config.device);
    options.screen.info(`Use ${device.type} now! ${device.description} (${reason})`);
    return new TrainingObjective(config, options, device);
  }

  /** Makes a trial. */
  run: Objective = async (trial, signal) => {
    this.#device ??= (await chooseDevice(this.#config.device)).device;
    try {
      return await this.#train(trial, signal);
    } catch (error) {
      this[Symbol.dispose]();
      const reason = error instanceof Error ? error.message : String(error);
      if (ofThePlace.test(reason)) throw error;
      return { status: "failed", reason: reason.split("\n")[0] };
    }
  };

  async #train({ values, out, stopAt }: Trial, signal: AbortSignal | undefined): Promise<Outcome> {
    const { metric, debug } = this.#options;
    const config = { ...this.#config, ...values, out } as TrainConfig;
    checkTrainConfig(config);
    const resume = await Deno.stat(join(out, "config.json")).then(() => true, () => false);
    const screen = this.#options.screen.quiet(); // the search says what is to stay
    const result = await train(config, { resume, stopAt, signal, screen, debug, device: this.#device });
    if (result.interrupted) return { status: "stopped" };
    return bestOf(await readMetrics(join(out, "metrics.jsonl")), { kept: result, metric });
  }

  /** Closes the device. */
  [Symbol.dispose](): void {
    this.#device?.close();
    this.#device = undefined;
  }
}

/**
 * The best validation of a run.
 *
 * @param rows its measurements
 * @param kept the model that it kept, which no row is about where checkpoints were averaged
 */
export function bestOf(
  rows: readonly MetricRow[],
  { kept, metric }: {
    kept: Pick<TrainResult, "bestAccuracy" | "bestLoss" | "bestStep">;
    metric: Metric;
  },
): Outcome {
  const validations = rows.filter((row) => typeof row.validAccuracy === "number").map((row) => ({
    status: "done" as const,
    accuracy: Number(row.validAccuracy),
    loss: typeof row.validLoss === "number" ? row.validLoss : Infinity, // no finite number is written as null
    step: row.step,
  }));
  const { bestAccuracy: accuracy, bestLoss: loss, bestStep: step } = kept;
  if (accuracy >= 0) validations.unshift({ status: "done", accuracy, loss, step });
  if (validations.length > 0) return ranked(validations, metric)[0];
  return { status: "failed", reason: "Cannot measure it: no utterance is kept for validation" };
}
