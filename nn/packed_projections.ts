/** The linear maps that kinds of attention share. @module */
import { linear, type Tensor } from "../tensor/mod.ts";
import { xavierUniform, zeros } from "./init.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** Options of {@linkcode PackedProjections}. */
export interface PackedProjectionsOptions {
  /** Probability of dropping an attention weight while training. Default 0. */
  dropout?: number;
  /** Adds biases to the projections. Default true. */
  bias?: boolean;
}

/**
 * Attention's projections, named and starting as in PyTorch's `MultiheadAttention`: queries, keys and values from one weight, and one that
 * mixes the heads.
 */
export abstract class PackedProjections extends Module {
  /** Projections of queries, keys and values on top of each other: (3 · embedDim, embedDim). */
  readonly in_proj_weight: Parameter;
  /** (3 · embedDim), or null without biases. */
  readonly in_proj_bias: Parameter | null;
  /** Mixes the heads. */
  readonly out_proj: Linear;
  /** Heads; each has embedDim / numHeads channels. */
  readonly numHeads: number;
  /** Probability of dropping an attention weight while training. */
  readonly dropout: number;

  /**
   * Projections with fresh weights.
   *
   * @throws RangeError if `numHeads` does not divide `embedDim`.
   */
  constructor(embedDim: number, numHeads: number, { dropout = 0, bias = true }: PackedProjectionsOptions) {
    super();
    requireHeadsFit(embedDim, numHeads);
    this.numHeads = numHeads;
    this.dropout = dropout;
    this.in_proj_weight = xavierUniform(new Parameter([3 * embedDim, embedDim]));
    this.in_proj_bias = bias ? new Parameter([3 * embedDim]) : null;
    this.out_proj = new Linear(embedDim, embedDim, { bias });
    if (this.out_proj.bias !== null) zeros(this.out_proj.bias);
  }

  /** Queries, keys and values side by side, (batch, time, 3 · embedDim). */
  protected projectPacked(x: Tensor): Tensor {
    return linear(x, this.in_proj_weight, this.in_proj_bias);
  }

  /** Queries, keys and values, each (batch, time, embedDim), as tensors of their own. */
  protected projectApart(x: Tensor): Tensor[] {
    return [0, 1, 2].map((part) => this.project(x, part));
  }

  /** Queries (part 0), keys (1) or values (2) of a tensor, (batch, time, embedDim). */
  protected project(x: Tensor, part: number): Tensor {
    const size = this.out_proj.weight.shape[0];
    const rows = (t: Tensor) => t.slice(0, part * size, (part + 1) * size);
    return linear(x, rows(this.in_proj_weight), this.in_proj_bias === null ? null : rows(this.in_proj_bias));
  }
}

/** RangeError unless channels can be split among heads. */
export function requireHeadsFit(channels: number, heads: number): void {
  if (!(Number.isInteger(heads) && heads >= 1)) {
    throw new RangeError(`Cannot split ${channels} channels into ${heads} heads: expected a whole number from 1`);
  }
  if (channels % heads !== 0) {
    throw new RangeError(`Cannot split ${channels} channels into ${heads} heads: ${heads} is no divisor`);
  }
}

/** (batch, time, channels) → (batch, heads, time, channels / heads), a view. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  return x.reshape([x.shape[0], x.shape[1], heads, x.shape[2] / heads]).permute([0, 2, 1, 3]);
}

/** (batch, heads, time, channels) → (batch, time, heads · channels). */
export function mergeHeads(x: Tensor): Tensor {
  return x.permute([0, 2, 1, 3]).flatten(2);
}
