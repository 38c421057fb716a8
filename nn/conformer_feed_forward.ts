/** The feed-forward half step of a Conformer. @module */
import type { Tensor } from "../tensor/mod.ts";
import { SiLU } from "./activations.ts";
import { Dropout } from "./dropout.ts";
import { LayerNorm } from "./layer_norm.ts";
import { xavierLinear } from "./linear.ts";
import { Module } from "./module.ts";
import { Sequential } from "./sequential.ts";

/** Normalisation, a wider linear map, Swish, dropout, a linear map back, dropout. What it adds to its input is for its owner to say. */
export class ConformerFeedForward extends Module {
  /** The six layers. */
  readonly sequential: Sequential;

  /** `inner`: the wider map's channels. `dropout`: default 0.1. */
  constructor(dim: number, inner: number, { dropout = 0.1 }: { dropout?: number } = {}) {
    super();
    this.sequential = new Sequential(
      new LayerNorm(dim),
      xavierLinear(dim, inner),
      new SiLU(),
      new Dropout(dropout),
      xavierLinear(inner, dim),
      new Dropout(dropout),
    );
  }

  /** (batch, time, dim) → the same shape. */
  forward(x: Tensor): Tensor {
    return this.sequential.forward(x);
  }
}
