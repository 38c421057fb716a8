/** Sizes and kinds of a WavLM. @module */

/** Keys of Hugging Face's config.json in camelCase, with its defaults, which are those of wavlm-base-plus. */
export interface WavLMConfig {
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
  /** Classes of distances. Default 320. */
  numBuckets: number;
  /** Distance from which all are alike. Default 800. */
  maxBucketDistance: number;
  /** Normalises before attention and feed-forward, as wavlm-large does, instead of after. Default false. */
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
}

/** What {@linkcode WavLMConfig} is where nothing else is said. */
export const wavlmDefaults: Readonly<WavLMConfig> = {
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
  numBuckets: 320,
  maxBucketDistance: 800,
  doStableLayerNorm: false,
  maskedSpecEmbed: true,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  activationDropout: 0.1,
  featProjDropout: 0,
};

/** RangeError unless all these are whole numbers of at least 1, or lists of such. */
export function requireSizes(sizes: Readonly<Record<string, number | readonly number[]>>): void {
  for (const [key, value] of Object.entries(sizes)) {
    if ([value].flat().every((n) => Number.isSafeInteger(n) && n >= 1)) continue;
    throw new RangeError(`Cannot make a WavLM: ${key} is ${value}, expected whole numbers of at least 1`);
  }
}

/**
 * A complete config.
 *
 * @throws {RangeError} Where the lists of convolutions differ in length, heads do not divide the channels, a size is below 1, or
 * `featExtractNorm` is neither "group" nor "layer".
 */
export function wavlmConfig(options: Partial<WavLMConfig> = {}): WavLMConfig {
  const config = { ...wavlmDefaults, ...options };
  const { convDim, convKernel, convStride, hiddenSize, numAttentionHeads, numHiddenLayers, featExtractNorm } = config;
  const { intermediateSize, numConvPosEmbeddings, numConvPosEmbeddingGroups, numBuckets, maxBucketDistance } = config;
  if (convDim.length === 0 || convDim.length !== convKernel.length || convDim.length !== convStride.length) {
    throw new RangeError(
      `Cannot make a WavLM of ${convDim.length} convDim, ${convKernel.length} convKernel and ${convStride.length} ` +
        "convStride: expected as many of each, and at least one",
    );
  }
  requireSizes({ convDim, convKernel, convStride, hiddenSize, numHiddenLayers, numAttentionHeads, intermediateSize });
  requireSizes({ numConvPosEmbeddings, numConvPosEmbeddingGroups, numBuckets, maxBucketDistance });
  if (hiddenSize % numAttentionHeads !== 0) {
    throw new RangeError(
      `Cannot make a WavLM: numAttentionHeads ${numAttentionHeads} does not divide hiddenSize ${hiddenSize}`,
    );
  }
  if (featExtractNorm !== "group" && featExtractNorm !== "layer") {
    throw new RangeError(`Cannot make a WavLM: featExtractNorm is "${featExtractNorm}", expected "group" or "layer"`);
  }
  return config;
}
