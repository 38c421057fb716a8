/**
 * The training loop: set the rate, step, now and then log, validate and save.
 * @module
 */
import { TrainingBatches } from "../data/batches/mod.ts";
import { splitStratified } from "../data/sets/mod.ts";
import { SpeakerClassifier } from "../nn/mod.ts";
import { chooseDevice, formatKernelTime, manualSeed, profile, setDevice } from "../tensor/mod.ts";
import { makeCheckpoint, type Progress, restoreCheckpoint, type RunParts } from "./checkpoint.ts";
import type { MetricsFile } from "./metrics_file.ts";
import { modelOptions, modelToSave } from "./model_file.ts";
import { optimizerOf } from "./optimizer_of.ts";
import { Pace } from "./pace.ts";
import type { Bar, Screen } from "./progress.ts";
import { RunFolder } from "./run_folder.ts";
import { scheduleOf } from "./schedules/from_config.ts";
import { watchesMetric } from "./schedules/schedule.ts";
import type { EventWriter } from "./tensorboard.ts";
import { openTrainingData, type TrainingData } from "./training_data.ts";
import type { TrainConfig } from "./train_config.ts";
import { TrainingStep } from "./training_step.ts";
import { validate } from "./validate.ts";

/** How a run is started. */
export interface TrainOptions {
  /** Continues the run in the out folder. */
  readonly resume?: boolean;
  /** Aborting it saves and stops after the step at hand. */
  readonly signal?: AbortSignal;
  readonly screen: Screen;
  /** 1 checks every loss and names the op that spoilt it; 2 also prints a line for every kernel of a step. Default 0. */
  readonly debug?: number;
}

/** How a run ended. */
export interface TrainResult {
  /** Steps done. */
  readonly step: number;
  /** Best validation accuracy; −1 if there was no validation. */
  readonly bestAccuracy: number;
  /** True if the signal stopped it. */
  readonly interrupted: boolean;
}

/**
 * Trains a speaker classifier as the config says, in a run folder.
 *
 * @throws Error if data or folder cannot be used, the loss is no finite number, or the device is lost.
 */
export async function train(config: TrainConfig, options: TrainOptions): Promise<TrainResult> {
  const { screen, resume = false } = options;
  const { device, reason } = await chooseDevice(config.device);
  await setDevice(device);
  screen.info(`Use ${device.type} now! ${device.description} (${reason})`);
  try {
    using data = await openTrainingData(config.data, { ...config, screen });
    screen.info(`Finish loading data! ${data.utterances.length} utterances of ${data.classes.length} speakers`);
    // a folder is made only once the data are known to be good
    const folder = resume ? await RunFolder.open(config.out) : await prepareFolder(config, data);
    return await new Run(config, options, data, folder).run();
  } finally {
    await setDevice("cpu");
    device.close();
  }
}

/** Makes the run folder after checking that batches can be made, so that a mistake leaves nothing behind. */
async function prepareFolder(config: TrainConfig, data: TrainingData): Promise<RunFolder> {
  const { train } = split(config, data);
  new TrainingBatches(data, train, { ...config, prefetch: 1 });
  return await RunFolder.create(config.out, config);
}

function split({ validFraction, seed }: TrainConfig, { utterances }: TrainingData) {
  return splitStratified(utterances.map(({ label }) => label), { validFraction, seed });
}

/** One run. */
class Run {
  readonly #config: TrainConfig;
  readonly #options: TrainOptions;
  readonly #data: TrainingData;
  readonly #folder: RunFolder;
  readonly #valid: number[];
  readonly #parts: RunParts & { readonly batches: TrainingBatches };
  readonly #step: TrainingStep;
  readonly #progress: Progress = { step: 0, bestAccuracy: -1, bestStep: 0, stale: 0 };
  #metrics!: MetricsFile;
  #events!: EventWriter;
  #bar!: Bar;
  #lastLogged = 0;

  constructor(config: TrainConfig, options: TrainOptions, data: TrainingData, folder: RunFolder) {
    [this.#config, this.#options, this.#data, this.#folder] = [config, options, data, folder];
    const { train, valid } = split(config, data);
    this.#valid = valid;
    manualSeed(config.seed);
    const model = new SpeakerClassifier(modelOptions(config, data.channels, data.classes.length));
    const optimizer = optimizerOf(config, model.parameters());
    const batches = new TrainingBatches(data, train, config);
    const { segmentLength: time, batchSize, gradClip } = config;
    this.#parts = {
      model,
      optimizer,
      batches,
      schedule: scheduleOf(config),
      progress: this.#progress,
      classes: data.classes,
    };
    const padded = train.some((i) => data.utterances[i].frames < time);
    const careful = (options.debug ?? 0) >= 1;
    const window = Math.max(config.logSteps, 64);
    this.#step = new TrainingStep({
      model,
      optimizer,
      batchSize,
      time,
      channels: data.channels,
      gradClip,
      padded,
      window,
      careful,
    });
    options.screen.info(`Finish creating model! ${model.numParameters} parameters`);
  }

  async run(): Promise<TrainResult> {
    const { screen, resume = false, signal } = this.#options;
    const from = resume ? await this.#resume() : undefined;
    const { totalSteps } = this.#config;
    this.#lastLogged = this.#progress.step;
    using metrics = await this.#folder.openMetrics(from);
    this.#events = this.#folder.openEvents(from);
    this.#metrics = metrics;
    this.#bar = screen.bar({ label: "Train", total: totalSteps, unit: "step", start: this.#progress.step });
    try {
      await this.#loop(signal);
      if (this.#step.results.pending > 0) await this.#log();
      if (!signal?.aborted && this.#progress.step >= totalSteps) await this.#validateIfDue(true);
      await this.#save();
    } finally {
      this.#bar.finish();
      this.#events.close();
      this.#step.dispose();
    }
    const { step, bestAccuracy, bestStep } = this.#progress;
    if (bestAccuracy >= 0) {
      screen.log(
        `Best validation accuracy ${bestAccuracy.toFixed(4)} at step ${bestStep}; model: ${this.#folder.bestPath}`,
      );
    }
    return { step, bestAccuracy, interrupted: signal?.aborted ?? false };
  }

  async #resume(): Promise<number> {
    const { screen } = this.#options;
    const found = await this.#folder.loadCheckpoint((line) => screen.info(line));
    if (found === undefined) {
      screen.info(`"${this.#folder.path}" holds no checkpoint yet: starting from the first step`);
      return 0;
    }
    restoreCheckpoint(found, this.#parts);
    screen.info(`Continue at step ${found.step}`);
    return found.step;
  }

  async #loop(signal: AbortSignal | undefined): Promise<void> {
    const { totalSteps, logSteps, validSteps, saveSteps, patience } = this.#config;
    const { batches, schedule, optimizer } = this.#parts;
    const pace = new Pace(optimizer.groups[0].numbers.device);
    while (this.#progress.step < totalSteps && !signal?.aborted) {
      const batch = await batches.next();
      const lr = schedule.lrAt(this.#progress.step);
      await this.#runStep(() => this.#step.run(batch, lr));
      const step = ++this.#progress.step;
      await pace.step();
      this.#bar.update(step, { lr });
      if (step % logSteps === 0) await this.#log();
      if (step % validSteps === 0) await this.#validateIfDue();
      if (step % saveSteps === 0) await this.#save();
      if (patience > 0 && this.#progress.stale >= patience) {
        this.#options.screen.log(`No better validation in ${patience}: stop early at step ${step}`);
        return;
      }
    }
  }

  /** Runs a step; with DEBUG=2 the third one, warmed up, is profiled. */
  async #runStep(body: () => Promise<void>): Promise<void> {
    const { debug = 0, screen } = this.#options;
    try {
      if (debug < 2 || this.#progress.step !== 2) return await body();
      const kernels = await profile(body);
      for (const kernel of kernels) screen.log(formatKernelTime(kernel));
      screen.log(`${kernels.length} kernels, ${kernels.reduce((total, k) => total + k.microseconds, 0).toFixed(0)} µs`);
    } catch (error) {
      throw new Error(
        `Cannot go on after step ${this.#progress.step}: ${
          (error as Error).message
        }; the best model stays in ${this.#folder.path}`,
        {
          cause: error,
        },
      );
    }
  }

  /** Reads the losses since the last time: the one place in training that waits for the device. */
  async #log(): Promise<void> {
    const { step } = this.#progress;
    const { losses, correct } = await this.#step.results.read();
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) {
      const where = step - losses.length + bad + 1;
      throw new Error(
        `Cannot go on: the loss is ${losses[bad]} at step ${where}; the best model stays in ${this.#folder.path}. ` +
          "Try a lower --lr or --grad-clip 1; DEBUG=1 names the op where it began",
      );
    }
    const mean = (values: Float32Array) => values.reduce((total, v) => total + v, 0) / values.length;
    const row = { loss: mean(losses), accuracy: mean(correct) / this.#config.batchSize, lr: this.#parts.optimizer.lr };
    this.#metrics.append({ step, ...row });
    this.#events.scalar("Loss/train", row.loss, step);
    this.#events.scalar("Acc/train", row.accuracy, step);
    this.#events.scalar("lr", row.lr, step);
    this.#bar.update(step, row);
    this.#lastLogged = step;
  }

  /** Validates, unless this step was validated already (`atEnd` asks once more after the last step). */
  async #validateIfDue(atEnd = false): Promise<void> {
    const { step } = this.#progress;
    if (this.#valid.length === 0 || (atEnd && step % this.#config.validSteps === 0)) return;
    if (this.#step.results.pending > 0) await this.#log(); // a bad loss must not become the best model
    const { model, schedule } = this.#parts;
    using bar = this.#options.screen.bar({ label: "Valid", total: this.#valid.length, unit: "uttr", transient: true });
    const mode = this.#config.validSegment === "whole" ? "whole" : "center";
    const { segmentLength } = this.#config;
    const { loss, accuracy } = await validate(model, this.#data, this.#valid, {
      mode,
      segmentLength,
      onBatch: (done) => bar.update(done),
    });
    bar.finish();
    this.#metrics.append({ step, validLoss: loss, validAccuracy: accuracy });
    this.#events.scalar("Loss/valid", loss, step);
    this.#events.scalar("Acc/valid", accuracy, step);
    if (watchesMetric(schedule)) schedule.observe(accuracy);
    await this.#keepBest(accuracy, loss);
  }

  async #keepBest(accuracy: number, loss: number): Promise<void> {
    const { screen } = this.#options;
    const { step } = this.#progress;
    if (accuracy <= this.#progress.bestAccuracy) {
      this.#progress.stale++;
      screen.log(`Step ${step}, validation loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`);
      return;
    }
    Object.assign(this.#progress, { bestAccuracy: accuracy, bestStep: step, stale: 0 });
    const { model, classes } = this.#parts;
    const options = modelOptions(this.#config, this.#data.channels, classes.length);
    const facts = { options, classes, featureSettings: this.#data.featureSettings, step, accuracy };
    await this.#folder.saveBest(modelToSave(await model.stateArrays(), facts)); // a copy, not the live weights
    screen.log(`Step ${step}, best model saved. (accuracy=${accuracy.toFixed(4)})`);
  }

  async #save(): Promise<void> {
    if (this.#step.results.pending > 0) await this.#log();
    await this.#folder.saveCheckpoint(this.#progress.step, await makeCheckpoint(this.#parts));
  }
}
