/** How a model looks at recordings of any length. @module */
import { type EvaluationBatchOptions, evenStarts } from "../data/batches/mod.ts";
import { framesOf, parseFeatureSettings } from "../data/features/mod.ts";
import type { BatchRules } from "./batch_rules.ts";
import { modelKinds } from "./models/mod.ts";
import type { TrainConfig } from "./train_config.ts";

/** Whole utterances, or evenly spaced crops of them. */
export interface Viewing {
  /** "whole": padding is masked. "crops": of `frames` frames, whose scores are averaged. */
  readonly mode: "whole" | "crops";
  /** Frames of a crop. */
  readonly frames: number;
  /** Most crops of a recording; a single one is the middle. */
  readonly crops: number;
  /** Whether every crop has to be full: a short recording then lies in the middle of silence, all of which counts. */
  readonly fixed: boolean;
}

/** How a config's model looks at recordings once it is trained: whole, unless it takes crops only or several are asked for. */
export function viewingOf(config: TrainConfig): Viewing {
  const { model, validCrops: crops } = config;
  const fixed = modelKinds[model].fixedClips;
  return { mode: fixed || crops > 1 ? "crops" : "whole", frames: segmentFramesOf(config), crops, fixed };
}

/** Frames of a training utterance: those of a chunk where there are chunks, else `segmentLength`. */
export function segmentFramesOf(
  { chunkSeconds, features, segmentLength }: Pick<TrainConfig, "chunkSeconds" | "features" | "segmentLength">,
): number {
  return chunkSeconds === 0 ? segmentLength : framesOf(chunkSeconds, parseFeatureSettings(features));
}

/** How validation looks at utterances: as inference will, or at their middle if the config says so. */
export function validViewingOf(config: TrainConfig): Viewing {
  const viewing = viewingOf(config);
  return viewing.mode === "whole" && config.validSegment === "centre" ? { ...viewing, mode: "crops" } : viewing;
}

/** The batches that a viewing means, under a model's rules. */
export function batchOptionsOf({ mode, frames, crops, fixed }: Viewing, rules: BatchRules): EvaluationBatchOptions {
  const { maxFrames, equalLengths, windowFrames, timeMultiple } = rules;
  const common = { equalLengths, ...maxFrames !== undefined && { maxFrames } };
  if (mode === "whole") return { ...common, mode, timeMultiple, windowFrames };
  return { ...common, mode: "center", segmentLength: frames, crops, pad: fixed ? "center" : "end" };
}

/** Crops that a recording of so many frames is looked at in, or windows. */
export function cropsOf(length: number, { mode, frames, crops }: Viewing, { windowFrames }: BatchRules): number {
  return mode === "whole" ? Math.max(1, Math.ceil(length / windowFrames)) : evenStarts(length, frames, crops).length;
}

/** Frames of the batch that holds a recording of so many: what a model has to reach over. */
export function batchFramesOf(length: number, { mode, frames }: Viewing, { timeMultiple }: BatchRules): number {
  return mode === "whole" ? Math.ceil(length / timeMultiple) * timeMultiple : frames;
}

/** The same, with another number of crops where one is given. */
export function withCrops(viewing: Viewing, crops: number | undefined): Viewing {
  return crops === undefined ? viewing : { ...viewing, crops, mode: viewing.fixed || crops > 1 ? "crops" : "whole" };
}
