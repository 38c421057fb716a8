/** What single fields of a config cannot say. @module */
import { parseFeatureSettings } from "../data/features/settings.ts";
import { checkCacheStates } from "./check_cache_states.ts";
import { checkModelOptions } from "./model_facts.ts";
import { modelKinds } from "./models/mod.ts";
import { checkWaves } from "./check_waves.ts";
import { scheduleOf } from "./schedules/from_config.ts";
import type { TrainConfig } from "./train_config.ts";
import { segmentFramesOf } from "./viewing.ts";

/**
 * Checks values that have to fit together.
 *
 * @throws {RangeError} Where they do not.
 * @throws {TypeError} Where there are no features of that name.
 */
export function checkTrainConfig(config: TrainConfig): void {
  parseFeatureSettings(config.features);
  checkWaves(config);
  checkCacheStates(config);
  checkModel(config);
  checkModelOptions(config);
  checkSplit(config);
  checkAugmentation(config);
  checkEpochs(config);
  checkScheduleUnit(config);
  scheduleOf(config); // refuses what it cannot be made of
}

/** Frames of a training utterance, and how to say where they come from: "segmentLength is 64". */
function segmentOf(config: TrainConfig): { frames: number; fact: string } {
  const { chunkSeconds } = config, frames = segmentFramesOf(config);
  return {
    frames,
    fact: chunkSeconds > 0 ? `chunkSeconds ${chunkSeconds} has ${frames} frames` : `segmentLength is ${frames}`,
  };
}

function checkModel(config: TrainConfig): void {
  const { model, dModel, nHead, attention, maxTime } = config, { frames, fact } = segmentOf(config);
  modelKinds[model].check(config);
  checkInput(config);
  if (dModel % nHead !== 0) {
    throw new RangeError(`Cannot build the model: dModel is ${dModel}, which nHead ${nHead} does not divide`);
  }
  if (attention === "linformer" && frames > maxTime) {
    throw new RangeError(
      `Cannot build the model: ${fact}, and Linformer attention is made for a maxTime of ${maxTime}`,
    );
  }
}

/** A model of frames would take every sample for one: its attention, thousands of times as long, would end in want of memory. */
function checkInput({ model, features, specAugment }: TrainConfig): void {
  const isWaveform = parseFeatureSettings(features).kind === "waveform", { takesWaveforms = false } = modelKinds[model];
  if (isWaveform !== takesWaveforms) {
    const [what, wanted] = takesWaveforms ? ["samples", "waveform"] : ["frames of features", "hw4"];
    throw new RangeError(
      `Cannot train "${model}" on features "${features}": it takes ${what}; set features to ${wanted}`,
    );
  }
  if (isWaveform && specAugment) {
    throw new RangeError(
      `Cannot mask the features "${features}" by specAugment: they are samples, and "${model}" masks frames of its own; set it to false`,
    );
  }
}

function checkSplit({ folds, validFold, testFold, holdOut }: TrainConfig): void {
  if (folds !== "" && holdOut !== "") {
    throw new RangeError(`Cannot split by both folds "${folds}" and holdOut "${holdOut}": give one of them`);
  }
  if (folds === "" && (validFold !== "" || testFold !== "")) {
    throw new RangeError("Cannot keep a fold for validation or testing: folds names no CSV file");
  }
  if (folds !== "" && validFold === "") {
    throw new RangeError(`Cannot split by folds "${folds}": validFold does not say which is for validation`);
  }
  try {
    new RegExp(holdOut, "u"); // as the split reads it
  } catch (error) {
    throw new RangeError(`Cannot use holdOut "${holdOut}": ${(error as Error).message}`, { cause: error });
  }
}

/** A rise that is meant in steps, as most recipes have it, would take all of a run that counts epochs, and more. */
function checkEpochs({ epochs, schedule, warmupSteps, loss, marginSteps }: TrainConfig): void {
  if (epochs === 0) return;
  const rises = {
    warmupSteps: schedule === "cosine-warmup" ? warmupSteps : 0,
    marginSteps: loss === "cross-entropy" ? 0 : marginSteps,
  };
  for (const [key, count] of Object.entries(rises)) {
    if (count <= epochs) continue;
    throw new RangeError(`Cannot train ${epochs} epochs: ${key} is ${count}, which counts epochs as well; lower it`);
  }
}

function checkScheduleUnit({ scheduleUnit, epochs, schedule, warmupSteps }: TrainConfig): void {
  if (scheduleUnit === "step") return;
  if (epochs === 0) {
    throw new RangeError('Cannot move the learning rate by epochs: epochs is 0; set it, or scheduleUnit to "step"');
  }
  if (schedule === "cosine-warmup" && warmupSteps > 0) {
    throw new RangeError(
      'Cannot warm up by epochs: the whole first one would have a learning rate of 0; set warmupSteps to 0, or scheduleUnit to "step"',
    );
  }
}

function checkAugmentation(config: TrainConfig): void {
  const { model, mixup, loss, specAugment, timeShift, timeWarp } = config, { frames, fact } = segmentOf(config);
  if (timeShift > 0 && !modelKinds[model].fixedClips) {
    throw new RangeError(
      `Cannot turn utterances by timeShift ${timeShift}: model "${model}" masks what follows them; set it to 0`,
    );
  }
  if (mixup > 0 && loss !== "cross-entropy") {
    throw new RangeError(`Cannot mix utterances with the loss "${loss}": a margin needs one target; set mixup to 0`);
  }
  if (specAugment && 2 * timeWarp >= frames) {
    throw new RangeError(
      `Cannot warp time by ${timeWarp} frames: ${fact}, wanted more than twice as many`,
    );
  }
}
