/** How the golden cases of tensor ops are computed through the public API: op → outputs. */
import { lengthMask, relPositionalEncoding, subsampledLength } from "../nn/mod.ts";
import * as v from "../tensor/mod.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { GoldenArgs } from "./goldens.ts";

type Inputs = Readonly<Record<string, Tensor>>;

/** From a case's inputs and arguments, the outputs by name. */
export type OpCase = (inputs: Inputs, args: GoldenArgs) => Readonly<Record<string, Tensor>>;

type Dims = number | readonly number[];

/** Inputs in positional order: as `args.order` says, else as x, y. */
function positional(inputs: Inputs, { order = ["x", "y"] }: GoldenArgs): Tensor[] {
  return (order as string[]).map((name) => inputs[name]).filter((t) => t !== undefined);
}

/** An op of tensors alone, with one output y. */
function plain(op: (x: Tensor, y: Tensor) => Tensor): OpCase {
  return (inputs, args) => {
    const [x, y] = positional(inputs, args);
    return { y: op(x, y) };
  };
}

/** A reduction: `dim` and other options in `args`. */
function reduction<Options>(op: (x: Tensor, dim?: Dims, options?: Options) => Tensor): OpCase {
  return ({ x }, { dim, ...options }) => ({ y: op(x, dim as Dims | undefined, options as Options) });
}

/** One output of x and options. */
function of(op: (x: Tensor, args: GoldenArgs, inputs: Inputs) => Tensor): OpCase {
  return (inputs, args) => ({ y: op(inputs.x, args, inputs) });
}

const list = (value: unknown) => value as number[];
const number = (value: unknown) => value as number;
const numbered = (tensors: Tensor[]) => Object.fromEntries(tensors.map((t, i) => [`y${i}`, t]));

const elementwise: Record<string, OpCase> = {
  ...Object.fromEntries(
    ([
      ...["add", "sub", "mul", "div", "maximum", "minimum", "lt", "le", "gt", "ge", "eq", "ne", "neg", "abs", "sign"],
      ...["floor", "exp", "log", "log1p", "sqrt", "rsqrt", "reciprocal", "square", "sin", "cos", "tanh", "sigmoid"],
      ...["erf", "relu", "silu", "softplus"],
    ] as const).map((name) => [name, plain((x, y) => (v[name] as (x: Tensor, y: Tensor) => Tensor)(x, y))]),
  ),
  pow: (inputs, args) => {
    const [x, y = number(args.exponent)] = positional(inputs, args);
    return { y: x.pow(y) };
  },
  leakyRelu: of((x, { slope }) => x.leakyRelu(slope as number | undefined)),
  elu: of((x, { alpha }) => x.elu(alpha as number | undefined)),
  gelu: of((x, args) => x.gelu(args)),
  clamp: of((x, { min, max }) => x.clamp(min as number | undefined, max as number | undefined)),
  where: ({ cond, x, y }) => ({ y: v.where(cond, x, y) }),
  maskedFill: of((x, { value }, { mask }) => x.maskedFill(mask, number(value))),
};

const reduce: Record<string, OpCase> = {
  sum: reduction(v.sum),
  mean: reduction(v.mean),
  amax: reduction(v.amax),
  amin: reduction(v.amin),
  variance: reduction(v.variance),
  std: reduction(v.std),
  norm: reduction(v.norm),
  logSumExp: reduction(v.logSumExp),
  argmax: of((x, { dim, ...options }) => x.argmax(dim as number | undefined, options)),
  cumsum: of((x, { dim }) => x.cumsum(number(dim))),
  softmax: of((x, { dim }) => x.softmax(dim as number | undefined)),
  logSoftmax: of((x, { dim }) => x.logSoftmax(dim as number | undefined)),
};

const movement: Record<string, OpCase> = {
  reshape: of((x, { shape }) => x.reshape(list(shape))),
  permute: of((x, { dims }) => x.permute(list(dims))),
  transpose: of((x, { dim0, dim1 }) => x.transpose(number(dim0), number(dim1))),
  expand: of((x, { shape }) => x.expand(list(shape))),
  slice: of((x, { dim, start, end, step }) => x.slice(number(dim), ...([start, end, step] as (number | undefined)[]))),
  flip: of((x, { dims }) => x.flip(dims as Dims)),
  roll: of((x, { shift, dim }) => x.roll(number(shift), number(dim))),
  cat: ({ x, y }, { dim }) => ({ y: v.cat([x, y], dim as number | undefined) }),
  stack: ({ x, y }, { dim }) => ({ y: v.stack([x, y], dim as number | undefined) }),
  chunk: ({ x }, { chunks, dim }) => numbered(x.chunk(number(chunks), dim as number | undefined)),
  pad: of((x, { pad, ...options }) => x.pad(list(pad), options)),
  indexSelect: of((x, { dim }, { index }) => x.indexSelect(number(dim), index)),
  gather: of((x, { dim }, { index }) => x.gather(number(dim), index)),
  embedding: ({ weight, index }) => ({ y: v.embedding(weight, index) }),
  tril: of((x, { diagonal }) => x.tril(diagonal as number | undefined)),
  triu: of((x, { diagonal }) => x.triu(diagonal as number | undefined)),
  topk: ({ x }, { k, dim }) => ({ ...x.topk(number(k), dim as number | undefined) }),
  unfold: of((x, { dim, size, step }) => x.unfold(number(dim), number(size), number(step))),
};

const products: Record<string, OpCase> = {
  matmul: plain((x, y) => x.matmul(y)),
  matmulTransposed: of((x, _, { y }) => x.matmul(y.transpose(-1, -2))),
  linear: ({ input, weight, bias }) => ({ y: v.linear(input, weight, bias ?? null) }),
  scaledDotProductAttention: ({ q, k, v: values, mask }, options) => ({
    y: v.scaledDotProductAttention(q, k, values, { ...options, mask }),
  }),
};

const convolutions: Record<string, OpCase> = {
  conv1d: of((x, options, { weight, bias }) => v.conv1d(x, weight, bias ?? null, options)),
  conv2d: of((x, options, { weight, bias }) => v.conv2d(x, weight, bias ?? null, options)),
  convTranspose1d: of((x, options, { weight, bias }) => v.convTranspose1d(x, weight, bias ?? null, options)),
};

const conformer: Record<string, OpCase> = {
  relPositionAttention: ({ q, k, v: values, p, u, vb, lengths }) => ({
    y: v.relPositionAttention(q, k, values, {
      positions: p,
      contentBias: u,
      positionBias: vb,
      mask: lengths && lengthMask(lengths, k.shape[2]).reshape([-1, 1, 1, k.shape[2]]),
    }),
  }),
  relPositionalEncoding: (_, { length, dim }) => ({ y: relPositionalEncoding(number(length), number(dim)) }),
  subsampledLength: (_, { length }) => ({
    length: subsampledLength(v.tensor(Int32Array.of(number(length)))),
  }),
};

const losses: Record<string, OpCase> = {
  crossEntropy: of((x, options, { target, weight }) => v.crossEntropy(x, target, { ...options, weight })),
  nllLoss: of((x, { on, ...options }, { target }) =>
    v.nllLoss(on === "logSoftmax" ? x.logSoftmax(1) : x, target, options)
  ),
  mseLoss: of((x, options, { y }) => v.mseLoss(x, y, options)),
  l1Loss: of((x, options, { y }) => v.l1Loss(x, y, options)),
  bceWithLogits: of((x, options, { y }) => v.bceWithLogits(x, y, options)),
  klDiv: of((x, { on, ...options }, { y }) =>
    on === "logSoftmax,softmax" ? v.klDiv(x.logSoftmax(), y.softmax(), options) : v.klDiv(x, y, options)
  ),
  amSoftmax: ({ cosine, target }, options) => ({ y: v.amSoftmax(cosine, target, options) }),
  aamSoftmax: ({ cosine, target }, options) => ({ y: v.aamSoftmax(cosine, target, options) }),
};

const norms: Record<string, OpCase> = {
  layerNorm: of((x, { normalizedDims = 1, eps }, { weight, bias }) =>
    v.layerNorm(x, x.shape.slice(-number(normalizedDims)), { weight, bias, eps: eps as number | undefined })
  ),
  instanceNorm: of((x, options) => v.instanceNorm(x, options)),
  normalize: of((x, options) => v.normalize(x, options)),
  cosineSimilarity: of((x, options, { y }) => v.cosineSimilarity(x, y, options)),
};

const pooling: Record<string, OpCase> = {
  maxPool1d: of((x, options) => v.maxPool1d(x, options as unknown as v.MaxPoolOptions)),
  maxPool2d: of((x, options) => v.maxPool2d(x, options as unknown as v.MaxPoolOptions)),
  avgPool1d: of((x, options) => v.avgPool1d(x, options as unknown as v.AvgPoolOptions)),
  avgPool2d: of((x, options) => v.avgPool2d(x, options as unknown as v.AvgPoolOptions)),
  adaptiveAvgPool1d: of((x, { outputSize }) => v.adaptiveAvgPool1d(x, outputSize as Dims)),
  adaptiveAvgPool2d: of((x, { outputSize }) => v.adaptiveAvgPool2d(x, outputSize as Dims)),
  glu: of((x, { dim }) => v.glu(x, dim as number | undefined)),
};

/** By the case's `op`. */
export const opCases: Readonly<Record<string, OpCase>> = {
  ...elementwise,
  ...reduce,
  ...movement,
  ...products,
  ...convolutions,
  ...conformer,
  ...losses,
  ...norms,
  ...pooling,
};
