/**
 * Blocks of positions whose windows are laid out as a matrix at once, so that the matrix of all windows is never in memory as a whole.
 * @module
 */
import type { ConvWindow } from "./conv_kernel.ts";

/** Some whole images, or a range of positions of one image. */
export interface Block {
  readonly image: number;
  readonly images: number;
  /** First position (row · columns + column of the output) and how many. */
  readonly first: number;
  readonly count: number;
}

/** Divides the positions of all images so that no block has more than `most`, a multiple of 4, unless one image has fewer than 4. */
export function positionBlocks({ batch, outSize }: ConvWindow, most: number): Block[] {
  const positions = outSize[0] * outSize[1];
  if (positions <= most) {
    const whole = Math.max(1, Math.floor(most / positions));
    return Array.from({ length: Math.ceil(batch / whole) }, (_, i) => {
      const image = i * whole;
      return { image, images: Math.min(whole, batch - image), first: 0, count: positions };
    });
  }
  const pieces = Math.ceil(positions / most);
  const length = 4 * Math.ceil(positions / pieces / 4);
  return Array.from({ length: batch * Math.ceil(positions / length) }, (_, i) => {
    const first = (i % Math.ceil(positions / length)) * length;
    return {
      image: Math.floor(i / Math.ceil(positions / length)),
      images: 1,
      first,
      count: Math.min(length, positions - first),
    };
  });
}
