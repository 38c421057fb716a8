/** How the golden cases of WavLM are computed through the public API. */
import assert from "node:assert/strict";
import { maskedSpans, type Module, WavLMForXVector, wavlmFrames, WavLMModel, weightNormNames } from "../nn/mod.ts";
import { layerAttention, WavLMAttention } from "../nn/models/wavlm/attention.ts";
import { type WavLMConfig, wavlmConfig } from "../nn/models/wavlm/config.ts";
import { EncoderLayer } from "../nn/models/speech_encoder/encoder.ts";
import { FeatureEncoder, FeatureProjection } from "../nn/models/speech_encoder/feature_encoder.ts";
import { frameLengthsOf, tdnnLoss } from "../nn/models/speech_encoder/lengths.ts";
import { PositionalConvEmbedding } from "../nn/models/speech_encoder/position_conv.ts";
import { relativeBucket } from "../nn/models/wavlm/relative_buckets.ts";
import { unbiasedStatistics } from "../nn/models/wavlm/statistics.ts";
import { WavLMTdnnLayer } from "../nn/models/wavlm/xvector.ts";
import { ModuleList } from "../nn/mod.ts";
import { amSoftmax, currentDevice, normalize, type Tensor, tensor } from "../tensor/mod.ts";
import type { GoldenArgs } from "./goldens.ts";
import type { ModuleCase } from "./goldens_modules.ts";

type Tensors = Readonly<Record<string, Tensor>>;

const number = (value: unknown) => value as number;
const list = (value: unknown) => value as number[];

/** Builds the module from `args`, loads the parameters of the case (both spellings of weight norm), runs it in evaluation mode. */
function wavlmCase<M extends Module>(
  make: (args: GoldenArgs) => M,
  forward: (module: M, inputs: Tensors, args: GoldenArgs) => Tensors,
  strict = true,
): ModuleCase {
  return ({ args, inputs, gradients }) => {
    const module = make(args).eval();
    const state = Object.fromEntries(
      Object.entries(inputs).flatMap(([n, a]) => n.startsWith("p.") ? [[n.slice(2), a]] : []),
    );
    module.loadStateDict(weightNormNames(state), { strict });
    const parameters = Object.fromEntries(module.namedParameters());
    const ours = Object.keys(weightNormNames(state));
    const tensors = Object.fromEntries([
      ...Object.keys(state).map((name, i) => [`p.${name}`, parameters[ours[i]]] as const),
      ...Object.entries(inputs).filter(([name]) => !name.startsWith("p.")).map(([name, { shape, data }]) =>
        [name, tensor(data, { shape, requiresGrad: name in gradients })] as const
      ),
    ]);
    return { tensors, outputs: forward(module, tensors, args) };
  };
}

/** config.json's keys in camelCase. */
function camel(config: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config as object).map(([key, value]) => [key.replace(/_(\w)/g, (_, c) => c.toUpperCase()), value]),
  );
}

function optionsOf(config: unknown): Partial<WavLMConfig> & { numLabels: number } {
  const keys = camel(config), masks = number(keys.maskTimeProb) > 0 || number(keys.maskFeatureProb) > 0;
  return { ...keys, maskedSpecEmbed: masks } as Partial<WavLMConfig> & { numLabels: number };
}

/** Samples or frames that a mask of 1s and 0s counts. */
const counted = (mask: Tensor | undefined) => mask === undefined ? null : mask.sum(1);

const makeAttention = ({ embedDim, numHeads, numBuckets, maxDistance, hasRelativePositionBias }: GoldenArgs) =>
  new WavLMAttention(number(embedDim), number(numHeads), {
    numBuckets: number(numBuckets),
    maxBucketDistance: number(maxDistance),
    hasRelativePositionBias: hasRelativePositionBias as boolean,
  });

const makeLayer = (args: GoldenArgs) => {
  const config = wavlmConfig({
    hiddenSize: number(args.embedDim),
    numAttentionHeads: number(args.numHeads),
    numBuckets: number(args.numBuckets),
    maxBucketDistance: number(args.maxDistance),
    intermediateSize: number(args.intermediateSize),
    layerNormEps: number(args.layerNormEps),
    doStableLayerNorm: args.stable as boolean,
    numConvPosEmbeddingGroups: 1,
  });
  return new EncoderLayer(config, layerAttention(config, args.hasRelativePositionBias ? 0 : 1));
};

const ints = (data: readonly number[]) => tensor(Int32Array.from(data));

/** Ops of family `wavlm`. */
export const wavlmCases: Readonly<Record<string, ModuleCase>> = {
  wavlmRelativeBuckets: ({ args: { numBuckets, maxDistance }, inputs }) => {
    const options = { numBuckets: number(numBuckets), maxBucketDistance: number(maxDistance) };
    return { tensors: {}, outputs: { bucket: ints([...inputs.distance.data].map((d) => relativeBucket(d, options))) } };
  },
  wavlmGatedPositionBias: wavlmCase(makeAttention, (module, { x }) => ({
    bias: module.gate(x).unsqueeze(-1).mul(module.positionBias(x.shape[1])),
  }), false),
  WavLMAttention: wavlmCase(makeAttention, (module, { x, attention_mask, position_bias }) => {
    const bias = position_bias ?? module.positionBias(x.shape[1]);
    const y = module.forward(x, bias, { lengths: counted(attention_mask) });
    return { y, ...position_bias === undefined && { position_bias: bias } } as Tensors;
  }),
  WavLMFeatureEncoder: wavlmCase(
    (args) => new FeatureEncoder(wavlmConfig(args)),
    (module, { x }) => ({ y: module.forward(x) }),
  ),
  WavLMFeatureProjection: wavlmCase(
    ({ convDim, ...args }) =>
      new FeatureProjection(
        number(convDim),
        wavlmConfig({ ...args, numAttentionHeads: 1, numConvPosEmbeddingGroups: 1 }),
      ),
    (module, { x }) => ({ ...module.forward(x) }),
  ),
  WavLMPositionalConvEmbedding: wavlmCase(
    ({ hiddenSize, kernelSize, groups }) =>
      new PositionalConvEmbedding(number(hiddenSize), { kernelSize: number(kernelSize), groups: number(groups) }),
    (module, { x }) => ({ y: module.forward(x) }),
  ),
  WavLMEncoderLayer: wavlmCase(makeLayer, (module, { x, attention_mask, position_bias }) => {
    const bias = position_bias ?? module.attention.positionBias(x.shape[1]);
    const y = module.forward(x, bias, { lengths: counted(attention_mask) });
    return { y, ...position_bias === undefined && { position_bias: bias } } as Tensors;
  }),
  wavlmTDNN: (golden) => {
    const { tdnnDim, tdnnKernel, tdnnDilation } = golden.args, dims = list(tdnnDim);
    const layers = dims.map((to, i) =>
      new WavLMTdnnLayer(dims[Math.max(0, i - 1)], to, { kernel: list(tdnnKernel)[i], dilation: list(tdnnDilation)[i] })
    );
    const strip = (name: string) => name.replace(/^p\.tdnn\./, "p.");
    const renamed = Object.fromEntries(Object.entries(golden.inputs).map(([name, array]) => [strip(name), array]));
    const found = wavlmCase(() => new ModuleList(layers), (module, { x }) => {
      let y = x.transpose(1, 2);
      for (const layer of module) y = layer.forward(y);
      return { y: y.transpose(1, 2) };
    })({ ...golden, inputs: renamed });
    const long = (name: string) => name.startsWith("p.") ? `p.tdnn.${name.slice(2)}` : name;
    const tensors = Object.fromEntries(Object.entries(found.tensors).map(([name, t]) => [long(name), t]));
    return { tensors, outputs: found.outputs };
  },
  wavlmStatisticsPooling: ({ inputs, gradients }) => {
    const x = tensor(inputs.x.data, { shape: inputs.x.shape, requiresGrad: "x" in gradients });
    const lengths = inputs.lengths && tensor(inputs.lengths.data, { shape: inputs.lengths.shape });
    return { tensors: { x }, outputs: { y: unbiasedStatistics(x, lengths ?? null) } };
  },
  wavlmAMSoftmaxLoss: ({ args: { scale, margin }, inputs }) => {
    const of = (name: string, requiresGrad = false) =>
      tensor(inputs[name].data, { shape: inputs[name].shape, requiresGrad });
    const x = of("x", true), weight = of("p.weight", true);
    const cosine = normalize(x).matmul(normalize(weight, { dim: 0 }));
    const loss = amSoftmax(cosine, of("labels"), { scale: number(scale), margin: number(margin) });
    return { tensors: { x, "p.weight": weight }, outputs: { loss, cosine } };
  },
  WavLMForXVector: wavlmCase(
    ({ config, tdnnLengths }) =>
      new WavLMForXVector({ ...optionsOf(config), tdnnLengths: tdnnLengths as "dilated" | "hf" | undefined }),
    (module, { input_values, attention_mask, labels }, { scale, margin }) => {
      const { hiddenStates, extractFeatures, frameLengths: _, ...output } = module.outputs(
        input_values,
        counted(attention_mask),
      );
      const loss = amSoftmax(output.cosine, labels, { scale: number(scale), margin: number(margin) });
      const states = Object.fromEntries(hiddenStates.map((state, i) => [`hidden_states.${i}`, state]));
      return { ...states, extract_features: extractFeatures, ...output, loss };
    },
  ),
  WavLMModel: wavlmCase(
    ({ config }) => new WavLMModel(optionsOf(config)),
    (module, { input_values, attention_mask, mask_time_indices, mask_feature_indices }) => {
      const { hiddenStates } = module.forward(input_values, {
        lengths: counted(attention_mask),
        maskTime: mask_time_indices,
        maskFeature: mask_feature_indices,
      });
      return { last_hidden_state: hiddenStates[hiddenStates.length - 1] };
    },
  ),
  wavlmMaskedSpans: ({ args: { maskProb, maskLength, minMasks, sequenceLength, epsilon }, inputs }) => {
    const options = {
      maskProb: number(maskProb),
      maskLength: number(maskLength),
      minMasks: number(minMasks),
      sequenceLength: number(sequenceLength),
      epsilon: number(epsilon),
    };
    return { tensors: {}, outputs: { spans: ints([...inputs.lengths.data].map((n) => maskedSpans(n, options))) } };
  },
  wavlmLengths: ({ args, inputs: { samples: { data } } }) => {
    const { convKernel, convStride, tdnnKernel, tdnnDilation } = camel(args);
    const windows = { convKernel: list(convKernel), convStride: list(convStride) };
    const frames = [...data].map((n) => wavlmFrames(n, windows));
    const less = (tdnnDilation: readonly number[]) => {
      const lost = tdnnLoss({ tdnnKernel: list(tdnnKernel), tdnnDilation });
      return ints(frames.map((n) => n - lost));
    };
    const onDevice = frameLengthsOf(ints([...data]), windows);
    return {
      tensors: {},
      outputs: { frames: onDevice, tdnn: less(list(tdnnDilation)), tdnn_hf: less(list(tdnnKernel).map(() => 1)) },
    };
  },
  wavlm_names: ({ args: { config, shapes, aliases, parameters } }) => {
    if (currentDevice().type !== "cpu") return { tensors: {}, outputs: {} }; // names know no device, and weights are 1.3 GB
    const state = Object.entries(new WavLMForXVector(optionsOf(config)).stateDict());
    assert.deepEqual(state.map(([name, { shape }]) => [name, [...shape]]), Object.entries(shapes as object));
    assert.equal(state.reduce((sum, [, { size }]) => sum + size, 0), parameters);
    assert.deepEqual(
      weightNormNames(aliases as Record<string, string>),
      Object.fromEntries(
        Object.values(aliases as Record<string, string>).map((name) => [name, name]),
      ),
    );
    for (const [, t] of state) t.dispose();
    return { tensors: {}, outputs: {} };
  },
};
