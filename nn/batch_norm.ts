/** Batch normalisation. @module */
import { batchNorm, type Tensor } from "../tensor/mod.ts";
import { show } from "../tensor/shape.ts";
import { ones } from "./init.ts";
import { Module } from "./module.ts";
import { Buffer, Parameter } from "./parameter.ts";

/** Options of {@linkcode BatchNorm1d} and {@linkcode BatchNorm2d}. */
export interface BatchNormModuleOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Part by which running statistics move towards those of the batch. Default 0.1. */
  momentum?: number;
  /** Scales and shifts each channel by a weight and a bias. Default true. */
  affine?: boolean;
  /** Gathers statistics in training and uses them in evaluation; else the batch's own serve always. Default true. */
  trackRunningStats?: boolean;
}

/** What batch normalisation has whatever the number of axes: {@linkcode BatchNorm1d} and {@linkcode BatchNorm2d} say which. */
export abstract class BatchNorm extends Module {
  /** Scale of each channel, ones at first. */
  readonly weight: Parameter | null;
  /** Shift of each channel, zeros at first. */
  readonly bias: Parameter | null;
  /** Mean of each channel, zeros at first. */
  readonly running_mean: Buffer | null;
  /** Variance of each channel, ones at first. */
  readonly running_var: Buffer | null;
  /** Batches seen in training, int32 []. */
  readonly num_batches_tracked: Buffer | null;
  /** Added to the variance. */
  readonly eps: number;
  /** Part by which running statistics move. */
  readonly momentum: number;

  /** Of `numFeatures` channels. */
  constructor(numFeatures: number, options: BatchNormModuleOptions = {}) {
    super();
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? ones(new Parameter([numFeatures])) : null;
    this.bias = affine ? new Parameter([numFeatures]) : null;
    this.running_mean = trackRunningStats ? new Buffer([numFeatures]) : null;
    this.running_var = trackRunningStats ? ones(new Buffer([numFeatures])) : null;
    this.num_batches_tracked = trackRunningStats ? new Buffer([], "int32") : null;
  }

  /** Normalises x of any number of axes. */
  protected normalize(x: Tensor, lengths: Tensor | null): Tensor {
    const { training, weight, bias, eps, momentum, running_mean: runningMean, running_var: runningVar } = this;
    const running = { runningMean, runningVar, numBatchesTracked: training ? this.num_batches_tracked : null };
    const own = training || runningMean === null;
    return batchNorm(x, { ...running, weight, bias, eps, momentum, lengths, training: own });
  }
}

/** Throws unless x has one of the numbers of axes. */
function requireRank(name: string, x: Tensor, wanted: string, ...ranks: readonly number[]): void {
  if (!ranks.includes(x.ndim)) throw new TypeError(`Cannot run ${name} on ${show(x.shape)}: expected ${wanted}`);
}

/**
 * Normalises each channel of (batch, channels) or (batch, channels, time) over all else (Ioffe and Szegedy 2015, arXiv 1502.03167): by the
 * batch's statistics in training, by the running ones in evaluation.
 */
export class BatchNorm1d extends BatchNorm {
  /**
   * The normalised x, in memory as x is.
   *
   * @param lengths int32 (batch): frames of each utterance of (batch, channels, time); the rest is padding, takes no part and comes out as 0
   * @throws TypeError for another shape; RangeError in training if a channel has one value alone.
   */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    requireRank("BatchNorm1d", x, "(batch, channels) or (batch, channels, time)", 2, 3);
    return this.normalize(x, lengths);
  }
}

/** Normalises each channel of (batch, channels, height, width) over all else, as {@linkcode BatchNorm1d} does. */
export class BatchNorm2d extends BatchNorm {
  /**
   * The normalised x, in memory as x is.
   *
   * @param lengths int32 (batch): places along the last axis that are no padding
   * @throws TypeError for another shape; RangeError in training if a channel has one value alone.
   */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    requireRank("BatchNorm2d", x, "(batch, channels, height, width)", 4);
    return this.normalize(x, lengths);
  }
}
