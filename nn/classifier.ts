/** What every classifier of utterances can do, so that trainer, losses and inference need not know the model. @module */
import type { Tensor } from "../tensor/mod.ts";
import type { Layer, Module } from "./module.ts";

/** A classifier of waveforms whose first part, if it is frozen, need not be run again and again. */
export interface StagedClassifier extends Classifier {
  /** Name of the first part, with which the names of its weights begin. */
  readonly firstPart: string;
  /** Channels of what it gives. */
  readonly stateChannels: number;
  /** Frames that it makes of so many samples. */
  framesOf(samples: number): number;
  /** What it gives: (batch, samples, 1), none of them padding, to (batch, frames, stateChannels). */
  states(x: Tensor): Tensor;
  /** The second part, which takes that: a classifier of frames that shares the weights. */
  afterStates(): Classifier;
}

/** Whether a classifier has two such parts. */
export function isStaged(model: Classifier): model is StagedClassifier {
  return "afterStates" in model && typeof model.afterStates === "function";
}

/** The last part of a classifier. */
export interface Head extends Layer {
  /** Scores before softmax, (batch, classes), of embeddings (batch, dim). */
  forward(embedding: Tensor): Tensor;
}

/** A model that gives an utterance one vector, and scores from it. */
export interface Classifier extends Module {
  /** From that vector to a score for each class; a {@linkcode CosineHead} where a margin on angles is trained. */
  readonly head: Head;
  /** Frames of the shortest utterance that it can take, 1 where it does not say; nobody gives it a shorter one. */
  readonly minFrames?: number;
  /**
   * Whether padding changes what it makes of an utterance although `lengths` say what is padding, as where a norm runs over all of a row.
   * Scores would then depend on who shares a batch: it is given utterances of one length together, without padding. Default false.
   */
  readonly mixesPadding?: boolean;
  /**
   * One vector for each utterance, (batch, dim): what the head takes.
   *
   * @param x float32 (batch, time, channels)
   * @param lengths int32 (batch): frames of each utterance, the rest being padding; default null, where there is none
   */
  embed(x: Tensor, lengths?: Tensor | null): Tensor;
  /** Scores before softmax, (batch, classes): the head's, of {@linkcode Classifier.embed}. */
  forward(x: Tensor, lengths?: Tensor | null): Tensor;
}
