/** An encoder of speakers together with the head that trains it. @module */
import type { Tensor } from "../../tensor/mod.ts";
import type { Classifier, Head } from "../classifier.ts";
import { Dropout } from "../dropout.ts";
import { type HeadName, makeHead } from "../heads.ts";
import { Module } from "../module.ts";
import type { SpeakerEncoder } from "../speaker_encoder.ts";

/** Options of {@linkcode EmbeddingClassifier}. */
export interface EmbeddingClassifierOptions {
  /** Classes to tell apart in training; 0 for a model that only embeds. */
  classes: number;
  /** Probability of dropout before the head. Default 0.1. */
  dropout?: number;
  /** See {@linkcode makeHead}. Default "linear". */
  head?: HeadName;
  /** Channels between the linear maps of the "xvector" head. Default 0: as many as the embedding has. */
  headWidth?: number;
  /** Makes the head's last layer a {@linkcode CosineHead}, as margins on angles need it. Default true. */
  cosineHead?: boolean;
  /** Factor on that head's cosines. Default 30. */
  scale?: number;
}

/** Frames → encoder → dropout → head. Afterwards the encoder alone tells voices apart that it was not trained with. */
export class EmbeddingClassifier<E extends SpeakerEncoder = SpeakerEncoder> extends Module implements Classifier {
  /** From frames to the embedding. */
  readonly encoder: E;
  /** Comes before the head. */
  readonly dropout: Dropout;
  /** From the embedding to a score for each class. */
  readonly head: Head;

  /** A classifier around an encoder. */
  constructor(encoder: E, { classes, dropout = 0.1, head = "linear", ...options }: EmbeddingClassifierOptions) {
    super();
    const { cosineHead: cosine = true, scale, headWidth: width } = options;
    this.encoder = encoder;
    this.dropout = new Dropout(dropout);
    this.head = makeHead(head, { dim: encoder.embeddingDim, classes, dropout, cosine, scale, width });
  }

  /** One vector for each utterance, (batch, embeddingDim); in training some of its elements are dropped. See {@linkcode Classifier}. */
  embed(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.dropout.forward(this.encoder.forward(x, lengths));
  }

  /** Scores before softmax, (batch, classes); parameters as of {@linkcode Classifier.embed}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.head.forward(this.embed(x, lengths));
  }
}
