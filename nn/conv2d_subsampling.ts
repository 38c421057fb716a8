/** A quarter of the frames, by two convolutions. @module */
import { maximum, type Tensor } from "../tensor/mod.ts";
import { ReLU } from "./activations.ts";
import { Conv2d } from "./conv.ts";
import { Dropout } from "./dropout.ts";
import { lengthMask } from "./length_mask.ts";
import { type Linear, xavierLinear } from "./linear.ts";
import { Module } from "./module.ts";
import { ModuleList } from "./module_list.ts";
import { subsampledLength } from "./subsampled_length.ts";

/** The least frames from which the two convolutions make one. */
const LEAST = 7;

/** Frames, and how many each utterance has left. */
export interface Subsampled {
  /** (batch, time′, channels). */
  readonly frames: Tensor;
  /** int32 (batch), or null where there were none. */
  readonly lengths: Tensor | null;
}

/**
 * Two convolutions of kernel 3 and stride 2 over time and frequency, each with a ReLU, then a linear map and dropout: (batch, time,
 * nMels) → (batch, {@linkcode subsampledLength}(time), dim). No frame that is kept sees padding. An utterance of fewer than 7 frames,
 * which would leave none, is continued by zeros and leaves one.
 */
export class Conv2dSubsampling extends Module {
  /** Convolution, ReLU, convolution, ReLU. */
  readonly sequential: ModuleList<Module>;
  /** From channels · frequencies to dim. */
  readonly input_projection: Linear;
  /** Comes last. */
  readonly dropout: Dropout;
  readonly #first: Conv2d;
  readonly #second: Conv2d;

  /**
   * Layers with fresh weights. `dropout`: default 0.1.
   *
   * @throws RangeError for fewer than 7 mels.
   */
  constructor(nMels: number, dim: number, { dropout = 0.1 }: { dropout?: number } = {}) {
    super();
    if (nMels < LEAST) throw new RangeError(`Cannot subsample frames of ${nMels} channels: expected at least ${LEAST}`);
    this.#first = new Conv2d(1, dim, 3, { stride: 2 });
    this.#second = new Conv2d(dim, dim, 3, { stride: 2 });
    this.sequential = new ModuleList([this.#first, new ReLU(), this.#second, new ReLU()]);
    this.input_projection = xavierLinear(dim * subsampledLength(nMels), dim);
    this.dropout = new Dropout(dropout);
  }

  /** Parameters as of {@linkcode Conv2dSubsampling.subsample}; the frames alone. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.subsample(x, lengths).frames;
  }

  /** Fewer frames of `x` (batch, time, nMels), and the lengths that are left of `lengths`, int32 (batch). */
  subsample(x: Tensor, lengths: Tensor | null = null): Subsampled {
    const time = x.shape[1];
    const silent = lengths === null ? x : x.maskedFill(lengthMask(lengths, time).unsqueeze(-1), 0);
    const enough = time >= LEAST ? silent : silent.pad([0, 0, 0, LEAST - time]);
    const first = this.#first.forward(enough.unsqueeze(1), { activation: "relu" });
    const second = this.#second.forward(first, { activation: "relu" }); // (batch, dim, time′, nMels′)
    const frames = this.dropout.forward(this.input_projection.forward(second.transpose(1, 2).flatten(2)));
    return { frames, lengths: lengths === null ? null : maximum(subsampledLength(lengths), 1) };
  }
}
