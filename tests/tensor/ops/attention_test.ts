/** Attention through the public API against a plain loop; kernels' variants are tested in attention_wgsl_test.ts. */
import assert from "node:assert/strict";
import { packedSelfAttention, scaledDotProductAttention, type Tensor, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly channels: number;
}

type Masked = (b: number, h: number, i: number, j: number) => boolean;

/** softmax(q·kᵀ / √channels) · v over flat arrays; a query without keys gives zeros. */
function plain(
  { batch, heads, queries, keys, channels }: Sizes,
  [q, k, v]: readonly ArrayLike<number>[],
  masked: Masked = () => false,
): number[] {
  const at = (b: number, h: number, t: number, time: number) => ((b * heads + h) * time + t) * channels;
  return tabulate([batch, heads, queries], (b, h, i) => 0 * (b + h + i)).flatMap((_, row) => {
    const [i, h, b] = [row % queries, Math.floor(row / queries) % heads, Math.floor(row / (queries * heads))];
    const scores = Array.from({ length: keys }, (_, j) => {
      if (masked(b, h, i, j)) return 0;
      let score = 0;
      for (let d = 0; d < channels; d++) score += q[at(b, h, i, queries) + d] * k[at(b, h, j, keys) + d];
      return Math.exp(score / Math.sqrt(channels));
    });
    const total = scores.reduce((a, b) => a + b, 0) || 1;
    return Array.from(
      { length: channels },
      (_, d) => scores.reduce((sum, s, j) => sum + s / total * v[at(b, h, j, keys) + d], 0),
    );
  });
}

function values({ batch, heads, queries, keys, channels }: Sizes): Float32Array<ArrayBuffer>[] {
  return [queries, keys, keys].map((time, i) => sequence(i, batch * heads * time * channels, -2, 2));
}

const shapes = ({ batch, heads, queries, keys, channels }: Sizes) =>
  [queries, keys, keys].map((time) => [batch, heads, time, channels]);

forEachVariant("attention of odd sizes", async () => {
  const base = { batch: 2, heads: 2, queries: 3, keys: 4, channels: 5 };
  for (
    const change of [{}, { queries: 1, keys: 1, channels: 1 }, { queries: 65, keys: 63 }, {
      batch: 1,
      keys: 257,
      channels: 64,
    }, { queries: 64, channels: 8 }]
  ) {
    const sizes = { ...base, ...change };
    const data = values(sizes);
    const [q, k, v] = shapes(sizes).map((shape, i) => tensor(data[i], { shape }));
    await assertClose(scaledDotProductAttention(q, k, v), plain(sizes, data), {
      name: JSON.stringify(change),
      shape: q.shape,
    });
  }
});

forEachVariant("attention reads every layout, and masks of every shape", async () => {
  const sizes = { batch: 2, heads: 2, queries: 3, keys: 4, channels: 5 };
  const data = values(sizes);
  const wanted = plain(sizes, data);
  const [qs, ks, vs] = shapes(sizes).map((shape, i) => layouts(data[i], shape));
  for (let i = 0; i < qs.length; i++) {
    await assertClose(scaledDotProductAttention(qs[i].x, ks[i].x, vs[i].x), wanted, { name: qs[i].name });
  }
  const [q, k, v] = [qs[0].x, ks[0].x, vs[0].x];
  const flags = Int32Array.of(0, 1, 0, 0, 1, 1, 1, 1);
  const byKey = tensor(flags, { shape: [2, 1, 1, 4] });
  await assertClose(
    scaledDotProductAttention(q, k, v, { mask: byKey }),
    plain(sizes, data, (b, _, __, j) => flags[4 * b + j] !== 0), // every key of the second is masked: zeros
    { name: "keys" },
  );
  const causal = tensor(Int32Array.from(tabulate([3, 4], (i, j) => Number(j > i))), { shape: [3, 4] });
  await assertClose(scaledDotProductAttention(q, k, v, { mask: causal }), plain(sizes, data, (_, __, i, j) => j > i), {
    name: "causal",
  });
});

forEachVariant("gradients of attention, with and without a mask, for gradients in any layout", async () => {
  const [q, k, v] = [drawn(1, [1, 2, 2, 3]), drawn(2, [1, 2, 3, 3]), drawn(3, [1, 2, 3, 3])];
  const mask = tensor(Int32Array.of(0, 0, 1), { shape: [1, 1, 1, 3] });
  await gradcheckLayouts((q, k, v) => scaledDotProductAttention(q, k, v), [q, k, v]);
  await gradcheck((q, k, v) => scaledDotProductAttention(q, k, v, { mask, scale: 0.3 }), [q, k, v]);
  await gradcheck(
    (q, k, v) => scaledDotProductAttention(q.transpose(2, 3), k.transpose(2, 3), v.flip([2, 3]).transpose(2, 3)),
    [
      drawn(4, [1, 1, 2, 3]),
      drawn(5, [1, 1, 2, 2]),
      drawn(6, [1, 1, 2, 2]),
    ],
  );
});

/** The same as packedSelfAttention, by parts. */
function unpacked(qkv: Tensor, heads: number, mask: Tensor | null): Tensor {
  const [batch, time, width] = qkv.shape;
  const parts = qkv.chunk(3, 2).map((p) => p.reshape([batch, time, heads, width / 3 / heads]).transpose(1, 2));
  const out = scaledDotProductAttention(parts[0], parts[1], parts[2], { mask });
  return out.transpose(1, 2).reshape([batch, time, width / 3]);
}

forEachVariant("packed self-attention equals attention by parts, gradients too", async () => {
  const mask = tensor(Int32Array.of(0, 0, 0, 1, 0, 0, 1, 1), { shape: [2, 1, 1, 4] });
  for (const m of [null, mask]) {
    const [a, b] = [drawn(1, [2, 4, 18]).requireGrad(), drawn(1, [2, 4, 18]).requireGrad()];
    const [packed, parts] = [packedSelfAttention(a, 3, { mask: m }), unpacked(b, 3, m)];
    await assertClose(packed, await parts.data(), { shape: [2, 4, 6] });
    const gradient = drawn(2, [2, 4, 6]);
    packed.backward({ gradient });
    parts.backward({ gradient });
    await assertClose(a.grad!, await b.grad!.data());
  }
  await gradcheck((qkv) => packedSelfAttention(qkv.transpose(0, 1), 1).sum(), [drawn(3, [2, 2, 6])]);
});

forEachVariant("dropped attention weights are the same in forward and backward", async () => {
  const [q, k] = [drawn(1, [1, 1, 5, 4]), drawn(2, [1, 1, 7, 4])];
  const v = drawn(3, [1, 1, 7, 4]).requireGrad();
  const out = scaledDotProductAttention(q, k, v, { dropout: 0.5 });
  out.sum().backward();
  // out is linear in v: Σ out = Σ v · dv only if both saw the same weights
  const [total, slope, values] = [await out.sum().item(), await v.grad!.data(), await v.data()];
  const product = Array.from(values).reduce((sum, x, i) => sum + x * slope[i], 0);
  assert.ok(Math.abs(total - product) < 1e-4, `${total} and ${product}`);
  assert.ok(Math.abs(total - await scaledDotProductAttention(q, k, v).sum().item()) > 1e-3, "nothing was dropped");
});

Deno.test("errors of attention", () => {
  const q = tensor(new Float32Array(24), { shape: [1, 2, 3, 4] });
  assert.throws(() => scaledDotProductAttention(q, q.slice(3, 0, 2), q), {
    name: "TypeError",
    message:
      "Cannot attend from [1, 2, 3, 4] to [1, 2, 3, 2] and [1, 2, 3, 4]: expected [batch, heads, time, channels]",
  });
  assert.throws(() => scaledDotProductAttention(q, q, q, { mask: tensor([1]) }), {
    name: "TypeError",
    message: "Cannot mask [1, 2, 3, 3] by float32 [1]: expected int32 that broadcasts to it",
  });
  assert.throws(() => scaledDotProductAttention(q, q, q, { dropout: 1 }), {
    name: "RangeError",
    message: "Cannot drop out with probability 1: expected 0 <= p < 1",
  });
  assert.throws(() => packedSelfAttention(tensor(new Float32Array(8), { shape: [1, 1, 8] }), 2), {
    message: "Cannot split [1, 1, 8] into queries, keys and values of 2 heads",
  });
});
