import assert from "node:assert/strict";
import { lengthMask, MultiheadAttention } from "../../nn/mod.ts";
import { ones, randn, type Tensor, tensor } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose, distance } from "./close.ts";

/** Query, key and value as three tensors of the same values, so that nothing is projected in one piece. */
function apart(x: Tensor): [Tensor, Tensor, Tensor] {
  return [x.mul(1), x.mul(1), x.mul(1)];
}

/** Attention written out with matrix products. */
function plain(attention: MultiheadAttention, x: Tensor, hidden: Tensor | null): Tensor {
  const { in_proj_weight, in_proj_bias, out_proj, numHeads } = attention;
  const [batch, time, dim] = x.shape;
  const channels = dim / numHeads;
  const [q, k, v] = [0, 1, 2].map((part) => {
    const rows = (t: Tensor) => t.slice(0, part * dim, (part + 1) * dim);
    const all = x.matmul(rows(in_proj_weight).transpose(0, 1)).add(rows(in_proj_bias!));
    return all.reshape([batch, time, numHeads, channels]).permute([0, 2, 1, 3]);
  });
  const scores = q.matmul(k.transpose(2, 3)).div(Math.sqrt(channels));
  const weights = (hidden === null ? scores : scores.maskedFill(hidden, -1e30)).softmax(-1);
  return out_proj.forward(weights.matmul(v).permute([0, 2, 1, 3]).reshape([batch, time, dim]));
}

forEachDevice("Parameters have PyTorch's names, shapes and initial values", async () => {
  const attention = new MultiheadAttention(12, 3);
  assert.deepEqual(attention.namedParameters().map(([name, { shape }]) => [name, shape]), [
    ["in_proj_weight", [36, 12]],
    ["in_proj_bias", [36]],
    ["out_proj.weight", [12, 12]],
    ["out_proj.bias", [12]],
  ]);
  await assertClose(attention.in_proj_bias!, new Float32Array(36), 0);
  await assertClose(attention.out_proj.bias!, new Float32Array(12), 0);
  const bound = async (t: Tensor, wanted: number) => {
    const largest = await t.abs().amax().item();
    assert.ok(largest <= wanted * 1.000001 && largest > 0.95 * wanted, `largest is ${largest}, wanted ${wanted}`);
  };
  await bound(attention.in_proj_weight, Math.sqrt(6 / 48));
  await bound(attention.out_proj.weight, 1 / Math.sqrt(12));
  const bare = new MultiheadAttention(12, 3, { bias: false });
  assert.deepEqual(bare.namedParameters().map(([name]) => name), ["in_proj_weight", "out_proj.weight"]);
});

forEachDevice("Self-attention, with every kind of mask, equals attention written out", async () => {
  const attention = new MultiheadAttention(8, 2);
  const x = randn([2, 5, 8]);
  const keyPaddingMask = lengthMask(tensor(Int32Array.of(5, 3)), 5);
  const attnMask = ones([5, 5], { dtype: "int32" }).triu(1); // no looking ahead
  const padding = keyPaddingMask.reshape([2, 1, 1, 5]);
  const cases = [
    [{}, null],
    [{ keyPaddingMask }, padding],
    [{ attnMask }, attnMask],
    [{ keyPaddingMask, attnMask }, padding.maximum(attnMask)],
  ] as const;
  for (const [masks, hidden] of cases) {
    const wanted = plain(attention, x, hidden);
    await assertClose(attention.forward(x, x, x, masks), wanted, 1e-5, `packed, ${Object.keys(masks)}`);
    await assertClose(attention.forward(...apart(x), masks), wanted, 1e-5, `apart, ${Object.keys(masks)}`);
  }
});

forEachDevice("Projected apart, parameters and inputs get the gradients of the packed form", async () => {
  const attention = new MultiheadAttention(6, 3);
  const x = randn([2, 4, 6], { requiresGrad: true });
  const cotangent = randn([2, 4, 6]);
  const gradients = (inputs: [Tensor, Tensor, Tensor]): Tensor[] => {
    const leaves = [x, ...attention.parameters()];
    for (const leaf of leaves) leaf.grad = null;
    attention.forward(...inputs).mul(cotangent).sum().backward();
    return leaves.map((leaf) => leaf.grad!);
  };
  const packed = gradients([x, x, x]);
  const separate = gradients(apart(x));
  for (const [i, grad] of packed.entries()) await assertClose(separate[i], grad, 2e-5, `gradient ${i}`);
});

forEachDevice("Cross-attention has as many rows as queries and ignores hidden keys", async () => {
  const attention = new MultiheadAttention(8, 4);
  const [query, memory] = [randn([2, 3, 8]), randn([2, 6, 8])];
  const keyPaddingMask = lengthMask(tensor(Int32Array.of(4, 4)), 6);
  const y = attention.forward(query, memory, memory, { keyPaddingMask });
  assert.deepEqual(y.shape, [2, 3, 8]);
  const short = memory.slice(1, 0, 4);
  await assertClose(y, attention.forward(query, short, short), 1e-5);
});

forEachDevice("Attention weights drop out while training only", async () => {
  const attention = new MultiheadAttention(8, 2, { dropout: 0.5 });
  const x = randn([2, 5, 8]);
  assert.ok(await distance(attention.forward(x, x, x), attention.forward(x, x, x)) > 1e-3);
  attention.eval();
  assert.equal(await distance(attention.forward(x, x, x), attention.forward(x, x, x)), 0);
});

Deno.test("Heads that do not divide the channels, and lengths that are none, are refused", () => {
  assert.throws(() => new MultiheadAttention(10, 3), {
    name: "RangeError",
    message: "Cannot split 10 channels into 3 heads: 3 is no divisor",
  });
  for (const heads of [0, -5, 2.5]) {
    assert.throws(() => new MultiheadAttention(10, heads), {
      name: "RangeError",
      message: `Cannot split 10 channels into ${heads} heads: expected a whole number from 1`,
    });
  }
  assert.throws(() => lengthMask(tensor([3, 4]), 5), {
    name: "TypeError",
    message: "Cannot mask by lengths float32 [2]: expected int32 [batch]",
  });
});
