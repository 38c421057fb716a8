/** The x-vector network, an encoder of speakers. @module */
import type { Tensor } from "../../tensor/mod.ts";
import { Linear } from "../linear.ts";
import { Module } from "../module.ts";
import { ModuleList } from "../module_list.ts";
import type { SpeakerEncoder } from "../speaker_encoder.ts";
import { StatisticsPooling } from "../statistics_pooling.ts";
import { TdnnBlock } from "../tdnn_block.ts";

/** Options of {@linkcode XVector}. */
export interface XVectorOptions {
  /** Values of a frame. Default 80. */
  inputSize?: number;
  /** Length of the embedding. Default 512. */
  embeddingDim?: number;
  /** Channels of the layers. Default [512, 512, 512, 512, 1500]. */
  channels?: readonly number[];
  /** Frames under the windows of each layer, odd. Default [5, 3, 3, 1, 1]. */
  kernelSizes?: readonly number[];
  /** Distance of those frames. Default [1, 2, 3, 1, 1]. */
  dilations?: readonly number[];
  /**
   * "voxgrad" (default): ReLU; deviation over n frames. "speechbrain" (its `Xvector`): LeakyReLU of slope 0.01; deviation over n − 1 frames, plus 1e-5.
   * SpeechBrain's random noise on the pooled mean is left out.
   */
  variant?: "voxgrad" | "speechbrain";
}

/** Frames under the windows of the five usual layers of an {@linkcode XVector}, 15 together. */
export const XVECTOR_KERNELS: readonly number[] = [5, 3, 3, 1, 1];
/** Distances of those frames. */
export const XVECTOR_DILATIONS: readonly number[] = [1, 2, 3, 1, 1];

/**
 * Five layers (or as many as there are `channels`) of a time-delay network, mean and deviation over time, and a linear map to the embedding
 * (Snyder et al. 2018, "X-vectors: robust DNN embeddings for speaker recognition"). An utterance's embedding does not depend on the padding behind it.
 */
export class XVector extends Module implements SpeakerEncoder {
  /** From the first to the last. */
  readonly blocks: ModuleList<TdnnBlock>;
  /** From frames to one vector. */
  readonly pooling: StatisticsPooling;
  /** To the embedding. */
  readonly fc: Linear;
  /** Length of the embedding. */
  readonly embeddingDim: number;

  /** A network with fresh weights. RangeError for no layers, for lists of different lengths, and for an unknown variant. */
  constructor(options: XVectorOptions = {}) {
    super();
    const { inputSize = 80, embeddingDim = 512, channels = [512, 512, 512, 512, 1500], variant = "voxgrad" } = options;
    if (variant !== "voxgrad" && variant !== "speechbrain") {
      throw new RangeError(`Cannot make an XVector of variant "${variant}": expected "voxgrad" or "speechbrain"`);
    }
    const theirs = variant === "speechbrain", activation = theirs ? "leaky-relu" : "relu";
    const { kernelSizes = XVECTOR_KERNELS, dilations = XVECTOR_DILATIONS } = options;
    for (const [name, list] of Object.entries({ kernelSizes, dilations })) {
      if (channels.length === list.length && list.length > 0) continue;
      throw new RangeError(
        `Cannot make an XVector of channels [${channels.join(", ")}] and ${name} [${
          list.join(", ")
        }]: expected one of ` +
          "each for each layer",
      );
    }
    const widths = [inputSize, ...channels];
    this.blocks = new ModuleList(
      kernelSizes.map((kernelSize, i) =>
        new TdnnBlock(widths[i], widths[i + 1], { kernelSize, dilation: dilations[i], activation })
      ),
    );
    this.pooling = new StatisticsPooling(theirs ? { unbiased: true, floor: 1e-30, eps: 1e-5 } : {});
    this.fc = new Linear(2 * channels[channels.length - 1], embeddingDim);
    this.embeddingDim = embeddingDim;
  }

  /** See {@linkcode SpeakerEncoder}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    let frames = x.transpose(1, 2);
    for (const block of this.blocks) frames = block.forward(frames, lengths);
    return this.fc.forward(this.pooling.forward(frames.transpose(1, 2), lengths));
  }
}
