/** What every network that gives an utterance one vector can do. @module */
import type { Tensor } from "../tensor/mod.ts";
import type { Module } from "./module.ts";

/** From frames to one vector an utterance. */
export interface SpeakerEncoder extends Module {
  /** Length of that vector. */
  readonly embeddingDim: number;
  /**
   * One vector for each utterance, (batch, embeddingDim).
   *
   * @param x float32 (batch, time, inputSize)
   * @param lengths int32 (batch): frames of each utterance, the rest being padding; default null, where there is none
   */
  forward(x: Tensor, lengths?: Tensor | null): Tensor;
}
