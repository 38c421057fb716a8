/** What classifiers that look at every frame have in common. @module */
import type { Tensor } from "../../tensor/mod.ts";
import type { Classifier, Head } from "../classifier.ts";
import { Conv2dSubsampling } from "../conv2d_subsampling.ts";
import type { Linear } from "../linear.ts";
import { Module } from "../module.ts";
import type { Pooling } from "../pooling.ts";
import type { PositionalEncoding } from "../positional_encoding.ts";

/** The parts of a {@linkcode FrameClassifier}, in the order in which their weights are drawn. */
export interface FrameClassifierParts<E extends Module> {
  /** From nMels to dModel channels, perhaps of fewer frames. */
  readonly prenet: Linear | Conv2dSubsampling;
  /** Tells frames apart by their place, if wanted. */
  readonly positions: PositionalEncoding | null;
  /** Lets frames see each other. */
  readonly encoder: E;
  /** From frames to one vector. */
  readonly pooling: Pooling;
  /** From that vector to a score for each class. */
  readonly head: Head;
}

/** Frames → prenet → encoder → pooling over time → head. Padding takes no part anywhere. */
export abstract class FrameClassifier<E extends Module> extends Module implements Classifier {
  /** From nMels to dModel channels, perhaps of fewer frames. */
  readonly prenet: Linear | Conv2dSubsampling;
  /** Tells frames apart by their place, if wanted. */
  readonly positions: PositionalEncoding | null;
  /** Lets frames see each other. */
  readonly encoder: E;
  /** From frames to one vector. */
  readonly pooling: Pooling;
  /** From that vector to a score for each class. */
  readonly head: Head;

  /** A classifier of given parts. */
  constructor(parts: FrameClassifierParts<E>) {
    super();
    this.prenet = parts.prenet;
    this.positions = parts.positions;
    this.encoder = parts.encoder;
    this.pooling = parts.pooling;
    this.head = parts.head;
  }

  /** The encoder's output, (batch, time, dModel). */
  protected abstract encode(frames: Tensor, lengths: Tensor | null): Tensor;

  /**
   * One vector for each utterance, (batch, dModel).
   *
   * @param features (batch, time, nMels)
   * @param lengths int32 (batch): frames of each utterance, the rest being padding; `null` where there is none
   */
  embed(features: Tensor, lengths: Tensor | null = null): Tensor {
    const { prenet, positions } = this;
    const { frames, lengths: left } = prenet instanceof Conv2dSubsampling
      ? prenet.subsample(features, lengths)
      : { frames: prenet.forward(features), lengths };
    const placed = positions === null ? frames : positions.forward(frames);
    return this.pooling.forward(this.encode(placed, left), left);
  }

  /** Scores of the classes, (batch, classes), before softmax; parameters as of {@linkcode FrameClassifier.embed}. */
  forward(features: Tensor, lengths: Tensor | null = null): Tensor {
    return this.head.forward(this.embed(features, lengths));
  }
}
