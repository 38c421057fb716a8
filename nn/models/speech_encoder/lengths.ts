/** How many frames are left of a recording. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import type { SpeechEncoderConfig } from "./config.ts";

type Windows = Pick<SpeechEncoderConfig, "convKernel" | "convStride">;

/** Kernels and dilations of a time-delay network. */
export interface TdnnReach {
  /** Frames under each window. */
  readonly tdnnKernel: readonly number[];
  /** Distances of a window's frames. */
  readonly tdnnDilation: readonly number[];
}

/** Frames that the convolutions make of so many samples: a chain of ⌊(n − kernel) / stride⌋ + 1, 0 where there are too few. */
export function wavlmFrames(samples: number, { convKernel, convStride }: Windows): number {
  return convKernel.reduce((n, kernel, i) => Math.max(0, Math.floor((n - kernel) / convStride[i]) + 1), samples);
}

/** The same on the device: int32 (batch) samples to int32 (batch) frames. */
export function frameLengthsOf(lengths: Tensor, { convKernel, convStride }: Windows): Tensor {
  return convKernel.reduce(
    (n, kernel, i) => n.sub(kernel).div(convStride[i]).floor().add(1).clamp(0),
    lengths.toFloat(),
  ).toInt();
}

/** Frames that the layers of a time-delay network without padding take away. */
export function tdnnLoss({ tdnnKernel, tdnnDilation }: TdnnReach): number {
  return tdnnKernel.reduce((sum, kernel, i) => sum + (kernel - 1) * tdnnDilation[i], 0);
}

/** Samples of the shortest recording that leaves `frames` frames. */
export function samplesFor(frames: number, { convKernel, convStride }: Windows): number {
  return convKernel.reduceRight((n, kernel, i) => (n - 1) * convStride[i] + kernel, frames);
}
