/** Batch normalisation and ReLU under the names that CAM++ gives them. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import { BatchNorm1d } from "../../batch_norm.ts";
import { Module } from "../../module.ts";

/** Batch normalisation, whose weight is `batchnorm.weight`, and ReLU behind it. */
export class BatchNormRelu extends Module {
  /** Comes first. */
  readonly batchnorm: BatchNorm1d;

  /** Of so many channels. */
  constructor(channels: number) {
    super();
    this.batchnorm = new BatchNorm1d(channels);
  }

  /** (batch, channels, time) → the same shape, 0 where `lengths`, int32 (batch), say that there is padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    return this.batchnorm.forward(x, lengths).relu();
  }
}
