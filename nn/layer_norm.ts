/** Layer normalisation. @module */
import { layerNorm, type Tensor } from "../tensor/mod.ts";
import { ones } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** Options of {@linkcode LayerNorm}. */
export interface LayerNormModuleOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Scales and shifts each element by a weight and a bias. Default true. */
  elementwiseAffine?: boolean;
}

/** (x − mean) / √(variance + eps) · weight + bias over the last axes (Ba et al. 2016, arXiv 1607.06450). */
export class LayerNorm extends Module {
  /** Ones at first; of the normalised shape. */
  readonly weight: Parameter | null;
  /** Zeros at first; of the normalised shape. */
  readonly bias: Parameter | null;
  /** Added to the variance. */
  readonly eps: number;
  readonly #shape: readonly number[];

  /** `normalizedShape`: sizes of the last axes, or of the last one. */
  constructor(
    normalizedShape: number | readonly number[],
    { eps = 1e-5, elementwiseAffine = true }: LayerNormModuleOptions = {},
  ) {
    super();
    this.#shape = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
    this.eps = eps;
    this.weight = elementwiseAffine ? ones(new Parameter(this.#shape)) : null;
    this.bias = elementwiseAffine ? new Parameter(this.#shape) : null;
  }

  /** The normalised x, of its shape. */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.#shape, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}
