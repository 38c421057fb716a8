import assert from "node:assert/strict";
import { Heap, type HeapSlice } from "../../../tensor/cpu/heap.ts";
import { Jobs } from "../../../tensor/cpu/jobs.ts";
import { WasmRuntime } from "../../../tensor/cpu/wasm_runtime.ts";
import { philox } from "../../../tensor/expr/reference.ts";
import type { AttentionArgs, AttentionBackwardArgs, HeadLayout } from "../../../tensor/ops/attention_kernel.ts";

const heap = new Heap();
const runtime = new WasmRuntime(heap, new Jobs(heap));
const STATE = [0x1234, -77, 5, 9];

let seed = 5;
function next(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  return (seed >>> 0) / 2 ** 32;
}

interface Case {
  readonly batch?: number;
  readonly heads?: number;
  readonly queries: number;
  readonly keys: number;
  readonly headDim: number;
  /** Which keys are masked, if any. */
  readonly masked?: (b: number, h: number, i: number, j: number) => boolean;
  /** Axes over which the mask is stored; the others have stride 0. */
  readonly maskAxes?: readonly [boolean, boolean, boolean, boolean];
  readonly dropout?: number;
  /** Channels of all heads side by side in a row, as a packed projection has them. */
  readonly interleaved?: boolean;
  readonly packed?: boolean;
  /** Biases: by distance (a view of a table), for every pair of a head with keys apart or side by side, or for every pair of a batch item. */
  readonly bias?: "distance" | "apart" | "pairs" | "items";
  readonly gate?: true;
}

function setUp(c: Case) {
  const { batch = 2, heads = 3, queries, keys, headDim, interleaved = true, dropout = 0 } = c;
  const layout = (times: number): HeadLayout =>
    interleaved
      ? { offset: 1, batch: times * heads * headDim, head: headDim, time: heads * headDim }
      : { offset: 2, batch: times * heads * headDim, head: times * headDim, time: headDim };
  const axes = c.maskAxes ?? [true, true, true, true];
  const sizes = [batch, heads, queries, keys].map((n, i) => axes[i] ? n : 1);
  const strides = sizes.map((n, i) => n === 1 ? 0 : sizes.slice(i + 1).reduce((a, b) => a * b, 1));
  const biasStrides = {
    distance: [0, queries + keys - 1, -1, 1],
    apart: [0, queries * keys, 1, queries],
    pairs: [0, queries * keys + 3, keys, 1],
    items: [heads * queries * keys, queries * keys, keys, 1],
  } as const;
  const args: AttentionArgs = {
    ...{ batch, heads, queries, keys, headDim, scale: 1 / Math.sqrt(headDim) },
    ...{ q: layout(queries), k: layout(keys), v: layout(keys), out: layout(queries) },
    mask: c.masked === undefined ? null : { offset: 1, strides: strides as [number, number, number, number] },
    ...{ dropout, counter: 3 },
    bias: c.bias ? { offset: c.bias === "distance" ? queries - 1 : 1, strides: biasStrides[c.bias] } : null,
    gate: c.gate ? { offset: 2, strides: [queries * heads, 1, heads] } : null,
  };
  const floats = (times: number) => {
    const slice = heap.allocate(4 * (2 + batch * heads * times * headDim));
    slice.f32.forEach((_, i, all) => all[i] = 4 * next() - 2);
    return slice;
  };
  const drawn = (count: number) => {
    const slice = heap.allocate(4 * count);
    slice.f32.forEach((_, i, all) => all[i] = 4 * next() - 2);
    return slice;
  };
  const bias = drawn(3 + (batch * heads + 1) * (queries + 3) * (keys + 3));
  const gate = drawn(2 + batch * heads * queries);
  const mask = heap.allocate(4 * (1 + sizes.reduce((a, b) => a * b, 1)));
  mask.i32.fill(0);
  const state = heap.allocate(16);
  state.i32.set(STATE);
  const optional = [
    ...[...(c.masked ? [mask] : []), ...(dropout > 0 ? [state] : [])],
    ...[...(c.bias ? [bias] : []), ...(c.gate ? [gate] : [])],
  ];
  if (c.masked !== undefined) {
    forEach([batch, heads, queries, keys], ([b, h, i, j]) => {
      mask.i32[1 + b * strides[0] + h * strides[1] + i * strides[2] + j * strides[3]] = c.masked?.(b, h, i, j) ? 7 : 0;
    });
  }
  const lse = heap.allocate(4 * batch * heads * queries);
  return {
    args,
    q: floats(queries),
    k: floats(keys),
    v: floats(keys),
    out: floats(queries),
    dOut: floats(queries),
    lse,
    optional,
    bias,
    gate,
    /** Batch items of the bias's gradient. */
    items: c.bias === undefined ? 0 : c.bias === "items" ? batch : 1,
  };
}

function forEach(sizes: readonly number[], visit: (index: number[]) => void, index: number[] = []): void {
  if (index.length === sizes.length) return visit(index);
  for (let i = 0; i < sizes[index.length]; i++) forEach(sizes, visit, [...index, i]);
}

const at = (l: HeadLayout, b: number, h: number, t: number) => l.offset + b * l.batch + h * l.head + t * l.time;

/** Dropout factor of one weight: 0, or 1/(1 − p). */
function factor(args: AttentionArgs, row: number, j: number): number {
  if (args.dropout === 0) return 1;
  const element = row * 16 * Math.ceil(args.keys / 16) + j;
  const [block, place] = [Math.floor(element / 16), element % 16];
  const words = philox([4 * block + place % 4, STATE[2] + args.counter, STATE[3], 0], STATE);
  return (words[place >> 2] >>> 8) * 2 ** -24 >= Math.fround(args.dropout) ? 1 / (1 - args.dropout) : 0;
}

/** Plain loops in double precision: output, log-sum-exp and the three gradients, all as dense (batch, head, time, channel). */
function oracle({ args, q, k, v, dOut, bias, gate, items }: ReturnType<typeof setUp>, masked: Case["masked"]) {
  const { batch, heads, queries, keys, headDim: d, scale } = args;
  const dense = (times: number) => new Float64Array(batch * heads * times * d);
  const [out, dq, dk, dv] = [dense(queries), dense(queries), dense(keys), dense(keys)];
  const lse = new Float64Array(batch * heads * queries);
  const [dGate, dBias] = [new Float64Array(batch * heads * queries), new Float64Array(items * heads * queries * keys)];
  const place = (of: AttentionArgs["bias"] | AttentionArgs["gate"], index: number[]) =>
    index.reduce((sum, n, axis) => sum + n * (of?.strides[axis] ?? 0), of?.offset ?? 0);
  forEach([batch, heads, queries], ([b, h, i]) => {
    const row = (b * heads + h) * queries + i;
    const [qi, oi] = [at(args.q, b, h, i), at(args.out, b, h, i)];
    const dot = (x: Float32Array, xi: number, y: Float32Array, yi: number) => {
      let sum = 0;
      for (let c = 0; c < d; c++) sum += x[xi + c] * y[yi + c];
      return sum;
    };
    const columns = [...Array(keys).keys()].filter((j) => !masked?.(b, h, i, j));
    if (columns.length === 0) return;
    const gateOf = args.gate ? gate.f32[place(args.gate, [b, h, i])] : 1;
    const biasOf = (j: number) => args.bias ? bias.f32[place(args.bias, [b, h, i, j])] : 0;
    const scores = columns.map((j) => scale * dot(q.f32, qi, k.f32, at(args.k, b, h, j)) + gateOf * biasOf(j));
    const top = Math.max(...scores);
    lse[row] = top + Math.log(scores.reduce((sum, s) => sum + Math.exp(s - top), 0));
    const p = scores.map((s) => Math.exp(s - lse[row]));
    const m = columns.map((j) => factor(args, row, j));
    const dp = columns.map((j, n) => m[n] * dot(dOut.f32, oi, v.f32, at(args.v, b, h, j)));
    const delta = dp.reduce((sum, x, n) => sum + x * p[n], 0);
    columns.forEach((j, n) => {
      const step = p[n] * (dp[n] - delta);
      dGate[row] += biasOf(j) * step;
      if (items > 0) dBias[(((items > 1 ? b : 0) * heads + h) * queries + i) * keys + j] += gateOf * step;
      const slope = step * scale;
      const key = ((b * heads + h) * keys + j) * d;
      for (let c = 0; c < d; c++) {
        out[row * d + c] += p[n] * m[n] * v.f32[at(args.v, b, h, j) + c];
        dv[key + c] += p[n] * m[n] * dOut.f32[oi + c];
        dq[row * d + c] += slope * k.f32[at(args.k, b, h, j) + c];
        dk[key + c] += slope * q.f32[qi + c];
      }
    });
  });
  return { out, lse, dq, dk, dv, dGate, dBias };
}

function assertClose(
  got: Float32Array,
  layout: HeadLayout,
  wanted: Float64Array,
  args: AttentionArgs,
  label: string,
): void {
  const { batch, heads, headDim } = args;
  const times = wanted.length / (batch * heads * headDim);
  const largest = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  forEach([batch, heads, times], ([b, h, t]) => {
    for (let c = 0; c < headDim; c++) {
      const [x, y] = [got[at(layout, b, h, t) + c], wanted[((b * heads + h) * times + t) * headDim + c]];
      assert.ok(Math.abs(x - y) <= 3e-6 * largest, `${label}[${b},${h},${t},${c}] is ${x}, wanted ${y}`);
    }
  });
}

function check(c: Case): void {
  const s = setUp(c);
  const { args, q, k, v, out, dOut, lse, optional } = s;
  const wanted = oracle(s, c.masked);
  const label = JSON.stringify(c);
  runtime.attention(args, [q, k, v, ...optional], [out, lse]);
  assertClose(out.f32, args.out, wanted.out, args, `${label} out`);
  lse.f32.forEach((x, i) => assert.ok(Math.abs(x - wanted.lse[i]) < 1e-5, `${label} lse ${i}: ${x}, ${wanted.lse[i]}`));
  const one = heap.allocate(3 * q.bytes + 3 * k.bytes);
  const three = [q, k, v].map((slice) => heap.allocate(slice.bytes));
  one.f32.fill(NaN);
  three.forEach((slice) => slice.f32.fill(NaN));
  const move = (l: HeadLayout, by: number): HeadLayout => c.packed ? { ...l, offset: l.offset + by } : l;
  const backward: AttentionBackwardArgs = {
    ...args,
    packed: c.packed ?? false,
    dq: args.q,
    dk: move(args.k, q.bytes / 4),
    dv: move(args.v, q.bytes / 4 + k.bytes / 4),
    dGate: c.gate ?? false,
    dBias: s.items,
  };
  const extra = [...(c.gate ? [wanted.dGate] : []), ...(c.bias ? [wanted.dBias] : [])];
  const gradients = extra.map(({ length }) => heap.allocate(4 * length));
  gradients.forEach((slice) => slice.f32.fill(NaN));
  const outputs: HeapSlice[] = [...(c.packed ? [one] : three), ...gradients];
  runtime.attentionBackward(backward, [q, k, v, out, dOut, lse, ...optional], outputs);
  const [dq, dk, dv] = c.packed ? [one, one, one] : three;
  assertClose(dq.f32, backward.dq, wanted.dq, args, `${label} dq`);
  assertClose(dk.f32, backward.dk, wanted.dk, args, `${label} dk`);
  assertClose(dv.f32, backward.dv, wanted.dv, args, `${label} dv`);
  extra.forEach((expected, n) => {
    const largest = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
    expected.forEach((y, i) => {
      const x = gradients[n].f32[i];
      assert.ok(Math.abs(x - y) <= 3e-6 * largest, `${label} ${n ? "bias" : "gate or bias"} ${i} is ${x}, wanted ${y}`);
    });
  });
  [q, k, v, out, dOut, lse, one, ...three, s.bias, s.gate, ...gradients].forEach((slice) => heap.release(slice));
}

Deno.test("attention and its gradients equal plain loops for any lengths and head sizes", () => {
  for (const [queries, keys] of [[1, 1], [5, 3], [17, 65], [128, 128], [65, 16]]) {
    for (const headDim of [1, 3, 5, 8, 40]) check({ queries, keys, headDim });
  }
  check({ queries: 20, keys: 30, headDim: 128, interleaved: false, packed: true });
});

Deno.test("long sequences are done in blocks of queries", () => {
  check({ batch: 1, heads: 2, queries: 300, keys: 150, headDim: 20 });
  check({ batch: 1, heads: 1, queries: 140, keys: 2100, headDim: 7, packed: true });
});

Deno.test("masked keys count for nothing, a row masked everywhere gives zeros and zero gradients", () => {
  const causal = (_b: number, _h: number, i: number, j: number) => j > i;
  check({ queries: 33, keys: 33, headDim: 8, masked: causal, maskAxes: [false, false, true, true] });
  const lengths = [20, 0];
  const padding = (b: number, _h: number, _i: number, j: number) => j >= lengths[b];
  check({ queries: 18, keys: 37, headDim: 5, masked: padding, maskAxes: [true, false, false, true] });
  const anywhere = (b: number, h: number, i: number, j: number) => (b + 3 * h + 5 * i + 7 * j) % 3 === 0;
  check({ queries: 130, keys: 18, headDim: 4, masked: anywhere });
  const wholeRows = (_b: number, h: number, i: number) => (h + i) % 4 === 0;
  check({ queries: 9, keys: 11, headDim: 4, masked: wholeRows, maskAxes: [false, true, true, false] });
});

Deno.test("dropout uses the random numbers of the call, with and without a mask", () => {
  check({ queries: 40, keys: 35, headDim: 6, dropout: 0.3 });
  check({ queries: 150, keys: 64, headDim: 16, dropout: 0.1, packed: true });
  const causal = (_b: number, _h: number, i: number, j: number) => j > i;
  check({ queries: 21, keys: 21, headDim: 3, dropout: 0.5, masked: causal, maskAxes: [false, false, true, true] });
});

Deno.test("biases and gates, with the gradients of both", () => {
  check({ queries: 1, keys: 1, headDim: 3, bias: "pairs", gate: true });
  for (const bias of ["distance", "apart", "pairs", "items"] as const) {
    check({ queries: 33, keys: 65, headDim: 8, bias });
    check({ queries: 149, keys: 63, headDim: 5, bias, gate: true, dropout: 0.2 });
  }
  const causal = (_b: number, _h: number, i: number, j: number) => j > i;
  check({ queries: 257, keys: 257, headDim: 8, batch: 1, bias: "distance", gate: true, masked: causal, packed: true });
  check({ queries: 20, keys: 20, headDim: 4, bias: "items", gate: true, masked: (_b, h, i) => (h + i) % 4 === 0 });
});

Deno.test("without keys the output is zero, and so are gradients without queries", () => {
  const s = setUp({ queries: 3, keys: 0, headDim: 4 });
  runtime.attention(s.args, [s.q, s.k, s.v], [s.out, s.lse]);
  assertClose(s.out.f32, s.args.out, new Float64Array(2 * 3 * 3 * 4), s.args, "out");
  const t = setUp({ queries: 0, keys: 5, headDim: 4 });
  const backward = { ...t.args, packed: false, dq: t.args.q, dk: t.args.k, dv: t.args.v, dGate: false, dBias: 0 };
  runtime.attentionBackward(backward, [t.q, t.k, t.v, t.out, t.dOut, t.lse], [t.q, t.k, t.v]);
  assertClose(t.k.f32, t.args.k, new Float64Array(2 * 3 * 5 * 4), t.args, "dk");
});
