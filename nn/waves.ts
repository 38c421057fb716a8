/** Sine and cosine of positions, and a table of them that grows as longer inputs come. @module */
import { type Device, Tensor } from "../tensor/mod.ts";

/** A row for each position t: sin(t / 10000^(2i / dim)) in channel 2i, the cosine in 2i + 1; row-major (Vaswani et al. 2017, arXiv 1706.03762). */
export function waves(positions: readonly number[], dim: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: positions.length * dim }, (_, at) => {
    const [t, channel] = [positions[Math.floor(at / dim)], at % dim];
    const angle = t / 10000 ** ((channel - channel % 2) / dim);
    return channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

/** A table that is made on first use, again for a longer input or another device, and is not part of the state dict. */
export class WaveTable {
  readonly #dim: number;
  readonly #positions: (room: number) => number[];
  #table: Tensor | null = null;
  #room = 0;

  /** `positions`: of the rows, where inputs have up to `room` frames. */
  constructor(dim: number, positions: (room: number) => number[]) {
    this.#dim = dim;
    this.#positions = positions;
  }

  /** The table, and for how many frames it has room: at least `time`. */
  for(time: number, device: Device): { table: Tensor; room: number } {
    if (this.#table === null || this.#room < time || this.#table.device !== device) {
      this.#room = 2 ** Math.ceil(Math.log2(Math.max(time, 1))); // powers of two, so that it is seldom made again
      const positions = this.#positions(this.#room);
      this.#table = Tensor.persistent(device, [positions.length, this.#dim], "float32");
      this.#table.assign(waves(positions, this.#dim));
    }
    return { table: this.#table, room: this.#room };
  }
}
