/** Recordings that are too short for a model. @module */
import type { FeatureSettings } from "../data/features/mod.ts";
import type { Utterance } from "../data/sets/mod.ts";
import type { Classifier } from "../nn/mod.ts";
import { segmentFramesOf, validViewingOf } from "./viewing.ts";
import type { TrainConfig } from "./train_config.ts";

/**
 * Says how much is missing of what a model can take: `it has 3200 samples (0.2 s), the model needs 4880 (0.305 s)`; null where nothing is.
 *
 * @param frames of the utterance
 * @param settings of its features; null where they are not known
 */
export function shortFault(
  frames: number,
  { minFrames = 1 }: Pick<Classifier, "minFrames">,
  settings: FeatureSettings | null,
): string | null {
  if (frames >= minFrames) return null;
  if (settings?.kind !== "waveform") return `it has ${frames} frames, the model needs ${minFrames}`;
  const seconds = (samples: number) => `${Number((samples / settings.sampleRate).toFixed(4))} s`;
  return `it has ${frames} samples (${seconds(frames)}), the model needs ${minFrames} (${seconds(minFrames)})`;
}

/** What a run trains and validates on. */
export interface RunUtterances {
  readonly utterances: readonly Utterance[];
  readonly train: readonly number[];
  readonly valid: readonly number[];
  readonly featureSettings: FeatureSettings | null;
}

/**
 * Looks at the lengths of a run's utterances before it begins, for the shortest would end it, maybe hours later. Chunks of recordings are all
 * as long as one another: there a short recording is repeated.
 *
 * @throws {RangeError} Where chunks or crops are too short for the model.
 * @throws {Error} Where an utterance is; the message names the first one.
 */
export function checkLengths(
  model: Pick<Classifier, "minFrames">,
  config: TrainConfig,
  { utterances, train, valid, featureSettings }: RunUtterances,
): void {
  const { chunkSeconds, segmentLength, validChunk } = config, viewing = validViewingOf(config);
  if (viewing.fixed) return;
  const fault = shortFault(segmentFramesOf(config), model, featureSettings);
  if (fault !== null) {
    const what = chunkSeconds > 0 ? `chunks of ${chunkSeconds} s` : `segmentLength ${segmentLength}`;
    throw new RangeError(`Cannot train with ${what}: ${fault.replace(/^it has/, "that is")}`);
  }
  const whole = chunkSeconds === 0 ? [...train, ...valid] : validChunk === "whole" ? valid : [];
  for (const i of whole) {
    const { path, frames } = utterances[i], fault = shortFault(frames, model, featureSettings);
    if (fault !== null) throw new Error(`Cannot train on ${JSON.stringify(path)}: ${fault}; remove it`);
  }
}
