/** From one vector an utterance to a score for each class. @module */
import { normalize, type Tensor } from "../tensor/mod.ts";
import { LeakyReLU, ReLU, Sigmoid } from "./activations.ts";
import { BatchNorm1d } from "./batch_norm.ts";
import type { Head } from "./classifier.ts";
import { Dropout } from "./dropout.ts";
import { xavierNormal } from "./init.ts";
import { Linear } from "./linear.ts";
import { type Layer, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { Sequential } from "./sequential.ts";

/**
 * What follows the pooling: one linear map, two with a ReLU, that of the homework's 2023 edition (1024 wide, sigmoid, dropout), or that of
 * SpeechBrain's x-vectors (twice LeakyReLU and batch normalisation, a linear map between them and one behind).
 */
export type HeadName = "linear" | "two-layer" | "2023" | "xvector";

/** Options of {@linkcode CosineHead}. */
export interface CosineHeadOptions {
  /** Factor on cosines, so that a softmax of them can get near 0 and 1. Default 30. */
  scale?: number;
  /** Applied to the embedding first. Default none. */
  hidden?: Layer | null;
  /** Another module's directions as columns, (dim, classes), to be used instead of rows of its own. Default none. */
  columns?: Parameter | null;
}

/**
 * Scores by angle: scale · cos(embedding, a class's weights), both normalised. The margin losses {@linkcode amSoftmax} and
 * {@linkcode aamSoftmax} take its {@linkcode CosineHead.cosine}.
 */
export class CosineHead extends Module implements Head {
  /** Comes before the cosines, if there is one. */
  readonly hidden: Layer | null;
  /** A direction for each class, (classes, dim), or (dim, classes) where `classAxis` is 1; normal with Xavier's deviation at first. */
  readonly weight: Parameter;
  /** Axis of `weight` that has a place for each class. */
  readonly classAxis: 0 | 1;
  /** Factor on cosines. */
  readonly scale: number;

  /** From `dim` channels (of the hidden layer's output, if there is one) to `classes`. */
  constructor(dim: number, classes: number, { scale = 30, hidden = null, columns = null }: CosineHeadOptions = {}) {
    super();
    if (!(scale > 0)) throw new RangeError(`Cannot scale cosines by ${scale}: expected a number above 0`);
    this.hidden = hidden;
    this.weight = columns ?? xavierNormal(new Parameter([classes, dim]));
    this.classAxis = columns === null ? 0 : 1;
    this.scale = scale;
  }

  /** Cosines in [−1, 1], (batch, classes). */
  cosine(embedding: Tensor): Tensor {
    const x = this.hidden === null ? embedding : this.hidden.forward(embedding);
    const columns = this.classAxis === 1 ? normalize(this.weight, { dim: 0 }) : normalize(this.weight).transpose(0, 1);
    return normalize(x).matmul(columns);
  }

  /** See {@linkcode Head}. */
  forward(embedding: Tensor): Tensor {
    return this.cosine(embedding).mul(this.scale);
  }
}

/** The head of a model that only embeds: it has no weights and gives no scores. */
export class NoHead extends Module implements Head {
  /** TypeError: there is nothing to score. */
  forward(_embedding: Tensor): Tensor {
    throw new TypeError("Cannot score classes: the model has none, only embeddings");
  }
}

/** Options of {@linkcode makeHead}. */
export interface HeadOptions {
  /** Channels of an embedding. */
  dim: number;
  /** Scores to give; 0 makes a {@linkcode NoHead}, whatever else is asked for. */
  classes: number;
  /** Probability of dropout in the "2023" head. Default 0.1. */
  dropout?: number;
  /** Makes the last layer a {@linkcode CosineHead}. Default false. */
  cosine?: boolean;
  /** Of that cosine head. Default 30. */
  scale?: number;
  /** Channels between the two linear maps of the "xvector" head; 0 or left out: `dim`. */
  width?: number;
}

/** Layers before the last one, and what they leave of the width. */
const hiddenLayers: Record<HeadName, (dim: number, options: HeadOptions) => { layers: Layer[]; width: number }> = {
  "linear": (dim) => ({ layers: [], width: dim }),
  "two-layer": (dim) => ({ layers: [new Linear(dim, dim), new ReLU()], width: dim }),
  "2023": (dim, { dropout = 0.1 }) => ({
    layers: [new Linear(dim, 1024), new Sigmoid(), new Dropout(dropout)],
    width: 1024,
  }),
  // its Classifier ends with a log-softmax, which changes no softmax and no cross-entropy of the scores
  "xvector": (dim, { width: wanted = 0 }) => {
    const width = wanted || dim, between = new Linear(dim, width);
    return {
      layers: [new LeakyReLU(), new BatchNorm1d(dim), between, new LeakyReLU(), new BatchNorm1d(width)],
      width,
    };
  },
};

/** A head by name. */
export function makeHead(name: HeadName, options: HeadOptions): Head {
  if (options.classes === 0) return new NoHead();
  const { dim, classes, cosine = false, scale = 30 } = options;
  const { layers, width } = hiddenLayers[name](dim, options);
  if (cosine) {
    return new CosineHead(width, classes, { scale, hidden: layers.length === 0 ? null : new Sequential(...layers) });
  }
  const last = new Linear(width, classes);
  return layers.length === 0 ? last : new Sequential(...layers, last);
}

/** The parameters of a head that have a place for each class, and the axis along which they have it. None for a head of unknown kind. */
export function classWeights(head: Layer): ReadonlyMap<Parameter, number> {
  if (head instanceof CosineHead) return new Map([[head.weight, head.classAxis]]);
  if (head instanceof Linear) return new Map(head.parameters().map((parameter) => [parameter, 0]));
  const last = head instanceof Sequential ? head.namedChildren().at(-1)?.[1] : undefined;
  return last instanceof CosineHead || last instanceof Linear ? classWeights(last) : new Map();
}
