/** Group and instance normalisation. @module */
import { groupNorm, instanceNorm, type Tensor } from "../tensor/mod.ts";
import { show } from "../tensor/shape.ts";
import { ones } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** Options of {@linkcode GroupNorm} and {@linkcode InstanceNorm1d}. */
export interface GroupNormModuleOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Scales and shifts each channel by a weight and a bias. Default true for groups, false for instances. */
  affine?: boolean;
}

/** Normalises groups of neighbouring channels of each sample (Wu and He 2018, arXiv 1803.08494). */
export class GroupNorm extends Module {
  /** Groups that share the channels evenly. */
  readonly numGroups: number;
  /** Scale of each channel, ones at first. */
  readonly weight: Parameter | null;
  /** Shift of each channel, zeros at first. */
  readonly bias: Parameter | null;
  /** Added to the variance. */
  readonly eps: number;

  /** `numGroups` groups of `numChannels` channels. RangeError if they do not divide them. */
  constructor(numGroups: number, numChannels: number, { eps = 1e-5, affine = true }: GroupNormModuleOptions = {}) {
    super();
    if (numChannels % numGroups !== 0) {
      throw new RangeError(`Cannot make ${numGroups} groups of ${numChannels} channels: they do not divide them`);
    }
    this.numGroups = numGroups;
    this.eps = eps;
    this.weight = affine ? ones(new Parameter([numChannels])) : null;
    this.bias = affine ? new Parameter([numChannels]) : null;
  }

  /** The normalised x, (batch, channels, …). */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Normalises each channel of each sample of (batch, channels, time) over time (Ulyanov et al. 2016, arXiv 1607.08022). */
export class InstanceNorm1d extends Module {
  /** Channels expected. */
  readonly numFeatures: number;
  /** Scale of each channel, ones at first. */
  readonly weight: Parameter | null;
  /** Shift of each channel, zeros at first. */
  readonly bias: Parameter | null;
  /** Added to the variance. */
  readonly eps: number;

  /** Of `numFeatures` channels. */
  constructor(numFeatures: number, { eps = 1e-5, affine = false }: GroupNormModuleOptions = {}) {
    super();
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.weight = affine ? ones(new Parameter([numFeatures])) : null;
    this.bias = affine ? new Parameter([numFeatures]) : null;
  }

  /** The normalised x. TypeError for other channels; RangeError if there is one frame alone. */
  forward(x: Tensor): Tensor {
    if (x.ndim !== 3 || x.shape[1] !== this.numFeatures) {
      const wanted = `expected (batch, ${this.numFeatures}, time)`;
      throw new TypeError(`Cannot run InstanceNorm1d on ${show(x.shape)}: ${wanted}`);
    }
    return instanceNorm(x, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}
