/**
 * Textures that stand for arrays while a kernel reads them, see `texel_reads.ts`. As with buffers, freed ones are used again.
 * @module
 */
import type { GpuRange } from "./buffer_pool.ts";
import type { Prepared } from "./program.ts";
import { ROW_BYTES, texelBytes, type TexelFormat, writesOf } from "./texel_reads.ts";

/** A texture with room for so many rows of texels. */
export interface TexelArray {
  readonly texture: GPUTexture;
  readonly view: GPUTextureView;
  readonly format: TexelFormat;
  readonly rows: number;
  /** Bytes. */
  readonly size: number;
}

/** What a binding of a kernel is: part of a buffer, or a texture between the dispatches of a call. */
export type Bound = GpuRange | TexelArray;

/** Whether it is a texture. */
export function isTexels(bound: Bound): bound is TexelArray {
  return "view" in bound;
}

/** Rows of texels that so many bytes take, at least one. */
export function rowsOf({ size }: { readonly size: number }): number {
  return Math.max(1, Math.ceil(size / ROW_BYTES));
}

/** A copy of a range into a texture. */
export interface TexelCopy {
  readonly range: GpuRange;
  readonly texels: TexelArray;
}

/** Copies of what a dispatch reads as textures. */
export function copiesFor({ reads, ranges }: Prepared, texels: readonly TexelArray[]): TexelCopy[] {
  return reads.map(({ binding }, i) => ({ range: ranges[binding] as GpuRange, texels: texels[i] }));
}

/**
 * For each dispatch of a program the copies that it needs: one that an earlier dispatch made holds as long as nobody writes to the range or
 * takes the texture for another.
 */
export function neededCopies(
  prepared: readonly Prepared[],
  texelsOf: readonly (readonly TexelArray[])[],
): TexelCopy[][] {
  const held = new Map<TexelArray, GpuRange>();
  return prepared.map((dispatch, i) => {
    const needed = copiesFor(dispatch, texelsOf[i]).filter(({ range, texels }) => !isSame(held.get(texels), range));
    for (const { range, texels } of needed) held.set(texels, range);
    if (held.size === 0) return needed; // nothing is read as a texture so far
    const written = writesOf(dispatch.dispatch.source).map((binding) => dispatch.ranges[binding]);
    for (const [texels, range] of held) {
      if (written.some((w) => !isTexels(w) && overlap(w, range))) held.delete(texels);
    }
    return needed;
  });
}

const isSame = (a: GpuRange | undefined, b: GpuRange): boolean =>
  a !== undefined && a.buffer === b.buffer && a.offset === b.offset && a.size === b.size;

const overlap = (a: GpuRange, b: GpuRange): boolean =>
  a.buffer === b.buffer && a.offset < b.offset + b.size && b.offset < a.offset + a.size;

/** Records a copy: whole rows, then what is left. */
export function copyToTexels(encoder: GPUCommandEncoder, { range, texels }: TexelCopy): void {
  const { buffer, offset, size } = range;
  const bytes = texelBytes(texels.format);
  const rows = Math.floor(size / ROW_BYTES), left = Math.floor((size - rows * ROW_BYTES) / bytes);
  const { texture } = texels;
  if (rows > 0) {
    const source = { buffer, offset, bytesPerRow: ROW_BYTES, rowsPerImage: rows };
    encoder.copyBufferToTexture(source, { texture }, [ROW_BYTES / bytes, rows]);
  }
  if (left > 0) {
    const source = { buffer, offset: offset + rows * ROW_BYTES };
    encoder.copyBufferToTexture(source, { texture, origin: [0, rows] }, [left, 1]);
  }
}

/** Hands out textures for arrays. */
export class TexturePool {
  readonly #gpu: GPUDevice;
  readonly #free = new Map<string, TexelArray[]>();
  readonly #all = new Set<TexelArray>();
  #bytes = 0;

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** Most rows of a texture. */
  get maxRows(): number {
    return this.#gpu.limits.maxTextureDimension2D;
  }

  /** Most textures of a kernel. */
  get maxBindings(): number {
    return this.#gpu.limits.maxStorageTexturesPerShaderStage;
  }

  /** Takes a texture of at least so many rows. */
  take(format: TexelFormat, rows: number): TexelArray {
    const room = Math.min(this.maxRows, 2 ** Math.ceil(Math.log2(rows)));
    return this.#free.get(`${format} ${room}`)?.pop() ?? this.#make(format, room);
  }

  #make(format: TexelFormat, rows: number): TexelArray {
    const texture = this.#gpu.createTexture({
      size: [ROW_BYTES / texelBytes(format), rows],
      format,
      usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
    });
    const made = { texture, view: texture.createView(), format, rows, size: rows * ROW_BYTES };
    this.#all.add(made);
    this.#bytes += made.size;
    return made;
  }

  /** Bytes of all textures. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Gives a texture back; commands already enqueued still see it, since the queue keeps order. */
  give(texels: TexelArray): void {
    const key = `${texels.format} ${texels.rows}`;
    const list = this.#free.get(key);
    if (list === undefined) this.#free.set(key, [texels]);
    else list.push(texels);
  }

  /** Destroys every texture. */
  close(): void {
    for (const { texture } of this.#all) texture.destroy();
    this.#all.clear();
    this.#free.clear();
    this.#bytes = 0;
  }
}
