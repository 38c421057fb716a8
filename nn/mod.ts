/** Neural-network modules under PyTorch's names, defaults and initial values. Depends on the tensor engine alone. @module */
export {
  type BiasOption,
  Conv1d,
  type Conv1dModuleOptions,
  Conv2d,
  type Conv2dModuleOptions,
  type ConvForwardOptions,
  ConvTranspose1d,
  type ConvTranspose1dModuleOptions,
} from "./conv.ts";
export { ELU, GELU, GLU, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh } from "./activations.ts";
export type { AttentionMasks } from "./attention_masks.ts";
export { AttentiveStatistics, type AttentiveStatisticsOptions } from "./attentive_statistics.ts";
export { BatchNorm, BatchNorm1d, BatchNorm2d, type BatchNormModuleOptions } from "./batch_norm.ts";
export { type Classifier, type Head, isStaged, type StagedClassifier } from "./classifier.ts";
export { ConformerBlock, type ConformerBlockOptions } from "./conformer_block.ts";
export { ConformerConvolution, type ConformerConvolutionOptions } from "./conformer_convolution.ts";
export { ConformerEncoder } from "./conformer_encoder.ts";
export { ConformerFeedForward } from "./conformer_feed_forward.ts";
export { Conv2dSubsampling, type Subsampled } from "./conv2d_subsampling.ts";
export { Dropout } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export { Flatten } from "./flatten.ts";
export { GroupNorm, type GroupNormModuleOptions, InstanceNorm1d } from "./group_norm.ts";
export {
  classWeights,
  CosineHead,
  type CosineHeadOptions,
  type HeadName,
  type HeadOptions,
  makeHead,
  NoHead,
} from "./heads.ts";
/** Initial values: `init.xavierUniform(parameter)` and its like. */
export * as init from "./init.ts";
export { LayerNorm, type LayerNormModuleOptions } from "./layer_norm.ts";
export { LearnedWindowAttention, type LearnedWindowOptions } from "./learned_window_attention.ts";
export { lengthMask } from "./length_mask.ts";
export { Linear, xavierLinear } from "./linear.ts";
export { LinformerAttention, type LinformerOptions } from "./linformer_attention.ts";
export { type Mixed, mixedLoss, Mixup, type MixupOptions } from "./mixup.ts";
export { ConformerClassifier, type ConformerClassifierOptions } from "./models/conformer_classifier.ts";
export { EcapaTdnn, type EcapaTdnnOptions, ecapaWindows } from "./models/ecapa_tdnn.ts";
export { EmbeddingClassifier, type EmbeddingClassifierOptions } from "./models/embedding_classifier.ts";
export { FrameClassifier, type FrameClassifierParts } from "./models/frame_classifier.ts";
export { AlexNet } from "./models/sound/alex_net.ts";
export type { SoundModelOptions } from "./models/sound/options.ts";
export {
  ResNet,
  type ResNetDepth,
  ResNetish,
  type ResNetishOptions,
  type ResNetOptions,
} from "./models/sound/resnet.ts";
export { SoundCnn, type SoundCnnOptions } from "./models/sound/sound_cnn.ts";
export { SoundSmall, type SoundSmallOptions } from "./models/sound/sound_small.ts";
export { VGGish } from "./models/sound/vggish.ts";
export { SpeakerClassifier, type SpeakerClassifierOptions } from "./models/speaker_classifier.ts";
export { CamPlusPlus, type CamPlusPlusOptions } from "./models/campplus/model.ts";
export { BasicBlock, Downsample } from "./models/residual_blocks.ts";
export { SpeakerResNet, type SpeakerResNetOptions } from "./models/speaker_resnet.ts";
export { AfterEncoder, type AfterEncoderOptions } from "./models/speech_encoder/after_encoder.ts";
export { SpeechEncoderClassifier, type SpeechEncoderClassifierOptions } from "./models/speech_encoder/classifier.ts";
export { type SpeechEncoderConfig, speechEncoderDefaults } from "./models/speech_encoder/config.ts";
export { type EncoderAttention, EncoderLayer, SpeechEncoder } from "./models/speech_encoder/encoder.ts";
export {
  FeatureEncoder,
  FeatureProjection,
  type FeatureProjectionOptions,
} from "./models/speech_encoder/feature_encoder.ts";
export {
  type SpeechEncoderForwardOptions,
  SpeechEncoderModel,
  type SpeechEncoderOutput,
  type SpeechEncoderParts,
} from "./models/speech_encoder/model.ts";
export { type HubertConfig, HubertModel } from "./models/wav2vec2/hubert.ts";
export { Wav2Vec2Attention } from "./models/wav2vec2/attention.ts";
export { Wav2Vec2Model } from "./models/wav2vec2/model.ts";
export { type WavLMConfig, wavlmConfig } from "./models/wavlm/config.ts";
export { wavlmFrames } from "./models/speech_encoder/lengths.ts";
export { type MaskedSpanOptions, maskedSpans } from "./models/speech_encoder/masked_spans.ts";
export { WavLMModel } from "./models/wavlm/model.ts";
export { weightNormNames } from "./models/speech_encoder/position_conv.ts";
export { WavLMForXVector, type WavLMForXVectorOptions, type WavLMXVectorOutput } from "./models/wavlm/xvector.ts";
export { XVector, XVECTOR_DILATIONS, XVECTOR_KERNELS, type XVectorOptions } from "./models/xvector.ts";
export { type Layer, Module } from "./module.ts";
export { ModuleList } from "./module_list.ts";
export { MultiheadAttention, type MultiheadAttentionOptions } from "./multihead_attention.ts";
export { PackedProjections, type PackedProjectionsOptions } from "./packed_projections.ts";
export {
  NestedBatchNorm1d,
  SameConv1d,
  type SameConv1dForwardOptions,
  type SameConv1dOptions,
} from "./nested_layers.ts";
export { Buffer, Parameter } from "./parameter.ts";
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveMaxPool2d,
  AvgPool1d,
  AvgPool2d,
  type AvgPoolModuleOptions,
  MaxPool1d,
  MaxPool2d,
  type MaxPoolModuleOptions,
} from "./pool_layers.ts";
export {
  AttentivePoolingTanh,
  makePooling,
  MeanPooling,
  pooledDim,
  type Pooling,
  type PoolingName,
  SelfAttentionPooling,
} from "./pooling.ts";
export { PositionalEncoding, relPositionalEncoding } from "./positional_encoding.ts";
export { RelativeMultiheadAttention } from "./relative_multihead_attention.ts";
export { reflectFrames } from "./reflect_frames.ts";
export { Res2NetBlock, type Res2NetBlockOptions } from "./res2net_block.ts";
export {
  type AttentionName,
  type AttentionSizes,
  makeSelfAttention,
  type SelfAttention,
  type SelfAttentionOptions,
} from "./self_attention.ts";
export { SEBlock, type SEBlockOptions } from "./se_block.ts";
export { SERes2NetBlock, type SERes2NetBlockOptions } from "./se_res2net_block.ts";
export { Sequential } from "./sequential.ts";
export type { SpeakerEncoder } from "./speaker_encoder.ts";
export { SpecAugment, type SpecAugmentOptions } from "./spec_augment.ts";
export { AttentiveStatsPool, StatisticsPooling } from "./statistics_pooling.ts";
export type { LoadOptions, LoadReport, StateArray } from "./state_dict.ts";
export { subsampledLength } from "./subsampled_length.ts";
export { TdnnBlock, type TdnnBlockOptions } from "./tdnn_block.ts";
export { TimeShift } from "./time_shift.ts";
export { type LayerStack, setRecompute } from "./recompute.ts";
export { TransformerEncoder } from "./transformer_encoder.ts";
export { TransformerEncoderLayer, type TransformerEncoderLayerOptions } from "./transformer_encoder_layer.ts";
