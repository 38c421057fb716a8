/** What a run trains with, made from its config and data. @module */
import { TrainingBatches } from "../data/batches/mod.ts";
import { silenceOf } from "../data/features/mod.ts";
import { setRecompute } from "../nn/mod.ts";
import { manualSeed } from "../tensor/mod.ts";
import { Augmentation } from "./augmentation.ts";
import { batchRulesOf } from "./batch_rules.ts";
import { freshProgress, type RunParts } from "./checkpoint.ts";
import { freezeWeights, type Frozen } from "./freeze.ts";
import type { InitialModel } from "./init/initial_model.ts";
import { loadInitial } from "./init/load_initial.ts";
import { cacheHiddenStates, type HiddenStates } from "./hidden_states.ts";
import { inSteps } from "./in_steps.ts";
import { layerGroups } from "./layer_decay.ts";
import { checkLengths } from "./least_length.ts";
import { describeModel } from "./model_facts.ts";
import { modelKinds } from "./models/mod.ts";
import { Objective } from "./objective.ts";
import { optimizerOf } from "./optimizer_of.ts";
import type { Screen } from "./progress.ts";
import { scheduleOf } from "./schedules/from_config.ts";
import { splitOf } from "./split_of.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingData } from "./training_data.ts";
import { TrainingStep } from "./training_step.ts";
import { batchFramesOf, segmentFramesOf, validViewingOf } from "./viewing.ts";

/** Steps whose results the device keeps. Half of it have to be read at a time, and a bad loss is noticed as late as that. */
const WINDOW = 128;

/** The parts of a run, and the memory they hold. */
export interface Setup extends RunParts, Disposable {
  /** The config with every count in steps. */
  readonly config: TrainConfig;
  /** What the model file will say of the model. */
  readonly description: ReturnType<typeof describeModel>;
  readonly batches: TrainingBatches;
  readonly step: TrainingStep;
  readonly frozen: Frozen;
  /** What came from the initial model, in lines. */
  readonly initialLines: readonly string[];
  /** Hidden states that are trained and validated on instead of recordings; null where none are cached. */
  readonly states: HiddenStates | null;
  /** Utterances kept for validation. */
  readonly valid: readonly number[];
}

/**
 * Builds the parts on the current device. Writes nothing, so that a mistake in config or data leaves nothing behind.
 *
 * @param options `careful`: whether every loss is looked at before the weights change; `initial`: what the weights start from; `screen`: shows the progress of what takes long
 * @throws Error if there are too few utterances for a batch or for validation, the split does not fit the data, or the model
 * could not take the longest utterance of validation.
 */
export async function setUp(
  given: TrainConfig,
  data: TrainingData,
  { careful, initial, screen }: { careful: boolean; initial: InitialModel | null; screen: Screen },
): Promise<Setup> {
  const { batchSize, gradClip, seed } = given, samples = segmentFramesOf(given);
  const { channels, classes, utterances } = data;
  const { train, valid } = await splitOf(given, data);
  checkReach(given, valid.map((i) => utterances[i].frames));
  const description = describeModel(given, channels, classes);
  const { fixed } = description.viewing;
  const padding = silenceOf(data.featureSettings);
  const source = data.forTraining?.(train) ?? data;
  manualSeed(seed);
  const model = modelKinds[given.model].build(description.options);
  const initialLines = initial === null ? [] : loadInitial(model, { initial, target: description, data });
  const frozen = freezeWeights(model, given.freeze);
  if (given.recompute && setRecompute(model, true) === 0) {
    throw new RangeError(
      `Cannot recompute the layers of "${given.model}": it has none that can be; leave out --recompute`,
    );
  }
  checkLengths(model, given, { utterances, featureSettings: data.featureSettings, train, valid });
  const request = { config: given, frozen, data, indices: [...train, ...valid], screen };
  const states = given.cacheStates ? await cacheHiddenStates(model, request) : null;
  const heard = states ?? source, time = states?.segmentFrames(samples) ?? samples;
  const options = { batchSize, segmentLength: time, seed, padding: states === null ? padding : 0 };
  const batches = new TrainingBatches(heard, train, { ...options, pad: fixed ? "center" : "end" });
  const config = inSteps(given, batches.batchesPerEpoch);
  const objective = new Objective(config);
  const augmentation = new Augmentation(config, typeof padding === "number" ? padding : null);
  const layers = modelKinds[given.model].layersOf(description.options);
  const optimizer = optimizerOf(config, layerGroups(model, { layers, decay: given.layerDecay }));
  const padded = !fixed && heard.draw === undefined && train.some((i) => heard.utterances[i].frames < time);
  const sizes = { batchSize, time, channels: heard.channels, window: WINDOW };
  const trained = states?.model ?? model;
  const step = new TrainingStep({
    model: trained,
    objective,
    augmentation,
    optimizer,
    ...sizes,
    gradClip,
    padded,
    careful,
  });
  const dispose = () => {
    states?.[Symbol.dispose]();
    step.dispose();
    objective.dispose();
    optimizer.dispose();
  };
  const parts = {
    model,
    optimizer,
    schedule: scheduleOf(given, batches.batchesPerEpoch),
    batches,
    progress: freshProgress(),
    classes,
  };
  return { ...parts, config, description, frozen, initialLines, step, states, valid, [Symbol.dispose]: dispose };
}

/** Says now what the first validation would say, maybe hours later. */
function checkReach(config: TrainConfig, lengths: readonly number[]): void {
  const { attention, maxTime } = config;
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const needed = batchFramesOf(longest, validViewingOf(config), batchRulesOf({}, null)); // no model with it has others
  if (attention !== "linformer" || needed <= maxTime) return;
  throw new Error(
    `Cannot validate an utterance of ${longest} frames: Linformer attention is made for a maxTime of ${maxTime}; ` +
      `set maxTime to ${needed}, or validSegment to centre`,
  );
}
