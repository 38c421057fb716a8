/** A residual network as encoder of speakers. @module */
import type { Tensor } from "../../tensor/mod.ts";
import { BatchNorm1d, BatchNorm2d } from "../batch_norm.ts";
import type { Conv2d } from "../conv.ts";
import { lengthMask } from "../length_mask.ts";
import { Linear } from "../linear.ts";
import { Module } from "../module.ts";
import { ModuleList } from "../module_list.ts";
import type { SpeakerEncoder } from "../speaker_encoder.ts";
import { StatisticsPooling } from "../statistics_pooling.ts";
import { halvedLength } from "../subsampled_length.ts";
import { WESPEAKER_DEVIATION } from "../weighted_moments.ts";
import { BasicBlock, Bottleneck, convolution } from "./residual_blocks.ts";

/** Options of {@linkcode SpeakerResNet}. */
export interface SpeakerResNetOptions {
  /** Values of a frame. Default 80. */
  inputSize?: number;
  /** Length of the embedding. Default 256. */
  embeddingDim?: number;
  /** Channels of the four stages. Default [32, 64, 128, 256]. */
  channels?: readonly number[];
  /**
   * "voxgrad" (default): the pooling's deviation is over n frames, its square not below 1e-12. "wespeaker" (its `TSTP`): √(variance over n − 1, plus
   * 1e-7).
   */
  variant?: "voxgrad" | "wespeaker";
  /** Blocks of the four stages. Default [3, 4, 6, 3]: 34 layers; [2, 2, 2, 2] has 18. */
  blocks?: readonly number[];
  /** Makes the blocks bottlenecks, whose outputs are 4 · `channels` wide, as in ResNet50 and deeper ones. Default false. */
  bottleneck?: boolean;
  /** The embedding is made by a second linear map after ReLU and batch normalisation (WeSpeaker's `two_emb_layer`). Default false. */
  secondLayer?: boolean;
}

type Block = BasicBlock | Bottleneck;

/** RangeError where no network can be made of them. */
function checkStages(
  { channels, blocks, variant }: Required<Pick<SpeakerResNetOptions, "channels" | "blocks" | "variant">>,
) {
  for (const [name, list] of Object.entries({ channels, blocks })) {
    if (list.length === 4 && list.every((n) => Number.isInteger(n) && n >= 1 && n <= 8192)) continue;
    const found = `Cannot make a SpeakerResNet of ${name} [${list.join(", ")}]`;
    throw new RangeError(`${found}: expected 4, one for each stage`);
  }
  if (variant === "voxgrad" || variant === "wespeaker") return;
  throw new RangeError(`Cannot make a SpeakerResNet of variant "${variant}": expected "voxgrad" or "wespeaker"`);
}

/**
 * ResNet34 (or another depth) on the picture of an utterance (He et al. 2016, arXiv 1512.03385), narrow as in the recipes of WeSpeaker (Wang et al. 2022,
 * arXiv 2210.17016): no halving before the first stage, mean and deviation over time of every channel and band, and a linear map
 * to the embedding. An utterance's embedding does not depend on the padding behind it.
 */
export class SpeakerResNet extends Module implements SpeakerEncoder {
  /** 3 × 3. */
  readonly conv1: Conv2d;
  /** Follows `conv1`. */
  readonly bn1: BatchNorm2d;
  /** Blocks of the first number of channels. */
  readonly layer1: ModuleList<Block>;
  /** Blocks at half the size. */
  readonly layer2: ModuleList<Block>;
  /** Blocks at half the size. */
  readonly layer3: ModuleList<Block>;
  /** Blocks at half the size. */
  readonly layer4: ModuleList<Block>;
  /** From frames to one vector. */
  readonly pooling: StatisticsPooling;
  /** To the embedding. */
  readonly fc: Linear;
  /** Between the two maps, where there are two; without weight and bias. */
  readonly fc_bn: BatchNorm1d | null;
  /** To the embedding, where there are two maps. */
  readonly fc2: Linear | null;
  /** Length of the embedding. */
  readonly embeddingDim: number;

  /** A network with fresh weights. RangeError for another number of stages than four, a stage without blocks, and an unknown variant. */
  constructor(options: SpeakerResNetOptions = {}) {
    super();
    const { inputSize = 80, embeddingDim = 256, channels = [32, 64, 128, 256], blocks = [3, 4, 6, 3] } = options;
    const { variant = "voxgrad", bottleneck = false, secondLayer = false } = options;
    checkStages({ channels, blocks, variant });
    const factor = bottleneck ? 4 : 1, Kind = bottleneck ? Bottleneck : BasicBlock;
    const stage = (i: number) => {
      const from = i === 0 ? channels[0] : factor * channels[i - 1];
      const first = new Kind(from, channels[i], { stride: i === 0 ? 1 : 2 });
      const more = Array.from({ length: blocks[i] - 1 }, () => new Kind(factor * channels[i], channels[i]));
      return new ModuleList<Block>([first, ...more]);
    };
    const bands = halvedLength(halvedLength(halvedLength(inputSize)));
    this.conv1 = convolution(1, channels[0], { kernel: 3 });
    this.bn1 = new BatchNorm2d(channels[0]);
    [this.layer1, this.layer2, this.layer3, this.layer4] = [0, 1, 2, 3].map(stage);
    this.pooling = new StatisticsPooling(variant === "wespeaker" ? WESPEAKER_DEVIATION : {});
    this.fc = new Linear(2 * factor * channels[3] * bands, embeddingDim);
    this.fc_bn = secondLayer ? new BatchNorm1d(embeddingDim, { affine: false }) : null;
    this.fc2 = secondLayer ? new Linear(embeddingDim, embeddingDim) : null;
    this.embeddingDim = embeddingDim;
  }

  /** See {@linkcode SpeakerEncoder}. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const clean = lengths === null ? x : x.maskedFill(lengthMask(lengths, x.shape[1]).unsqueeze(-1), 0);
    const image = clean.transpose(1, 2).unsqueeze(1); // (batch, 1, bands, time)
    let [picture, left] = [this.bn1.forward(this.conv1.forward(image), lengths).relu(), lengths];
    for (const stage of [this.layer1, this.layer2, this.layer3, this.layer4]) {
      let before = left;
      if (stage !== this.layer1 && left !== null) left = halvedLength(left);
      for (const block of stage) {
        picture = block.forward(picture, left, before);
        before = left;
      }
    }
    const first = this.fc.forward(this.pooling.forward(picture.flatten(1, 2).transpose(1, 2), left));
    return this.fc2 === null || this.fc_bn === null ? first : this.fc2.forward(this.fc_bn.forward(first.relu()));
  }
}
