/** What a run trains with, made from its config and data. @module */
import { TrainingBatches } from "../data/batches/mod.ts";
import { splitStratified } from "../data/sets/mod.ts";
import { SpeakerClassifier } from "../nn/mod.ts";
import { manualSeed } from "../tensor/mod.ts";
import { freshProgress, type RunParts } from "./checkpoint.ts";
import { modelOptions } from "./model_file.ts";
import { optimizerOf } from "./optimizer_of.ts";
import { scheduleOf } from "./schedules/from_config.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingData } from "./training_data.ts";
import { TrainingStep } from "./training_step.ts";

/** Steps whose results the device keeps. Half of it have to be read at a time, and a bad loss is noticed as late as that. */
const WINDOW = 128;

/** The parts of a run, and the memory they hold. */
export interface Setup extends RunParts, Disposable {
  readonly batches: TrainingBatches;
  readonly step: TrainingStep;
  /** Utterances kept for validation. */
  readonly valid: readonly number[];
}

/**
 * Builds the parts on the current device. Writes nothing, so that a mistake in config or data leaves nothing behind.
 *
 * @param careful whether every loss is looked at before the weights change
 * @throws Error if there are too few utterances for a batch or for validation.
 */
export function setUp(config: TrainConfig, data: TrainingData, careful: boolean): Setup {
  const { batchSize, segmentLength: time, validFraction, seed, gradClip } = config;
  const { channels, classes, utterances } = data;
  const { train, valid } = splitStratified(utterances.map(({ label }) => label), { validFraction, seed });
  const batches = new TrainingBatches(data, train, config);
  manualSeed(seed);
  const model = new SpeakerClassifier(modelOptions(config, channels, classes.length));
  const optimizer = optimizerOf(config, model.parameters());
  const padded = train.some((i) => utterances[i].frames < time);
  const sizes = { batchSize, time, channels, window: WINDOW };
  const step = new TrainingStep({ model, optimizer, ...sizes, gradClip, padded, careful });
  const dispose = () => {
    step.dispose();
    for (const { flat, states, numbers } of optimizer.groups) {
      for (const t of [flat.values, flat.gradients, numbers, ...Object.values(states)]) t.dispose();
    }
  };
  const schedule = scheduleOf(config);
  const parts = { model, optimizer, schedule, batches, progress: freshProgress(), classes };
  return { ...parts, step, valid, [Symbol.dispose]: dispose };
}
