/** How the golden cases of modules are computed through the public API: op → the module, loaded by name, and its outputs. */
import assert from "node:assert/strict";
import {
  BatchNorm1d,
  BatchNorm2d,
  ConformerBlock,
  ConformerEncoder,
  EcapaTdnn,
  type EcapaTdnnOptions,
  GroupNorm,
  type Module,
  MultiheadAttention,
  TransformerEncoderLayer,
} from "../nn/mod.ts";
import { AttentivePoolingTanh, AttentiveStatsPool, ResNet, SEBlock, SelfAttentionPooling } from "../nn/mod.ts";
import { type Tensor, tensor } from "../tensor/mod.ts";
import type { ComparedArray, GoldenArgs, GoldenArrays, GoldenCase } from "./goldens.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** A case's inputs as tensors (a parameter `p.NAME` or buffer `b.NAME` is the module's own) and its outputs. */
export type ModuleCase = (golden: GoldenCase) => { tensors: Tensors; outputs: Tensors };

/** Builds the module from `args`, loads its state strictly, runs it. */
function moduleCase<M extends Module>(
  make: (args: GoldenArgs) => M,
  forward: (module: M, inputs: Tensors) => Tensor,
): ModuleCase {
  return ({ args, inputs, outputs, gradients }) => {
    const module = make(args);
    const isState = (name: string) => /^[pb]\./.test(name);
    module.loadStateDict(renamed(inputs, (name) => isState(name) ? name.slice(2) : null));
    const arrays = Object.entries(inputs).filter(([name]) => !isState(name));
    const plain = arrays.map(([name, { shape, data }]) =>
      [name, tensor(data, { shape, requiresGrad: name in gradients })] as const
    );
    const tensors = { ...Object.fromEntries(plain), ...Object.fromEntries(prefixed("p.", module.namedParameters())) };
    const y = forward(module, tensors);
    const buffers = prefixed("b.", module.namedBuffers()).filter(([name]) => name in outputs);
    return { tensors, outputs: { y, ...Object.fromEntries(buffers) } };
  };
}

/** A case of nothing but the names and shapes of a state dict, in `args.shapes`, in its order. */
function namesCase(make: (args: GoldenArgs) => Module): ModuleCase {
  return ({ args }) => {
    const state = Object.entries(make(args).stateDict());
    assert.deepEqual(state.map(([name, { shape }]) => [name, [...shape]]), Object.entries(args.shapes as object));
    for (const [, t] of state) t.dispose();
    return { tensors: {}, outputs: {} };
  };
}

function prefixed<T>(prefix: string, entries: readonly (readonly [string, T])[]): [string, T][] {
  return entries.map(([name, value]) => [prefix + name, value]);
}

function renamed(arrays: GoldenArrays, name: (old: string) => string | null): GoldenArrays {
  const entries = Object.entries(arrays).map(([old, array]) => [name(old), array] as const);
  return Object.fromEntries(entries.filter(([wanted]) => wanted !== null));
}

/** SpeechBrain's mask: frame t counts while t < length · time. */
const framesOf = (relative: Tensor, { shape: [, time] }: Tensor) => relative.mul(-time).floor().neg().toInt();

const number = (value: unknown) => value as number;

const sizesOf = ({ classes, inChannels }: GoldenArgs) => ({ classes: number(classes), inChannels: number(inChannels) });

/** Modules of families `attention` and `layers`. */
export const moduleCases: Readonly<Record<string, ModuleCase>> = {
  MultiheadAttention: moduleCase(
    ({ embedDim, numHeads }) => new MultiheadAttention(number(embedDim), number(numHeads)),
    (module, { x, keyPaddingMask }) => module.forward(x, x, x, { keyPaddingMask }),
  ),
  TransformerEncoderLayer: moduleCase(
    ({ dModel, nHead, ...options }) => new TransformerEncoderLayer(number(dModel), number(nHead), options).eval(),
    (module, { x }) => module.forward(x),
  ),
  Conformer: moduleCase(
    ({ inputDim, numHeads, ffnDim, numLayers, depthwiseConvKernelSize }) => {
      const torchaudio = { attention: "full", depthwiseBias: true, convolvePadding: true, dropout: 0 } as const;
      const sizes = { ffExpansion: number(ffnDim) / number(inputDim), kernelSize: number(depthwiseConvKernelSize) };
      const makeBlock = () => new ConformerBlock(number(inputDim), number(numHeads), { ...torchaudio, ...sizes });
      return new ConformerEncoder(makeBlock, number(numLayers));
    },
    (module, { x, lengths }) => module.forward(x, lengths),
  ),
  SelfAttentionPooling: moduleCase(
    ({ dim }) => new SelfAttentionPooling(number(dim)),
    (module, { x }) => module.forward(x),
  ),
  SEBlock: moduleCase(
    ({ channels, bottleneck }) => new SEBlock(number(channels), number(bottleneck)),
    (module, { x }) => module.forward(x),
  ),
  AttentiveStatsPool: moduleCase(
    ({ dim, bottleneck }) => new AttentiveStatsPool(number(dim), number(bottleneck)),
    (module, { x }) => module.forward(x.transpose(1, 2)),
  ),
  AttentivePoolingTanh: moduleCase(
    ({ dim }) => new AttentivePoolingTanh(number(dim)),
    (module, { x }) => module.forward(x),
  ),
  BatchNorm1d: moduleCase(
    ({ features, train }) => new BatchNorm1d(number(features)).train(train as boolean),
    (module, { x }) => module.forward(x),
  ),
  GroupNorm: moduleCase(
    ({ groups, channels }) => new GroupNorm(number(groups), number(channels)),
    (module, { x }) => module.forward(x),
  ),
  BatchNorm2d: moduleCase(
    ({ features, train }) => new BatchNorm2d(number(features)).train(train as boolean),
    (module, { x }) => module.forward(x),
  ),
  EcapaTdnn: moduleCase(
    ({ linNeurons, train, ...sizes }) => {
      const options = { ...sizes as EcapaTdnnOptions, embeddingDim: number(linNeurons), convolvePadding: true };
      return new EcapaTdnn(options).train(train as boolean);
    },
    (module, { x, relativeLengths }) => module.forward(x, relativeLengths ? framesOf(relativeLengths, x) : null),
  ),
  ResNet18: namesCase((args) => new ResNet(sizesOf(args))),
  ResNet34: namesCase((args) => new ResNet({ ...sizesOf(args), depth: 34 })),
};

/**
 * PyTorch adds to `grad`, and `mha_padding` was computed with the module of `mha_self` without clearing, as `ecapa_…_lengths` with that of
 * `ecapa_…_train`: their recorded parameter gradients are the sum over both cases. So where an earlier case has the very same parameters,
 * this gives our gradients with those of the last such case added.
 */
export function withEarlierGradients(
  golden: GoldenCase,
  family: readonly GoldenCase[],
  results: Readonly<Record<string, ComparedArray>>,
): Record<string, ComparedArray> {
  const parameters = ({ inputs }: GoldenCase) => JSON.stringify(Object.entries(inputs).filter(([n]) => /^p\./.test(n)));
  const earlier = family.slice(0, family.indexOf(golden)).findLast((c) =>
    c.op in moduleCases && c.op === golden.op && parameters(c) === parameters(golden)
  );
  const entries = Object.entries(earlier?.gradients ?? {}).filter(([n]) => /^p\./.test(n) && `grad/${n}` in results);
  return Object.fromEntries(entries.map(([name, { data }]) => {
    const { shape, data: ours } = results[`grad/${name}`];
    return [`grad/${name}`, { shape, data: data.map((g, i) => g + ours[i]) }];
  }));
}
