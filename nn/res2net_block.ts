/** Several reaches within one layer. @module */
import { cat, type Tensor } from "../tensor/mod.ts";
import { Module } from "./module.ts";
import { ModuleList } from "./module_list.ts";
import type { FramePadding } from "./nested_layers.ts";
import { TdnnBlock } from "./tdnn_block.ts";

/** Options of {@linkcode Res2NetBlock}. */
export interface Res2NetBlockOptions {
  /** Parts into which the channels fall. Default 8. */
  scale?: number;
  /** Frames under each window; odd. Default 3. */
  kernelSize?: number;
  /** Distance of a window's frames. Default 1. */
  dilation?: number;
  /** What is seen beyond an utterance's ends. Default "reflect". */
  padding?: FramePadding;
}

/**
 * The channels in `scale` parts: the first passes, each other one goes through a convolution together with the result of the part
 * before it, so that parts look ever farther (Gao et al. 2019, arXiv 1904.01169). Named as SpeechBrain's `Res2NetBlock`.
 */
export class Res2NetBlock extends Module {
  /** One for each part but the first. */
  readonly blocks: ModuleList<TdnnBlock>;
  /** Parts into which the channels fall. */
  readonly scale: number;

  /**
   * A block of `channels`.
   *
   * @throws RangeError if there are fewer than 2 parts, or they do not divide the channels.
   */
  constructor(channels: number, { scale = 8, kernelSize = 3, ...options }: Res2NetBlockOptions = {}) {
    super();
    const { dilation = 1, padding } = options;
    if (!(Number.isInteger(scale) && scale >= 2 && channels % scale === 0)) {
      throw new RangeError(`Cannot part ${channels} channels by a scale of ${scale}: expected a divisor of at least 2`);
    }
    const width = channels / scale;
    const make = () => new TdnnBlock(width, width, { kernelSize, dilation, padding });
    this.blocks = new ModuleList(Array.from({ length: scale - 1 }, make));
    this.scale = scale;
  }

  /** (batch, channels, time) → the same shape; `lengths` as in {@linkcode TdnnBlock.forward}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const [first, ...others] = x.chunk(this.scale, 1);
    const parts = [first];
    for (const [i, block] of [...this.blocks].entries()) {
      const seen = i === 0 ? others[0] : others[i].add(parts[i]);
      parts.push(block.forward(seen, lengths));
    }
    return cat(parts, 1);
  }
}
