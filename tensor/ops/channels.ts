/**
 * Sums over everything but the channel: the reductions behind batch, group and instance normalisation. A block of a channel is
 * summed first, then the blocks, so that a spread is taken around the block's own mean and a large offset costs no precision
 * (Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance").
 * @module
 */
import type { CpuSlice } from "../cpu/runtime.ts";
import type { Kernel } from "../device/kernel.ts";
import { channelDotsPlan, channelMomentsPlan } from "./channels.wgsl.ts";

/** How the elements of a channel lie in memory: x is (outer, channels, inner), or (outer, inner, channels) where channels come last. */
export interface ChannelLayout {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
  /** Inner elements are whole lines of so many frames; `masked` takes the first `lengths[outer]` of each line only. */
  readonly time: number;
  readonly channelsLast: boolean;
  readonly masked: boolean;
}

/** Arguments of {@linkcode channelMomentsKernel}. */
export interface MomentsArgs extends ChannelLayout {
  readonly eps: number;
  /** Running statistics move by this part towards those of the batch. */
  readonly momentum: number;
  /** Running mean and variance are given. */
  readonly running: boolean;
  /** A counter of batches is given. */
  readonly tracked: boolean;
}

/** The lengths among a call's inputs, as the CPU reads them. */
function lengthsOf({ masked }: ChannelLayout, slice: CpuSlice | undefined): Int32Array | null {
  return masked && slice !== undefined ? slice.i32 : null;
}

/**
 * Inputs [x, lengths if masked, running mean, running variance, counter]; outputs [statistics, running mean, running variance, counter].
 * Statistics are (3, channels): mean, 1/√(variance + eps), and 1/n. Running statistics stay where fewer than two elements count.
 */
export const channelMomentsKernel: Kernel<MomentsArgs> = {
  name: "channelMoments",
  cpu(args, [x, ...more], [statistics, mean, variance, counter], runtime) {
    const { channels, eps, momentum, running, tracked } = args;
    const { count, means, spreads } = runtime.channels.moments(args, x, lengthsOf(args, more[0]));
    const n = Math.max(1, count);
    for (let c = 0; c < channels; c++) {
      statistics.f32[c] = means[c];
      statistics.f32[channels + c] = 1 / Math.sqrt(spreads[c] / n + eps);
      statistics.f32[2 * channels + c] = 1 / n;
      if (!running || count < 2) continue;
      mean.f32[c] += momentum * (means[c] - mean.f32[c]);
      variance.f32[c] += momentum * (spreads[c] / (count - 1) - variance.f32[c]);
    }
    if (tracked) (running ? counter : mean).i32[0]++;
  },
  webgpu: channelMomentsPlan,
  sizes: ({ outer, channels, inner }) => `${outer}x${channels}x${inner}`,
};

/**
 * Inputs [x, statistics, dy, lengths if masked]; output (2, channels): Σ dy·(x − mean)/deviation and Σ dy, the gradients of weight and
 * bias.
 */
export const channelDotsKernel: Kernel<ChannelLayout> = {
  name: "channelDots",
  cpu(args, [x, statistics, dy, lengths], [out], runtime) {
    const { channels } = args;
    const { sums, dots } = runtime.channels.dots(args, [x, statistics, dy], lengthsOf(args, lengths));
    for (let c = 0; c < channels; c++) {
      out.f32[c] = dots[c] * statistics.f32[channels + c];
      out.f32[channels + c] = sums[c];
    }
  },
  webgpu: channelDotsPlan,
  sizes: ({ outer, channels, inner }) => `${outer}x${channels}x${inner}`,
};
