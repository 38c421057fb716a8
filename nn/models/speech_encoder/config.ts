/** Sizes and kinds of an encoder of speech: what WavLM, wav2vec 2.0 and HuBERT have in common. @module */

/** Keys of Hugging Face's config.json in camelCase; its defaults, which are those of the base models, are the same for all three. */
export interface SpeechEncoderConfig {
  /** Channels of the encoder. Default 768. */
  hiddenSize: number;
  /** Encoder layers. Default 12. */
  numHiddenLayers: number;
  /** Heads of attention. Default 12. */
  numAttentionHeads: number;
  /** Width inside the feed-forward blocks. Default 3072. */
  intermediateSize: number;
  /** Added to the variance by the norms of the encoder. Default 1e-5. */
  layerNormEps: number;
  /** "group": one norm over time after the first convolution; "layer": one over channels after each. Default "group". */
  featExtractNorm: "group" | "layer";
  /** Channels of the convolutions. Default 512 for each of seven. */
  convDim: readonly number[];
  /** Samples or frames under their windows. Default [10, 3, 3, 3, 3, 2, 2]. */
  convKernel: readonly number[];
  /** Steps of the windows. Default [5, 2, 2, 2, 2, 2, 2]. */
  convStride: readonly number[];
  /** Whether they have a bias. Default false. */
  convBias: boolean;
  /** Frames under the positional convolution. Default 128. */
  numConvPosEmbeddings: number;
  /** Its groups. Default 16. */
  numConvPosEmbeddingGroups: number;
  /** Normalises before attention and feed-forward, as the large models do, instead of after. Default false. */
  doStableLayerNorm: boolean;
  /** Whether there is a learned frame that stands for masked ones. Default true. */
  maskedSpecEmbed: boolean;
  /** Dropout of the encoder's layers. Default 0.1. */
  hiddenDropout: number;
  /** Dropout of attention weights. Default 0.1. */
  attentionDropout: number;
  /** Dropout inside the feed-forward blocks. Default 0.1. */
  activationDropout: number;
  /** Dropout after the projection of the features. Default 0. */
  featProjDropout: number;
  /** Probability with which training skips a layer, WavLM's first one excepted. Default 0.1. */
  layerdrop: number;
  /** Whether training masks random spans of frames and channels. Default true. */
  applySpecAugment: boolean;
  /** Share of the frames that such spans cover, were they apart; they become the learned frame. Default 0.05. */
  maskTimeProb: number;
  /** Frames of a span. Default 10. */
  maskTimeLength: number;
  /** Fewest spans of frames. Default 2. */
  maskTimeMinMasks: number;
  /** The same of channels, which become 0. Default 0. */
  maskFeatureProb: number;
  /** Channels of a span. Default 10. */
  maskFeatureLength: number;
  /** Fewest spans of channels, where `maskFeatureProb` is above 0. Default 0. */
  maskFeatureMinMasks: number;
}

/** What {@linkcode SpeechEncoderConfig} is where nothing else is said. */
export const speechEncoderDefaults: Readonly<SpeechEncoderConfig> = {
  hiddenSize: 768,
  numHiddenLayers: 12,
  numAttentionHeads: 12,
  intermediateSize: 3072,
  layerNormEps: 1e-5,
  featExtractNorm: "group",
  convDim: [512, 512, 512, 512, 512, 512, 512],
  convKernel: [10, 3, 3, 3, 3, 2, 2],
  convStride: [5, 2, 2, 2, 2, 2, 2],
  convBias: false,
  numConvPosEmbeddings: 128,
  numConvPosEmbeddingGroups: 16,
  doStableLayerNorm: false,
  maskedSpecEmbed: true,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  activationDropout: 0.1,
  featProjDropout: 0,
  layerdrop: 0.1,
  applySpecAugment: true,
  maskTimeProb: 0.05,
  maskTimeLength: 10,
  maskTimeMinMasks: 2,
  maskFeatureProb: 0,
  maskFeatureLength: 10,
  maskFeatureMinMasks: 0,
};

/** RangeError unless all these sizes of the model with such a name are whole numbers of at least 1, or lists of such. */
export function requireSizes(name: string, sizes: Readonly<Record<string, number | readonly number[]>>): void {
  for (const [key, value] of Object.entries(sizes)) {
    if ([value].flat().every((n) => Number.isSafeInteger(n) && n >= 1)) continue;
    throw new RangeError(`Cannot make a ${name}: ${key} is ${value}, expected whole numbers of at least 1`);
  }
}

/**
 * Looks at a complete config.
 *
 * @param name of the model, for messages
 * @throws {RangeError} Where the lists of convolutions differ in length, heads or groups do not divide the channels, a size is below 1, a
 * share outside 0 … 1, or `featExtractNorm` is neither "group" nor "layer".
 */
export function checkSpeechEncoder(config: SpeechEncoderConfig, name: string): void {
  const { convDim, convKernel, convStride, hiddenSize, numHiddenLayers, featExtractNorm } = config;
  const { numAttentionHeads, intermediateSize, numConvPosEmbeddings, numConvPosEmbeddingGroups } = config;
  if (convDim.length === 0 || convDim.length !== convKernel.length || convDim.length !== convStride.length) {
    throw new RangeError(
      `Cannot make a ${name} of ${convDim.length} convDim, ${convKernel.length} convKernel and ${convStride.length} ` +
        "convStride: expected as many of each, and at least one",
    );
  }
  requireSizes(name, { convDim, convKernel, convStride, hiddenSize, numHiddenLayers, intermediateSize });
  requireSizes(name, { numAttentionHeads, numConvPosEmbeddings, numConvPosEmbeddingGroups });
  requireSizes(name, { maskTimeLength: config.maskTimeLength, maskFeatureLength: config.maskFeatureLength });
  const { layerdrop, maskTimeProb, maskFeatureProb } = config;
  for (const [key, share] of Object.entries({ layerdrop, maskTimeProb, maskFeatureProb })) {
    if (share >= 0 && share <= 1) continue;
    throw new RangeError(`Cannot make a ${name}: ${key} is ${share}, expected a number from 0 to 1`);
  }
  for (const [key, parts] of Object.entries({ numAttentionHeads, numConvPosEmbeddingGroups })) {
    if (hiddenSize % parts !== 0) {
      throw new RangeError(`Cannot make a ${name}: ${key} ${parts} does not divide hiddenSize ${hiddenSize}`);
    }
  }
  if (featExtractNorm !== "group" && featExtractNorm !== "layer") {
    throw new RangeError(`Cannot make a ${name}: featExtractNorm is "${featExtractNorm}", expected "group" or "layer"`);
  }
}
