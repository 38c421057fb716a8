/** ECAPA-TDNN, an encoder of speakers. @module */
import { cat, type Tensor } from "../../tensor/mod.ts";
import { AttentiveStatistics } from "../attentive_statistics.ts";
import { Module } from "../module.ts";
import { ModuleList } from "../module_list.ts";
import { NestedBatchNorm1d, SameConv1d } from "../nested_layers.ts";
import { SERes2NetBlock } from "../se_res2net_block.ts";
import type { SpeakerEncoder } from "../speaker_encoder.ts";
import { TdnnBlock } from "../tdnn_block.ts";

/** Options of {@linkcode EcapaTdnn}. The defaults are the paper's smaller model. */
export interface EcapaTdnnOptions {
  /** Values of a frame. Default 80. */
  inputSize?: number;
  /** Length of the embedding. Default 192. */
  embeddingDim?: number;
  /**
   * Channels of the first layer, of each block and of the layer that takes all blocks' outputs together. Default [512, 512, 512, 512,
   * 1536].
   */
  channels?: readonly number[];
  /** Frames under the windows of each of them, odd. Default 5 for the first, 3 for the blocks, 1 for the last. */
  kernelSizes?: readonly number[];
  /** Distance of those frames. Default 1 for the first, 2, 3, 4, … for the blocks, 1 for the last. */
  dilations?: readonly number[];
  /** Channels of the hidden layer of the pooling. Default 128. */
  attentionChannels?: number;
  /** Parts into which the channels of a block fall. Default 8. */
  res2netScale?: number;
  /** Channels of a block's squeeze. Default 128. */
  seChannels?: number;
  /** Shows the pooling's frames the statistics of the whole utterance. Default true. */
  globalContext?: boolean;
  /** Lets convolutions and batch normalisation read padding, as SpeechBrain does. Default false. */
  convolvePadding?: boolean;
  /**
   * Whose network it is. "speechbrain" (default): convolutions see an utterance's mirror images beyond its ends, `mfa` ends with batch
   * normalisation. "wespeaker": they see zeros, and `mfa` ends with its ReLU. See {@linkcode AttentiveStatisticsOptions.variant} for the pooling.
   * WeSpeaker's Res2Net passes on the last part of the channels, not the first: turn the channels of its weights by one part.
   */
  variant?: "speechbrain" | "wespeaker";
  /** Normalises the embedding (WeSpeaker's `emb_bn`). Default false. */
  embeddingNorm?: boolean;
}

/** A value for the first layer, for each block by its number from 0, and for the last layer. */
function layers(count: number, [first, block, last]: readonly [number, (i: number) => number, number]): number[] {
  return Array.from({ length: count }, (_, i) => i === 0 ? first : i === count - 1 ? last : block(i - 1));
}

/** Frames under the windows of so many layers, and their distances, where nothing else is said. */
export function ecapaWindows(count: number): { kernelSizes: number[]; dilations: number[] } {
  return { kernelSizes: layers(count, [5, () => 3, 1]), dilations: layers(count, [1, (i) => i + 2, 1]) };
}

/** The lists of options. RangeError where there is no block, or their lengths differ. */
function sizesOf({ channels = [512, 512, 512, 512, 1536], kernelSizes, dilations }: EcapaTdnnOptions) {
  const count = channels.length;
  if (count < 3) {
    throw new RangeError(
      `Cannot make an EcapaTdnn of channels [${channels.join(", ")}]: expected at least 3, those of the first layer, ` +
        "of the blocks and of the last layer",
    );
  }
  const usual = ecapaWindows(count),
    kernels = kernelSizes ?? usual.kernelSizes,
    spacings = dilations ?? usual.dilations;
  for (const [name, list] of Object.entries({ kernelSizes: kernels, dilations: spacings })) {
    if (list.length === count) continue;
    throw new RangeError(`Cannot make an EcapaTdnn of ${count} channels and ${list.length} ${name}: expected as many`);
  }
  return { channels, kernels, spacings };
}

/**
 * ECAPA-TDNN (Desplanques et al. 2020, arXiv 2005.07143): a convolution over time, blocks with squeeze and excitation whose outputs are all
 * aggregated, attentive statistics, and a linear map to the embedding. Names, shapes and formula are SpeechBrain's `ECAPA_TDNN`, so that
 * its state dicts load; but an utterance's embedding here does not depend on the padding behind it, unless `convolvePadding` is set.
 */
export class EcapaTdnn extends Module implements SpeakerEncoder {
  /** The first layer, then the blocks. */
  readonly blocks: ModuleList<TdnnBlock | SERes2NetBlock>;
  /** Takes the outputs of all blocks together. */
  readonly mfa: TdnnBlock;
  /** From frames to one vector. */
  readonly asp: AttentiveStatistics;
  /** Follows the pooling. */
  readonly asp_bn: NestedBatchNorm1d;
  /** To the embedding. */
  readonly fc: SameConv1d;
  /** Normalises the embedding, if that is wanted. */
  readonly fc_bn: NestedBatchNorm1d | null;
  /** Length of the embedding. */
  readonly embeddingDim: number;
  /** Whether convolutions and batch normalisation read padding. */
  readonly convolvePadding: boolean;

  /**
   * A network with fresh weights.
   *
   * @throws RangeError for fewer than 3 channels, lists of different lengths, an even kernel, or channels of a block that its scale does not
   * divide.
   */
  constructor(options: EcapaTdnnOptions = {}) {
    super();
    const { inputSize = 80, embeddingDim = 192, convolvePadding = false, res2netScale: scale = 8 } = options;
    const { variant = "speechbrain", embeddingNorm = false } = options;
    if (variant !== "speechbrain" && variant !== "wespeaker") {
      throw new RangeError(`Cannot make an EcapaTdnn of variant "${variant}": expected "speechbrain" or "wespeaker"`);
    }
    const padding = variant === "wespeaker" ? "zeros" : "reflect";
    const { channels, kernels, spacings } = sizesOf(options);
    const last = channels.length - 1;
    const tdnn = (from: number, i: number) =>
      new TdnnBlock(from, channels[i], {
        kernelSize: kernels[i],
        dilation: spacings[i],
        padding,
        norm: i < last || variant === "speechbrain",
      });
    const block = (width: number, i: number) => {
      const { seChannels } = options;
      const reach = { kernelSize: kernels[i + 1], dilation: spacings[i + 1] };
      return new SERes2NetBlock(channels[i], width, { scale, seChannels, convolvePadding, padding, ...reach });
    };
    const blocks = channels.slice(1, last);
    this.blocks = new ModuleList([tdnn(inputSize, 0), ...blocks.map(block)]);
    this.mfa = tdnn(blocks.reduce((sum, width) => sum + width, 0), last);
    this.asp = new AttentiveStatistics(channels[last], options);
    this.asp_bn = new NestedBatchNorm1d(2 * channels[last]);
    this.fc = new SameConv1d(2 * channels[last], embeddingDim, 1);
    this.fc_bn = embeddingNorm ? new NestedBatchNorm1d(embeddingDim) : null;
    this.embeddingDim = embeddingDim;
    this.convolvePadding = convolvePadding;
  }

  /** Frames of all blocks aggregated, (batch, the last of `channels`, time): as many as came in. Parameters as of {@linkcode EcapaTdnn.forward}. */
  frames(x: Tensor, lengths: Tensor | null = null): Tensor {
    const seen = this.convolvePadding ? null : lengths;
    const outputs: Tensor[] = [];
    let frames = x.transpose(1, 2);
    for (const layer of this.blocks) {
      frames = layer.forward(frames, layer instanceof SERes2NetBlock ? lengths : seen);
      outputs.push(frames);
    }
    return this.mfa.forward(cat(outputs.slice(1), 1), seen);
  }

  /** See {@linkcode SpeakerEncoder}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const pooled = this.asp.forward(this.frames(x, lengths), lengths).unsqueeze(2);
    const embedding = this.fc.forward(this.asp_bn.forward(pooled));
    return (this.fc_bn === null ? embedding : this.fc_bn.forward(embedding)).squeeze(2);
  }
}
