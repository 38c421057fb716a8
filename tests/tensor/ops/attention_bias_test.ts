/** Attention with biases and gates through the public API; kernels' variants are tested in attention_wgsl_test.ts. */
import assert from "node:assert/strict";
import {
  capture,
  manualSeed,
  memory,
  packedSelfAttention,
  relativeShift,
  scaledDotProductAttention,
  type Tensor,
  tensor,
  toeplitz,
} from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice, forEachVariant, onCpu } from "../../devices.ts";
import { drawn, gradcheck } from "../../gradcheck.ts";

interface Options {
  readonly bias: Tensor;
  readonly gate?: Tensor;
  readonly mask?: Tensor;
}

/** The formula by other ops, all scores in memory. */
function plain(q: Tensor, k: Tensor, v: Tensor, { bias, gate, mask }: Options): Tensor {
  const biases = gate === undefined ? bias : gate.unsqueeze(-1).mul(bias);
  const scores = q.matmul(k.transpose(2, 3)).mul(1 / Math.sqrt(q.shape[3])).add(biases);
  const weights = mask ? scores.maskedFill(mask, -1e30).softmax().maskedFill(mask, 0) : scores.softmax();
  return weights.matmul(v);
}

/** Output of `attend` and the gradients of all inputs, read. */
async function results(inputs: readonly Tensor[], attend: (...inputs: Tensor[]) => Tensor): Promise<Tensor[]> {
  const leaves = inputs.map((x) => x.detach().requireGrad());
  const out = attend(...leaves);
  out.backward({ gradient: drawn(9, out.shape) });
  await out.data();
  return [out, ...leaves.map((leaf) => leaf.grad!)];
}

forEachVariant("attention with gated biases by distance equals other ops, gradients of all five included", async () => {
  for (const [batch, heads, time, channels] of [[2, 1, 1, 4], [2, 3, 65, 4]]) {
    const inputs = [
      ...[1, 2, 3].map((seed) => drawn(seed, [batch, heads, time, channels], -2, 2)),
      drawn(4, [heads, 2 * time - 1], -2, 2),
      drawn(5, [batch, heads, time], 0, 3),
    ];
    const masked = tabulate([batch, 1, 1, time], (b, _, __, j) => Number(j > 0 && j >= time - 7 * b));
    const mask = tensor(Int32Array.from(masked), { shape: [batch, 1, 1, time] });
    for (const options of time === 1 ? [{}] : [{ mask }]) {
      const by = (attend: typeof plain) =>
        results(inputs, (q, k, v, table, gate) => attend(q, k, v, { bias: toeplitz(table), gate, ...options }));
      const [ours, wanted] = [await by(scaledDotProductAttention), await by(plain)];
      for (let i = 0; i < ours.length; i++) {
        await assertClose(ours[i], await wanted[i].data(), { name: `${i} of time ${time}`, tolerance: 1e-4 });
      }
    }
  }
});

forEachDevice("biases and gates of all shapes and layouts have gradients", async () => {
  const [q, k, v] = [drawn(1, [2, 2, 2, 2]), drawn(2, [2, 2, 3, 2]), drawn(3, [2, 2, 3, 2])];
  const attend = (bias: Tensor, gate?: Tensor) => scaledDotProductAttention(q, k, v, { bias, gate });
  const wanted = async (bias: Tensor, gate?: Tensor) =>
    await assertClose(attend(bias, gate), await plain(q, k, v, { bias, gate }).data(), { name: String(bias.shape) });
  for (const shape of [[3], [2, 1], [2, 1, 3], [1, 2, 2, 3], [2, 1, 1, 3], [2, 2, 2, 3]]) {
    await wanted(drawn(4, shape));
    await gradcheck((bias) => attend(bias), [drawn(4, shape)]);
  }
  for (const shape of [[1], [2], [2, 1, 2], [2, 2, 2]]) {
    await wanted(drawn(4, [2, 2, 3]), drawn(5, shape));
    await gradcheck((bias, gate) => attend(bias, gate), [drawn(4, [2, 2, 3]), drawn(5, shape)]);
  }
  const views = (bias: Tensor, gate: Tensor) => attend(bias.transpose(0, 2).flip(1), gate.transpose(0, 2).slice(2, 1));
  await wanted(drawn(6, [3, 2, 2]).transpose(0, 2).flip(1), drawn(7, [3, 2, 2]).transpose(0, 2).slice(2, 1));
  await gradcheck(views, [drawn(6, [3, 2, 2]), drawn(7, [3, 2, 2])]);
});

forEachDevice("packed self-attention takes biases and gates, and only wanted gradients are made", async () => {
  const [qkv, table, gate] = [drawn(1, [2, 5, 12]), drawn(2, [2, 9]), drawn(3, [2, 2, 5])];
  const parts = (x: Tensor) => x.chunk(3, 2).map((p) => p.reshape([2, 5, 2, 2]).transpose(1, 2));
  const inputs = [qkv, table, gate];
  const ours = await results(
    inputs,
    (x, table, gate) => packedSelfAttention(x, 2, { bias: toeplitz(table), gate }),
  );
  const wanted = await results(inputs, (x, table, gate) => {
    const [q, k, v] = parts(x);
    return plain(q, k, v, { bias: toeplitz(table), gate }).transpose(1, 2).reshape([2, 5, 4]);
  });
  for (let i = 0; i < ours.length; i++) await assertClose(ours[i], await wanted[i].data(), { name: `result ${i}` });
  for (const wish of [0, 1, 2]) {
    const leaves = inputs.map((x, i) => i === wish ? x.detach().requireGrad() : x.detach());
    packedSelfAttention(leaves[0], 2, { bias: toeplitz(leaves[1]), gate: leaves[2] }).backward({
      gradient: drawn(9, [2, 5, 4]),
    });
    await assertClose(leaves[wish].grad!, await ours[1 + wish].data(), { name: `only gradient ${wish}` });
    assert.deepEqual(leaves.map(({ grad }) => grad !== null), [0, 1, 2].map((i) => i === wish));
  }
});

forEachDevice("a captured step with biases, gates and dropout does what eager ones do, replay by replay", async () => {
  const leaves = [drawn(1, [2, 2, 9, 4]), drawn(2, [2, 17]), drawn(3, [2, 2, 9])].map((x) => x.requireGrad());
  const step = (scale: Tensor) => {
    const [x, table, gate] = leaves;
    for (const leaf of leaves) leaf.grad = null;
    const out = scaledDotProductAttention(x.mul(scale), x, x, { bias: toeplitz(table), gate, dropout: 0.3 });
    out.square().sum().backward();
    return [out, ...leaves.map((leaf) => leaf.grad!)];
  };
  const run = async (make: (scale: Tensor) => Tensor[]) => {
    manualSeed(5);
    const steps: ArrayLike<number>[] = [];
    for (const scale of [1, 0.5, 2]) {
      for (const t of make(tensor([scale]))) steps.push(await t.data());
    }
    return steps;
  };
  const captured = capture(step);
  const [eager, replayed] = [await run(step), await run(captured)];
  for (let i = 0; i < eager.length; i++) await assertClose(tensor(Array.from(replayed[i])), eager[i], { name: `${i}` });
  assert.notDeepEqual(eager[0], eager[4], "every step drops others");
  captured.dispose();
});

onCpu("attention with biases keeps nothing of the size of all scores", (device) => {
  const x = drawn(1, [4, 2, 128, 4]).requireGrad();
  const [table, gate] = [drawn(2, [2, 255]).requireGrad(), drawn(3, [4, 2, 128]).requireGrad()];
  const before = memory(device).used;
  const out = scaledDotProductAttention(x, x, x, { bias: toeplitz(table), gate });
  const kept = memory(device).used - before;
  assert.ok(kept < 3 * out.size * 4, `${kept} bytes kept, all scores are ${4 * 2 * 128 * 128 * 4}`);
});

forEachDevice("toeplitz is a view by distance whose gradient is the sum over each diagonal", async (device) => {
  const table = drawn(1, [2, 9]).requireGrad();
  const before = memory(device).buffers;
  const square = toeplitz(table);
  assert.equal(memory(device).buffers, before, "no memory of its own");
  const values = await table.data();
  await assertClose(square, tabulate([2, 5, 5], (h, i, j) => values[9 * h + 4 + j - i]), { shape: [2, 5, 5] });
  const weights = drawn(2, [2, 5, 5]);
  square.mul(weights).sum().backward();
  const w = await weights.data();
  const diagonals = tabulate(
    [2, 9],
    (h, n) => tabulate([5, 5], (i, j) => (j - i === n - 4 ? w[25 * h + 5 * i + j] : 0)).reduce((a, b) => a + b),
  );
  await assertClose(table.grad!, diagonals);
  await gradcheck((t) => toeplitz(t.transpose(0, 1)), [drawn(3, [5, 2])]);
  await gradcheck((t) => relativeShift(t.transpose(0, 1)).mul(drawn(5, [2, 3, 3])), [drawn(4, [3, 2, 5])]);
  await assertClose(toeplitz(tensor([7])), [7], { shape: [1, 1] });
});

Deno.test("errors of biases and gates", () => {
  const q = tensor(new Float32Array(24), { shape: [1, 2, 3, 4] });
  const [bias, gate] = [tensor(new Float32Array(9), { shape: [3, 3] }), tensor(new Float32Array(3))];
  const attend = (options: { bias?: Tensor; gate?: Tensor }) => () => scaledDotProductAttention(q, q, q, options);
  assert.throws(attend({ gate }), {
    name: "TypeError",
    message: "Cannot gate attention without a bias: pass { bias } as well",
  });
  assert.throws(attend({ bias: bias.toInt() }), {
    name: "TypeError",
    message: "Cannot bias [1, 2, 3, 3] by int32 [3, 3]: expected float32 that broadcasts to it",
  });
  assert.throws(attend({ bias: tensor(new Float32Array(18), { shape: [2, 1, 1, 3, 3] }) }), {
    message: "Cannot bias [1, 2, 3, 3] by float32 [2, 1, 1, 3, 3]: expected float32 that broadcasts to it",
  });
  assert.throws(attend({ bias, gate: bias.unsqueeze(0).slice(2, 0, 2) }), {
    name: "TypeError",
    message: "Cannot gate [1, 3, 2] and [1, 2, 3]: axis 1 is 3 and 2, and neither is 1",
  });
  assert.throws(() => toeplitz(tensor(new Float32Array(8), { shape: [2, 4] })), {
    name: "TypeError",
    message: "Cannot make a Toeplitz matrix of [2, 4]: expected […, 2 · time − 1], an odd last axis",
  });
  assert.throws(() => relativeShift(bias), {
    name: "TypeError",
    message: "Cannot shift [3, 3] by distance: expected […, time, 2 · time − 1]",
  });
});
