/** What single fields of a config cannot say. @module */
import { parseFeatureSettings } from "../data/features/settings.ts";
import { scheduleOf } from "./schedules/from_config.ts";
import type { TrainConfig } from "./train_config.ts";

/**
 * Checks values that have to fit together.
 *
 * @throws {RangeError} Where they do not.
 * @throws {TypeError} Where there are no features of that name.
 */
export function checkTrainConfig(config: TrainConfig): void {
  parseFeatureSettings(config.features);
  checkModel(config);
  checkSplit(config);
  checkAugmentation(config);
  checkEpochs(config);
  scheduleOf(config); // refuses what it cannot be made of
}

function checkModel({ model, dModel, nHead, convKernel, attention, maxTime, segmentLength }: TrainConfig): void {
  if (model === "conformer" && convKernel % 2 === 0) {
    throw new RangeError(`Cannot build the model: convKernel is ${convKernel}, expected an odd number`);
  }
  if (dModel % nHead !== 0) {
    throw new RangeError(`Cannot build the model: dModel is ${dModel}, which nHead ${nHead} does not divide`);
  }
  if (attention === "linformer" && segmentLength > maxTime) {
    throw new RangeError(
      `Cannot build the model: segmentLength is ${segmentLength}, and Linformer attention is made for a maxTime of ${maxTime}`,
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

function checkAugmentation(config: TrainConfig): void {
  const { model, mixup, loss, specAugment, timeShift, timeWarp, segmentLength } = config;
  if (timeShift > 0 && (model === "transformer" || model === "conformer")) {
    throw new RangeError(
      `Cannot turn utterances by timeShift ${timeShift}: model "${model}" masks what follows them; set it to 0`,
    );
  }
  if (mixup > 0 && loss !== "cross-entropy") {
    throw new RangeError(`Cannot mix utterances with the loss "${loss}": a margin needs one target; set mixup to 0`);
  }
  if (specAugment && 2 * timeWarp >= segmentLength) {
    throw new RangeError(
      `Cannot warp time by ${timeWarp} frames: expected less than half of segmentLength ${segmentLength}`,
    );
  }
}
