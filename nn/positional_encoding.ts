/** Positions as waves. @module */
import { type Tensor, tensor } from "../tensor/mod.ts";
import { Dropout } from "./dropout.ts";
import { Module } from "./module.ts";
import { waves, WaveTable } from "./waves.ts";

/**
 * Adds sin(t / 10000^(2i / dim)) to channel 2i and the cosine to channel 2i + 1 (Vaswani et al. 2017, arXiv 1706.03762), then drops out.
 * The table is made on first use, grows as longer inputs come, and is not part of the state dict.
 */
export class PositionalEncoding extends Module {
  /** Of the sum. */
  readonly dropout: Dropout;
  /** Channels. */
  readonly dim: number;
  readonly #waves: WaveTable;

  /** `dropout`: default 0.1. */
  constructor(dim: number, { dropout = 0.1 }: { dropout?: number } = {}) {
    super();
    this.dim = dim;
    this.dropout = new Dropout(dropout);
    this.#waves = new WaveTable(dim, (room) => Array.from({ length: room }, (_, t) => t));
  }

  /** (batch, time, dim) → the same shape. */
  forward(x: Tensor): Tensor {
    const time = x.shape[1];
    return this.dropout.forward(x.add(this.#waves.for(time, x.device).table.slice(0, 0, time)));
  }
}

/** From `length` − 1 down to 1 − `length`. */
function distancesDown(length: number): number[] {
  return Array.from({ length: 2 * length - 1 }, (_, n) => length - 1 - n);
}

/**
 * What the distances among `length` frames look like, (2 · length − 1, dim): row n is the wave of n − `length` + 1 frames ahead, that is of
 * position `length` − 1 − n relative to a key. It is what {@linkcode relPositionAttention} takes, before a projection for each head.
 *
 * @throws RangeError unless `length` is a whole number from 1 on.
 */
export function relPositionalEncoding(length: number, dim: number): Tensor {
  if (!(Number.isInteger(length) && length >= 1)) {
    throw new RangeError(`Cannot encode distances among ${length} frames: expected a whole number from 1 on`);
  }
  return tensor(waves(distancesDown(length), dim), { shape: [2 * length - 1, dim] });
}

/** Rows of {@linkcode relPositionalEncoding} from a table that is kept between calls. */
export class RelativePositions {
  readonly #waves: WaveTable;

  /** Of `dim` channels. */
  constructor(dim: number) {
    this.#waves = new WaveTable(dim, distancesDown);
  }

  /** For frames of `x` (batch, time, …): (2 · time − 1, dim). */
  of(x: Tensor): Tensor {
    const time = x.shape[1];
    const { table, room } = this.#waves.for(time, x.device);
    return table.slice(0, room - time, room + time - 1);
  }
}
