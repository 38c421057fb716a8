/** What follows an encoder of speech, as a classifier of its hidden states. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import type { Classifier, Head } from "../../classifier.ts";
import { Module } from "../../module.ts";
import { ModuleList } from "../../module_list.ts";

/** Options of {@linkcode AfterEncoder}. */
export interface AfterEncoderOptions {
  /** The whole model's. */
  readonly head: Head;
  /** Its other modules that come after the encoder: they are trained or evaluated with it. */
  readonly modules: readonly Module[];
  /** Hidden states side by side in a frame. */
  readonly count: number;
  /** Frames that it needs. Default 1. */
  readonly minFrames?: number;
  /** From hidden states, each (batch, frames, channels), and int32 (batch) frames to embeddings. */
  readonly embed: (states: readonly Tensor[], frameLengths: Tensor | null) => Tensor;
}

/** Judges frames that hold hidden states side by side, (batch, frames, count · channels). It has no weights of its own: they are the whole model's. */
export class AfterEncoder extends Module implements Classifier {
  /** See {@linkcode Classifier}. */
  readonly head: Head;
  /** Others of its parts. */
  readonly parts: ModuleList<Module>;
  /** Frames of the shortest recording that it can take. */
  readonly minFrames: number;
  readonly #options: AfterEncoderOptions;

  /** See {@linkcode AfterEncoderOptions}. */
  constructor(options: AfterEncoderOptions) {
    super();
    this.head = options.head;
    this.parts = new ModuleList([...options.modules]);
    this.minFrames = options.minFrames ?? 1;
    this.#options = options;
  }

  /** One vector for each recording; `lengths` counts frames. */
  embed(x: Tensor, lengths: Tensor | null = null): Tensor {
    const { count, embed } = this.#options;
    return embed(count === 1 ? [x] : x.chunk(count, -1), lengths);
  }

  /** Scores before softmax, (batch, classes); parameters as of {@linkcode AfterEncoder.embed}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.head.forward(this.embed(x, lengths));
  }
}
