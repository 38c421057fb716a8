/** Scaled dot-product attention (Vaswani et al. 2017, arXiv 1706.03762). @module */
import { track } from "../autograd.ts";
import type { Storage } from "../device/storage.ts";
import { allocate, run } from "../memory.ts";
import { nextRandomCall } from "../random.ts";
import type { DType } from "../dtype.ts";
import { broadcastShapes, broadcastStrides, sameShape, type Shape, show, sizeOf } from "../shape.ts";
import { requireFloat, requireSameDevice, Tensor } from "../tensor.ts";
import {
  type AttentionArgs,
  type AttentionBackwardArgs,
  attentionBackwardKernel,
  attentionKernel,
  type HeadLayout,
} from "./attention_kernel.ts";
import { requireHeads } from "./attention_shape.ts";
import { packed } from "./copy.ts";

/** Options of attention. */
export interface AttentionOptions {
  /** int32, not 0 where a key is masked out; broadcasts to (batch, heads, queries, keys). A query without any key gives zeros. */
  mask?: Tensor | null;
  /** Probability of dropping a weight. Default 0. */
  dropout?: number;
  /** Factor on q·k. Default 1/√(channels of a head). */
  scale?: number;
  /** float32, added to the scores; broadcasts to (batch, heads, queries, keys). A view is read as it lies, so that repeats cost no memory. */
  bias?: Tensor | null;
  /** float32, what the biases of a query are multiplied by; broadcasts to (batch, heads, queries). Only beside a `bias`. */
  gate?: Tensor | null;
}

/** Strides of (batch, heads, time, channels); channels are contiguous. */
function layout(x: Tensor, offset = x.offset): HeadLayout {
  return { offset, batch: x.strides[0], head: x.strides[1], time: x.strides[2] };
}

/** A tensor whose last axis is contiguous, by a copy if need be. */
function channelsContiguous(x: Tensor): Tensor {
  return x.strides[3] === 1 || x.shape[3] === 1 ? x : packed(x);
}

type Strides3 = readonly [number, number, number];
type Strides4 = readonly [number, number, number, number];

/** Offset and strides of an optional input over `target`; TypeError where its type or shape does not fit. */
function spread(verb: string, x: Tensor | null, dtype: DType, target: readonly number[]) {
  if (x === null) return null;
  if (x.dtype !== dtype || !sameShape(broadcastShapes(verb, [x.shape, target]), target)) {
    throw new TypeError(
      `Cannot ${verb} ${show(target)} by ${x.dtype} ${show(x.shape)}: expected ${dtype} that broadcasts to it`,
    );
  }
  return { offset: x.offset, strides: broadcastStrides(x.shape, x.strides, target) };
}

/** Arguments that forward and backward share, and the storages of the optional inputs. */
function prepare(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  out: HeadLayout,
  options: AttentionOptions,
): { args: AttentionArgs; extra: Storage[] } {
  const [batch, heads, queries, headDim] = q.shape;
  const keys = k.shape[2];
  const { mask = null, dropout = 0, scale = 1 / Math.sqrt(headDim), bias = null, gate = null } = options;
  if (!(dropout >= 0 && dropout < 1)) {
    throw new RangeError(`Cannot drop out with probability ${dropout}: expected 0 <= p < 1`);
  }
  if (gate !== null && bias === null) {
    throw new TypeError("Cannot gate attention without a bias: pass { bias } as well");
  }
  const target = [batch, heads, queries, keys];
  const views = {
    mask: spread("mask", mask, "int32", target) as { offset: number; strides: Strides4 } | null,
    bias: spread("bias", bias, "float32", target) as { offset: number; strides: Strides4 } | null,
    gate: spread("gate", gate, "float32", target.slice(0, 3)) as { offset: number; strides: Strides3 } | null,
  };
  requireSameDevice("attention", [q, mask, bias, gate].filter((t) => t !== null));
  const random = dropout > 0 ? nextRandomCall(q.device) : null;
  const args: AttentionArgs = {
    ...{ batch, heads, queries, keys, headDim, scale, dropout, out },
    q: layout(q),
    k: layout(k),
    v: layout(v),
    ...views,
    counter: random?.counter ?? 0,
  };
  const extra = [mask, random?.state ?? null, bias, gate].filter((t) => t !== null).map((t) => t.storage);
  return { args, extra };
}

/** Runs forward into (batch, queries, heads, channels) memory, so that merging heads is a view. */
function forward(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions) {
  const [batch, heads, queries, headDim] = q.shape;
  const flat = new Tensor(allocate(q.device, 4 * q.size), [batch, queries, heads, headDim], "float32");
  const out = new Tensor(flat.storage, q.shape, "float32", [flat.strides[0], headDim, heads * headDim, 1]);
  const logSumExp = allocate(q.device, 4 * batch * heads * queries);
  const { args, extra } = prepare(q, k, v, layout(out), options);
  run({
    kernel: attentionKernel,
    args,
    inputs: [q.storage, k.storage, v.storage, ...extra],
    outputs: [out.storage, logSumExp],
  });
  return { out, logSumExp, args, extra };
}

/** Gradients of gate and bias as backward writes them: places for those that are wanted. */
class BiasGradients {
  readonly dGate: Tensor | null;
  readonly dBias: Tensor | null;

  constructor(
    { batch, heads, queries, keys }: AttentionArgs,
    { bias, gate }: AttentionOptions,
    needs: readonly boolean[],
  ) {
    const make = (of: Tensor, shape: Shape) => new Tensor(allocate(of.device, 4 * sizeOf(shape)), shape, "float32");
    this.dGate = gate && needs[1] ? make(gate, [batch, heads, queries]) : null;
    // what all batch items share gets their sum from the kernel, so that no array is larger than it
    const items = (bias?.ndim ?? 0) < 4 || bias?.shape[0] === 1 ? 1 : batch;
    this.dBias = bias && needs[0] ? make(bias, [items, heads, queries, keys]) : null;
  }

  /** What the kernel is told. */
  get args(): Pick<AttentionBackwardArgs, "dGate" | "dBias"> {
    return { dGate: this.dGate !== null, dBias: this.dBias?.shape[0] ?? 0 };
  }

  /** What the kernel writes. */
  get storages(): Storage[] {
    return [this.dGate, this.dBias].filter((t) => t !== null).map((t) => t.storage);
  }

  /** In the order of {@linkcode biasInputs}. */
  of({ bias, gate }: AttentionOptions): (Tensor | null)[] {
    return [...(bias ? [this.dBias] : []), ...(gate ? [this.dGate] : [])];
  }
}

/** Those inputs among the options that may want a gradient. */
function biasInputs({ bias, gate }: AttentionOptions): Tensor[] {
  return [bias, gate].filter((t) => t instanceof Tensor);
}

/**
 * softmax(scale · q·kᵀ + gate · bias) · v for q (batch, heads, queries, channels), k and v (batch, heads, keys, channels) → (batch, heads,
 * queries, channels). Nothing of the size of the scores is kept or written but the bias's own gradient, which is added up over the batch
 * where the bias is common to it.
 *
 * @throws TypeError if the shapes do not fit, or for a gate without a bias.
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  requireSameDevice("attention", [q, k, v]);
  requireFloat("attention", q, k, v);
  requireHeads(q, k, v);
  const [a, b, c] = [q, k, v].map((t) => channelsContiguous(t.detach()));
  const { out, logSumExp, args, extra } = forward(a, b, c, options);
  return track("attention", [q, k, v, ...biasInputs(options)], out, (g, needs) => {
    const grads = [a, b, c].map((t) => new Tensor(allocate(t.device, 4 * t.size), t.shape, "float32"));
    const dOut = sameLayout(g, out);
    const [dq, dk, dv] = grads.map((t) => layout(t));
    const inputs = [a.storage, b.storage, c.storage, out.storage, dOut.storage, logSumExp, ...extra];
    const biasGrads = new BiasGradients(args, options, needs.slice(3));
    run({
      kernel: attentionBackwardKernel,
      args: { ...args, packed: false, dq, dk, dv, ...biasGrads.args },
      inputs,
      outputs: [...grads.map((t) => t.storage), ...biasGrads.storages],
    });
    return [...grads, ...biasGrads.of(options)];
  });
}

/** The gradient of (batch, heads, time, channels) in the memory order of `out`. */
function sameLayout(g: Tensor, out: Tensor): Tensor {
  if (g.offset === 0 && g.strides.every((s, i) => s === out.strides[i])) return g;
  return packed(g.permute([0, 2, 1, 3])).permute([0, 2, 1, 3]);
}

/**
 * Self-attention of queries, keys and values side by side, qkv (batch, time, 3 · heads · channels) → (batch, time, heads · channels): the
 * projections of PyTorch's `MultiheadAttention` without a copy, and one gradient for the three.
 */
export function packedSelfAttention(qkv: Tensor, heads: number, options: AttentionOptions = {}): Tensor {
  const [batch, time, width] = qkv.shape;
  if (qkv.ndim !== 3 || width % (3 * heads) !== 0) {
    throw new TypeError(`Cannot split ${show(qkv.shape)} into queries, keys and values of ${heads} heads`);
  }
  requireFloat("attention", qkv);
  const x = packed(qkv.detach());
  const headDim = width / (3 * heads);
  const part = (i: number): Tensor =>
    new Tensor(
      x.storage,
      [batch, heads, time, headDim],
      "float32",
      [time * width, headDim, width, 1],
      i * heads * headDim,
    );
  const [q, k, v] = [part(0), part(1), part(2)];
  const { out, logSumExp, args, extra } = forward(q, k, v, options);
  const merged = new Tensor(out.storage, [batch, time, heads * headDim], "float32");
  return track("attention", [qkv, ...biasInputs(options)], merged, (g, needs) => {
    const dx = new Tensor(allocate(x.device, 4 * x.size), x.shape, "float32");
    // the same storage is bound once: kernels read q, k and v at their offsets
    const inputs = [x.storage, x.storage, x.storage, out.storage, packed(g).storage, logSumExp, ...extra];
    const biasGrads = new BiasGradients(args, options, needs.slice(1));
    run({
      kernel: attentionBackwardKernel,
      args: { ...args, packed: true, dq: args.q, dk: args.k, dv: args.v, ...biasGrads.args },
      inputs,
      outputs: [dx.storage, ...biasGrads.storages],
    });
    return [dx, ...biasGrads.of(options)];
  });
}
