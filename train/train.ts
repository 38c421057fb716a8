/**
 * The training loop: set the rate, step, now and then log, validate and save.
 * @module
 */
import {
  chooseDevice,
  currentDevice,
  type Device,
  formatKernelTime,
  memory,
  profile,
  setDevice,
} from "../tensor/mod.ts";
import { averageWeights } from "./average_checkpoints.ts";
import { makeCheckpoint, restoreCheckpoint, weightsOf } from "./checkpoint.ts";
import { digestOfNames } from "./digest_of_names.ts";
import { type InitialModel, readInitialModel } from "./init/initial_model.ts";
import type { MetricsFile } from "./metrics_file.ts";
import { modelToSave } from "./model_facts.ts";
import { Pace } from "./pace.ts";
import type { Bar, Screen } from "./progress.ts";
import { type Recent, RunFolder } from "./run_folder.ts";
import { watchesMetric } from "./schedules/schedule.ts";
import { type Setup, setUp } from "./setup.ts";
import { badLoss, StepLog } from "./step_log.ts";
import type { EventWriter } from "./tensorboard.ts";
import { openTrainingData, type TrainingData } from "./training_data.ts";
import type { TrainConfig } from "./train_config.ts";
import { validate, type Validation } from "./validate.ts";
import { validViewingOf } from "./viewing.ts";

/** How a run is started. */
export interface TrainOptions {
  /** Continues the run in the out folder. */
  readonly resume?: boolean;
  /** Aborting it saves and stops after the step at hand. */
  readonly signal?: AbortSignal;
  /**
   * Step (epoch, where the config counts epochs) after which to validate, save and stop for now. Unlike a smaller
   * `totalSteps` it leaves the learning rates of the steps as they are, so that the run can go on later. Default: the last.
   */
  readonly stopAt?: number;
  /** Where lines and progress go. */
  readonly screen: Screen;
  /** 1 checks every loss and names the op that spoilt it; 2 also prints a line for every kernel of a step. Default 0. */
  readonly debug?: number;
  /** An open device to train on, which stays open. Default: the one that the config names, closed at the end. */
  readonly device?: Device;
}

/** How a run ended. */
export interface TrainResult {
  /** Steps done. */
  readonly step: number;
  /** Best validation accuracy; −1 if there was no validation. */
  readonly bestAccuracy: number;
  /** Validation loss of the same model. */
  readonly bestLoss: number;
  /** Its step. */
  readonly bestStep: number;
  /** True if the signal stopped it. */
  readonly interrupted: boolean;
  /** A held-out recording to try the model on; null where the data are features. */
  readonly heldOut: string | null;
}

/**
 * Trains a speaker classifier as the config says, in a run folder.
 *
 * @throws Error if data or folder cannot be used, the loss is no finite number, or the device is lost.
 */
export async function train(config: TrainConfig, options: TrainOptions): Promise<TrainResult> {
  const { screen, resume = false, debug = 0 } = options;
  const given = options.device && { device: options.device, reason: "given" };
  const { device, reason } = given ?? await chooseDevice(config.device);
  const before = currentDevice();
  await setDevice(device);
  screen.info(`Use ${device.type} now! ${device.description} (${reason})`);
  try {
    using data = await openTrainingData(config.data, { ...config, screen });
    screen.info(`Finish loading data! ${data.utterances.length} utterances of ${data.classes.length} classes`);
    const initial = await initialOf(config, resume);
    using setup = await setUp(config, data, { careful: debug >= 1, initial, screen });
    for (const line of setup.initialLines) screen.info(line);
    screen.info(`Finish creating model! ${parametersText(setup)}`);
    if (setup.states !== null) {
      const { bytes, channels } = setup.states;
      screen.info(`Hidden states are cached: ${(bytes / 1e6).toFixed(1)} MB on disk, ${channels} numbers a frame`);
    }
    if (setup.valid.length === 0) {
      const kept = `${config.validFraction} of ${data.utterances.length}`;
      screen.info(`No utterance is kept for validation (${kept}): the newest model counts as the best`);
    }
    const folder = resume ? await RunFolder.open(config.out) : await RunFolder.create(config.out, config);
    using _ = await folder.lock();
    screen.info(`Run folder: ${folder.path}`);
    try {
      return await new Run(options, { given: config, data, setup, folder }).run();
    } catch (error) {
      throw await ended(error, { folder, resume, step: setup.progress.step });
    }
  } finally {
    await setDevice(before);
    if (given === undefined) device.close();
  }
}

/** What a run starts from: nothing where it goes on from a checkpoint. */
async function initialOf({ init, initSha256, out }: TrainConfig, resume: boolean): Promise<InitialModel | null> {
  if (init === "" || resume && await RunFolder.holdsCheckpoint(out)) return null;
  return await readInitialModel(init, { sha256: initSha256 });
}

/** `77782 parameters, 70000 of them frozen (encoder)`. */
function parametersText({ model, frozen }: Setup): string {
  const { numbers, modules } = frozen;
  const whole = modules.length > 8 ? [...modules.slice(0, 8), "…"] : modules;
  const which = modules.length === 0 ? "" : ` (${whole.join(", ")})`;
  return `${model.numParameters} parameters${numbers === 0 ? "" : `, ${numbers} of them frozen${which}`}`;
}

/**
 * What to throw for an error that ends a run: with the place where it stood and what is left of it. A new run that has
 * nothing to show yet leaves no folder behind, which would be in the way of the next one.
 */
async function ended(
  error: unknown,
  { folder, resume, step }: { folder: RunFolder; resume: boolean; step: number },
): Promise<unknown> {
  const unused = !resume && await folder.isUnused();
  if (unused) await folder.discard();
  if (!(error instanceof Error) || !error.message.startsWith("Cannot go on: ")) return error;
  const left = unused ? "nothing was saved" : `what is saved stays in "${folder.path}"`;
  return new Error(`${error.message} (after ${step} steps; ${left})`, { cause: error });
}

/** What a run writes to while it goes on. */
interface Outputs {
  readonly metrics: MetricsFile;
  readonly events: EventWriter;
  readonly bar: Bar;
  readonly log: StepLog;
}

/** One run. */
class Run {
  /** As given, for the run folder. */
  readonly #given: TrainConfig;
  /** With every count in steps. */
  readonly #config: TrainConfig;
  readonly #options: TrainOptions;
  readonly #data: TrainingData;
  readonly #setup: Setup;
  readonly #folder: RunFolder;
  #saved = "";

  constructor(
    options: TrainOptions,
    { given, data, setup, folder }: { given: TrainConfig; data: TrainingData; setup: Setup; folder: RunFolder },
  ) {
    [this.#given, this.#config, this.#options] = [given, setup.config, options];
    [this.#data, this.#setup, this.#folder] = [data, setup, folder];
  }

  async run(): Promise<TrainResult> {
    const { screen, resume = false } = this.#options;
    const { progress, step: { results } } = this.#setup;
    const from = resume ? await this.#resume() : undefined;
    const { batchSize } = this.#config;
    const total = Math.max(this.#lastStep, progress.step);
    using metrics = await this.#folder.openMetrics(from);
    using events = this.#folder.openEvents(from);
    using bar = screen.bar({ label: "Train", total, unit: "step", start: progress.step });
    const log = new StepLog({ results, metrics, events, bar, unlogged: progress.unlogged, batchSize });
    const outputs = { metrics, events, bar, log };
    await this.#loop(outputs);
    if (!this.#hasStepsLeft()) log.row(progress.step, this.#setup.optimizer.lr); // what no row holds yet
    if (this.#isStale()) screen.log(`No better validation in ${progress.stale}: stop early at step ${progress.step}`);
    await this.#save(outputs);
    await this.#average(outputs);
    return this.#result();
  }

  /** Puts the newest checkpoint back, and says at which step it stands. */
  async #resume(): Promise<number> {
    const { screen } = this.#options;
    const { progress } = this.#setup;
    const found = await this.#folder.loadCheckpoint((line) => screen.info(line));
    if (found === undefined) {
      screen.info(`"${this.#folder.path}" holds no checkpoint yet: starting from the first step`);
    } else {
      restoreCheckpoint(found, this.#setup);
      screen.info(`Continue at step ${found.step}`);
      if (await this.#folder.hasBest()) this.#saved = this.#place();
      else this.#forgetBest();
    }
    await this.#folder.saveConfig(this.#given);
    if (this.#isComplete()) screen.info(`Nothing is left to do: go on with ${this.#whatGoesOn()}`);
    return progress.step;
  }

  /** The flag that makes a finished run go on. */
  #whatGoesOn(): string {
    const { epochs } = this.#given;
    const { step, stale } = this.#setup.progress;
    if (this.#isStale() && step < this.#config.totalSteps) return `a --patience above ${stale}`;
    return epochs > 0 ? `a number of --epochs above ${epochs}` : `a --total-steps above ${step}`;
  }

  /** Lets the next validation's model be the best, where somebody has removed the one that was. */
  #forgetBest(): void {
    const { progress } = this.#setup;
    if (progress.bestAccuracy < 0) return;
    Object.assign(progress, { bestAccuracy: -1, stale: 0 });
    this.#options.screen.info(`"${this.#folder.bestPath}" is gone: the next validation saves a new one`);
  }

  async #loop(outputs: Outputs): Promise<void> {
    const { totalSteps, logSteps, saveSteps } = this.#config;
    const { batches, schedule, progress, step: trainingStep } = this.#setup;
    const { bar, log } = outputs;
    const pace = new Pace(currentDevice());
    if (this.#isValidationDue()) await this.#validate(outputs); // Ctrl-C cut it short
    while (this.#hasStepsLeft() && !this.#options.signal?.aborted) {
      const batch = await batches.next();
      const lr = schedule.lrAt(progress.step);
      const step = progress.step + 1;
      await this.#profiled(() => trainingStep.run(batch, { lr, step }));
      progress.step = step;
      await pace.step();
      log.check();
      bar.update(step, { lr });
      if (step % logSteps === 0 || step === totalSteps) log.row(step, lr);
      else log.gather(step);
      if (this.#isValidationDue()) await this.#validate(outputs);
      if (step % saveSteps === 0) await this.#save(outputs);
    }
  }

  /** The step to stop at. */
  get #lastStep(): number {
    const { totalSteps, epochs } = this.#config;
    const { stopAt = Infinity } = this.#options;
    return Math.min(totalSteps, epochs > 0 ? stopAt * totalSteps / epochs : stopAt);
  }

  #hasStepsLeft(): boolean {
    return this.#setup.progress.step < this.#lastStep && !this.#isStale();
  }

  /** Whether validations no longer improve. */
  #isStale(): boolean {
    const { patience } = this.#config;
    return patience > 0 && this.#setup.progress.stale >= patience;
  }

  /** Every `validSteps` and after the last step; once. */
  #isValidationDue(): boolean {
    const { progress: { step, validatedStep }, valid } = this.#setup;
    const { validSteps } = this.#config;
    return valid.length > 0 && step > validatedStep && (step % validSteps === 0 || step >= this.#lastStep);
  }

  /** Whether a validation is one that the run would not have without `stopAt`: rate and patience must not hear of it. */
  #isExtra(step: number): boolean {
    const { validSteps, totalSteps } = this.#config;
    return step % validSteps !== 0 && step < totalSteps;
  }

  /** Once, when the run is over. */
  #isAverageDue(): boolean {
    const { averageCheckpoints: count, totalSteps } = this.#config;
    const { progress: { step, averagedStep }, valid } = this.#setup;
    return count >= 2 && valid.length > 0 && (step >= totalSteps || this.#isStale()) && averagedStep !== step;
  }

  #isComplete(): boolean {
    return !this.#hasStepsLeft() && !this.#isValidationDue() && !this.#isAverageDue();
  }

  /** Runs a step; with DEBUG=2 the third one, warmed up, is profiled. */
  async #profiled(body: () => Promise<void>): Promise<void> {
    const { debug = 0, screen } = this.#options;
    if (debug < 2 || this.#setup.progress.step !== 2) return await body();
    const kernels = await profile(body);
    for (const kernel of kernels) screen.log(formatKernelTime(kernel));
    const microseconds = kernels.reduce((total, k) => total + k.microseconds, 0).toFixed(0);
    screen.log(`${kernels.length} kernels, ${microseconds} µs, ${(memory().used / 1e6).toFixed(0)} MB held`);
  }

  async #validate({ log, metrics, events }: Outputs): Promise<void> {
    const { schedule, progress } = this.#setup;
    const { step } = progress;
    await log.settle(step); // a bad loss must not become the best model
    const measured = await this.#measure();
    if (measured === null) return; // it comes first when the run is resumed
    const { loss, accuracy } = measured;
    if (!Number.isFinite(loss)) throw badLoss(loss, step, "validation loss"); // nor must the weights of one
    progress.validatedStep = step;
    metrics.append({ step, validLoss: loss, validAccuracy: accuracy });
    events.scalar("Loss/valid", loss, step);
    events.scalar("Acc/valid", accuracy, step);
    const { stale } = progress;
    await this.#keepBest(accuracy, loss);
    if (this.#isExtra(step)) progress.stale = Math.min(stale, progress.stale);
    else if (watchesMetric(schedule)) schedule.observe(this.#config.lrMetric === "loss" ? loss : accuracy);
  }

  /** The model's loss and accuracy on the utterances kept for validation; null where that was interrupted. */
  async #measure(): Promise<Validation | null> {
    const { model, valid, states } = this.#setup;
    using bar = this.#options.screen.bar({ label: "Valid", total: valid.length, unit: "uttr", transient: true });
    const measured = await validate(states?.model ?? model, states ?? this.#data, {
      indices: valid,
      viewing: validViewingOf(this.#config),
      classes: this.#data.classes.length,
      featureSettings: states === null ? this.#data.featureSettings : null,
      ...states !== null && { batchSize: 1 }, // frames of many channels
      onProgress: (done) => bar.update(done),
      signal: this.#options.signal,
    });
    bar.finish();
    return measured;
  }

  async #keepBest(accuracy: number, loss: number): Promise<void> {
    const { screen } = this.#options;
    const { progress } = this.#setup;
    const { step } = progress;
    const { bestAccuracy, bestLoss } = progress;
    if (accuracy < bestAccuracy || (accuracy === bestAccuracy && !(loss < bestLoss))) {
      progress.stale++;
      screen.log(`Step ${step}, validation loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`);
      return;
    }
    Object.assign(progress, { bestAccuracy: accuracy, bestLoss: loss, bestStep: step, stale: 0 });
    await this.#saveModel(accuracy);
    screen.log(`Step ${step}, best model saved. (accuracy=${accuracy.toFixed(4)})`);
  }

  /** Writes a copy of the weights as the best model. */
  async #saveModel(accuracy: number | null): Promise<void> {
    const { model, description, progress: { step } } = this.#setup;
    const { featureSettings, utterances } = this.#data;
    const validDigest = digestOfNames(this.#setup.valid.map((i) => utterances[i].id));
    const facts = { ...description, featureSettings, step, accuracy, validDigest };
    await this.#folder.saveBest(modelToSave(await model.stateArrays(), facts));
  }

  /** The checkpoints that are averaged: the same ones in a run that is interrupted now and then. */
  get #averaged(): Recent {
    const { averageCheckpoints: count, saveSteps: every } = this.#config;
    return { count, every };
  }

  /** At the end: lets the average of the last checkpoints compete with the best model. */
  async #average(outputs: Outputs): Promise<void> {
    const { model, progress } = this.#setup;
    const { screen, signal } = this.#options;
    if (!this.#isAverageDue() || signal?.aborted) return;
    const checkpoints = await this.#folder.recentCheckpoints(this.#averaged);
    model.loadStateDict(averageWeights(checkpoints));
    const measured = await this.#measure();
    if (measured !== null) {
      screen.log(`The average of the last ${checkpoints.length} checkpoints:`);
      progress.averagedStep = progress.step;
      const { stale } = progress;
      await this.#keepBest(measured.accuracy, measured.loss);
      progress.stale = stale; // it is no validation of the run: one that stopped early has still done so
    }
    model.loadStateDict(weightsOf(checkpoints[0])); // training goes on from here, should the run be continued
    this.#saved = "";
    await this.#save(outputs);
  }

  /** Tells states of the run apart. */
  #place(): string {
    const { step, validatedStep } = this.#setup.progress;
    return `${step}, validated ${validatedStep}`;
  }

  /** Writes a checkpoint, unless the newest one is of this very place. */
  async #save({ log }: Outputs): Promise<void> {
    const { progress: { step }, valid } = this.#setup;
    await log.settle(step); // a bad loss must not be continued from
    if (this.#saved === this.#place()) return;
    if (valid.length === 0) await this.#saveModel(null); // with nothing to choose by, the newest is the best
    await this.#folder.saveCheckpoint(step, { ...await makeCheckpoint(this.#setup), ...this.#averaged });
    this.#saved = this.#place();
  }

  #result(): TrainResult {
    const { progress: { step, bestAccuracy, bestLoss, bestStep }, valid } = this.#setup;
    if (bestAccuracy >= 0) {
      const what = `Best validation accuracy ${bestAccuracy.toFixed(4)} at step ${bestStep}`;
      this.#options.screen.log(`${what}; model: ${this.#folder.bestPath}`);
    }
    const heldOut = this.#data.isRecordings && valid.length > 0 ? this.#data.utterances[valid[0]].path : null;
    return { step, bestAccuracy, bestLoss, bestStep, interrupted: !this.#isComplete(), heldOut };
  }
}
