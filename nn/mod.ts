/** Neural-network modules under PyTorch's names, defaults and initial values. Depends on the tensor engine alone. @module */
export { ELU, GELU, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh } from "./activations.ts";
export { Dropout } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
/** Initial values: `init.xavierUniform(parameter)` and its like. */
export * as init from "./init.ts";
export { LayerNorm, type LayerNormModuleOptions } from "./layer_norm.ts";
export { lengthMask } from "./length_mask.ts";
export { Linear } from "./linear.ts";
export {
  type HeadName,
  type PoolingName,
  SpeakerClassifier,
  type SpeakerClassifierOptions,
} from "./models/speaker_classifier.ts";
export { type Layer, Module } from "./module.ts";
export { ModuleList } from "./module_list.ts";
export { type AttentionMasks, MultiheadAttention, type MultiheadAttentionOptions } from "./multihead_attention.ts";
export { Buffer, Parameter } from "./parameter.ts";
export { AttentivePoolingTanh, MeanPooling, type Pooling, SelfAttentionPooling } from "./pooling.ts";
export { PositionalEncoding } from "./positional_encoding.ts";
export { Sequential } from "./sequential.ts";
export type { LoadOptions, LoadReport, StateArray } from "./state_dict.ts";
export { TransformerEncoder } from "./transformer_encoder.ts";
export { TransformerEncoderLayer, type TransformerEncoderLayerOptions } from "./transformer_encoder_layer.ts";
