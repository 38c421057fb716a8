/** Positions as waves. @module */
import { Tensor } from "../tensor/mod.ts";
import { Dropout } from "./dropout.ts";
import { Module } from "./module.ts";

/**
 * Adds sin(t / 10000^(2i / dim)) to channel 2i and the cosine to channel 2i + 1 (Vaswani et al. 2017, arXiv 1706.03762), then drops out.
 * The table is made on first use, grows as longer inputs come, and is not part of the state dict.
 */
export class PositionalEncoding extends Module {
  /** Of the sum. */
  readonly dropout: Dropout;
  /** Channels. */
  readonly dim: number;
  #table: Tensor | null = null;

  /** `dropout`: default 0.1. */
  constructor(dim: number, { dropout = 0.1 }: { dropout?: number } = {}) {
    super();
    this.dim = dim;
    this.dropout = new Dropout(dropout);
  }

  /** (batch, time, dim) → the same shape. */
  forward(x: Tensor): Tensor {
    const time = x.shape[1];
    if (this.#table === null || this.#table.shape[0] < time || this.#table.device !== x.device) {
      this.#table = Tensor.persistent(x.device, [roomFor(time), this.dim], "float32");
      this.#table.assign(waves(roomFor(time), this.dim));
    }
    return this.dropout.forward(x.add(this.#table.slice(0, 0, time)));
  }
}

/** The next power of two, so that the table is seldom made again. */
function roomFor(time: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(time, 1)));
}

/** The table (length, dim), row-major. */
function waves(length: number, dim: number): Float32Array {
  return Float32Array.from({ length: length * dim }, (_, at) => {
    const [t, channel] = [Math.floor(at / dim), at % dim];
    const angle = t / 10000 ** ((channel - channel % 2) / dim);
    return channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}
