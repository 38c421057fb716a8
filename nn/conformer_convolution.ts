/** The convolution module of a Conformer. @module */
import { glu, type Tensor } from "../tensor/mod.ts";
import { GLU, SiLU } from "./activations.ts";
import { BatchNorm1d } from "./batch_norm.ts";
import { Conv1d } from "./conv.ts";
import { Dropout } from "./dropout.ts";
import { LayerNorm } from "./layer_norm.ts";
import { lengthMask } from "./length_mask.ts";
import { Module } from "./module.ts";
import { ModuleList } from "./module_list.ts";

/** Options of {@linkcode ConformerConvolution}. */
export interface ConformerConvolutionOptions {
  /** Channels before the gate, which halves them, as a multiple of the module's own. Default 2. */
  convExpansion?: number;
  /** Frames that the depthwise convolution spans; odd. Default 31. */
  kernelSize?: number;
  /** Probability of dropout at the end. Default 0.1. */
  dropout?: number;
  /** Adds a bias in the depthwise convolution, which BatchNorm's follows. Default false. */
  depthwiseBias?: boolean;
  /** Lets convolution and BatchNorm read padding, as torchaudio's Conformer does. Default false. */
  convolvePadding?: boolean;
}

/**
 * Normalisation, pointwise convolution, gate, depthwise convolution, BatchNorm, Swish, pointwise convolution, dropout (Gulati et al. 2020,
 * arXiv 2005.08100). Frames stay (batch, time, channels) in memory throughout. Padding is silence to the convolution and counts in no
 * statistics.
 */
export class ConformerConvolution extends Module {
  /** Comes first. */
  readonly layer_norm: LayerNorm;
  /** The other seven layers. */
  readonly sequential: ModuleList<Module>;
  /** Whether convolution and BatchNorm read padding. */
  readonly convolvePadding: boolean;
  readonly #widen: Conv1d;
  readonly #spread: Conv1d;
  readonly #norm: BatchNorm1d;
  readonly #narrow: Conv1d;
  readonly #dropout: Dropout;

  /**
   * A module with fresh weights.
   *
   * @throws RangeError for an even kernel, or an expansion that leaves no whole number of channels.
   */
  constructor(dim: number, options: ConformerConvolutionOptions = {}) {
    super();
    const { convExpansion = 2, kernelSize = 31, dropout = 0.1, depthwiseBias = false, convolvePadding = false } =
      options;
    if (!(Number.isInteger(kernelSize) && kernelSize % 2 === 1 && kernelSize > 0)) {
      throw new RangeError(`Cannot centre a kernel of ${kernelSize} frames: expected an odd number, such as 31`);
    }
    const inner = dim * convExpansion / 2;
    if (!(Number.isInteger(inner) && inner > 0)) {
      throw new RangeError(`Cannot gate ${dim} channels times ${convExpansion}: half of it is no whole number`);
    }
    this.convolvePadding = convolvePadding;
    this.layer_norm = new LayerNorm(dim);
    this.#widen = new Conv1d(dim, 2 * inner, 1);
    this.#spread = new Conv1d(inner, inner, kernelSize, {
      padding: (kernelSize - 1) / 2,
      groups: inner,
      bias: depthwiseBias,
    });
    this.#norm = new BatchNorm1d(inner);
    this.#narrow = new Conv1d(inner, dim, 1);
    this.#dropout = new Dropout(dropout);
    this.sequential = new ModuleList([
      ...[this.#widen, new GLU(1), this.#spread, this.#norm, new SiLU(), this.#narrow, this.#dropout],
    ]);
  }

  /** (batch, time, dim) → the same shape; `lengths` int32 (batch): frames of each utterance, the rest being padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const seen = this.convolvePadding ? null : lengths;
    const gated = glu(along(this.#widen, this.layer_norm.forward(x)));
    const clean = seen === null ? gated : gated.maskedFill(lengthMask(seen, x.shape[1]).unsqueeze(-1), 0);
    const spread = this.#norm.forward(this.#spread.forward(clean.transpose(1, 2)), seen).transpose(1, 2);
    return this.#dropout.forward(along(this.#narrow, spread.silu()));
  }
}

/** A convolution of (batch, time, channels). */
function along(layer: Conv1d, x: Tensor): Tensor {
  return layer.forward(x.transpose(1, 2)).transpose(1, 2);
}
