/** Scaled dot-product attention (Vaswani et al. 2017, arXiv 1706.03762). @module */
import { track } from "../autograd.ts";
import type { Storage } from "../device/storage.ts";
import { allocate, run } from "../memory.ts";
import { nextRandomCall } from "../random.ts";
import { broadcastShapes, broadcastStrides, sameShape, show } from "../shape.ts";
import { requireFloat, requireSameDevice, Tensor } from "../tensor.ts";
import { type AttentionArgs, attentionBackwardKernel, attentionKernel, type HeadLayout } from "./attention_kernel.ts";
import { requireHeads } from "./attention_shape.ts";
import { packed } from "./copy.ts";

/** Options of attention. */
export interface AttentionOptions {
  /** int32, not 0 where a key is masked out; broadcasts to (batch, heads, queries, keys). A query without any key gives zeros. */
  mask?: Tensor | null;
  /** Probability of dropping a weight. Default 0. */
  dropout?: number;
  /** Factor on scores. Default 1/√(channels of a head). */
  scale?: number;
}

/** Strides of (batch, heads, time, channels); channels are contiguous. */
function layout(x: Tensor, offset = x.offset): HeadLayout {
  return { offset, batch: x.strides[0], head: x.strides[1], time: x.strides[2] };
}

/** A tensor whose last axis is contiguous, by a copy if need be. */
function channelsContiguous(x: Tensor): Tensor {
  return x.strides[3] === 1 || x.shape[3] === 1 ? x : packed(x);
}

/** Arguments that forward and backward share, and the storages of mask and random state. */
function prepare(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  out: HeadLayout,
  options: AttentionOptions,
): { args: AttentionArgs; extra: Storage[] } {
  const [batch, heads, queries, headDim] = q.shape;
  const keys = k.shape[2];
  const { mask = null, dropout = 0, scale = 1 / Math.sqrt(headDim) } = options;
  if (!(dropout >= 0 && dropout < 1)) {
    throw new RangeError(`Cannot drop out with probability ${dropout}: expected 0 <= p < 1`);
  }
  const target = [batch, heads, queries, keys];
  if (mask !== null && (mask.dtype !== "int32" || !sameShape(broadcastShapes("mask", [mask.shape, target]), target))) {
    throw new TypeError(
      `Cannot mask ${show(target)} by ${mask.dtype} ${show(mask.shape)}: expected int32 that broadcasts to it`,
    );
  }
  const random = dropout > 0 ? nextRandomCall(q.device) : null;
  const strides = mask === null
    ? null
    : (broadcastStrides(mask.shape, mask.strides, target) as [number, number, number, number]);
  const args: AttentionArgs = {
    ...{ batch, heads, queries, keys, headDim, scale, dropout, out },
    q: layout(q),
    k: layout(k),
    v: layout(v),
    mask: mask === null || strides === null ? null : { offset: mask.offset, strides },
    counter: random?.counter ?? 0,
  };
  return {
    args,
    extra: [...(mask === null ? [] : [mask.storage]), ...(random === null ? [] : [random.state.storage])],
  };
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

/**
 * softmax(q·kᵀ · scale) · v for q (batch, heads, queries, channels), k and v (batch, heads, keys, channels) → (batch, heads, queries,
 * channels).
 *
 * @throws TypeError if the shapes do not fit.
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  requireSameDevice("attention", [q, k, v]);
  requireFloat("attention", q, k, v);
  requireHeads(q, k, v);
  const [a, b, c] = [q, k, v].map((t) => channelsContiguous(t.detach()));
  const { out, logSumExp, args, extra } = forward(a, b, c, options);
  return track("attention", [q, k, v], out, (g) => {
    const grads = [a, b, c].map((t) => new Tensor(allocate(t.device, 4 * t.size), t.shape, "float32"));
    const dOut = sameLayout(g, out);
    const [dq, dk, dv] = grads.map((t) => layout(t));
    const inputs = [a.storage, b.storage, c.storage, out.storage, dOut.storage, logSumExp, ...extra];
    run({
      kernel: attentionBackwardKernel,
      args: { ...args, packed: false, dq, dk, dv },
      inputs,
      outputs: grads.map((t) => t.storage),
    });
    return grads;
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
  return track("attention", [qkv], merged, (g) => {
    const dx = new Tensor(allocate(x.device, 4 * x.size), x.shape, "float32");
    // the same storage is bound once: kernels read q, k and v at their offsets
    const inputs = [x.storage, x.storage, x.storage, out.storage, packed(g).storage, logSumExp, ...extra];
    run({
      kernel: attentionBackwardKernel,
      args: { ...args, packed: true, dq: args.q, dk: args.k, dv: args.v },
      inputs,
      outputs: [dx.storage],
    });
    return [dx];
  });
}
