import assert from "node:assert/strict";
import { batchNorm, type BatchNormOptions, capture, noGrad, type Tensor, tensor, zeros } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice, forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";
import { batchNormOracle } from "./batch_norm_oracle.ts";

/** x (batch, channels, …) with the same values, as a transposed view of (batch, …, channels). */
async function channelsLast(x: Tensor): Promise<Tensor> {
  const last = [0, ...x.shape.slice(2).map((_, i) => i + 2), 1];
  const back = last.map((_, axis) => last.indexOf(axis));
  const moved = x.permute(last);
  return tensor(await moved.data() as Float32Array<ArrayBuffer>, { shape: moved.shape }).permute(back);
}

/** Result, gradients and running statistics of one training call. */
function train(x: Tensor, g: Tensor, options: BatchNormOptions) {
  const [leaf, weight, bias] = [x.detach(), options.weight!.detach(), options.bias!.detach()].map((t) =>
    t.requireGrad()
  );
  const y = batchNorm(leaf, { ...options, weight, bias, training: true });
  y.backward({ gradient: g });
  return { y, dx: leaf.grad!, dWeight: weight.grad!, dBias: bias.grad! };
}

type Case = readonly [shape: readonly [number, number, number, number], lengths?: readonly number[]];

const cases: readonly Case[] = [
  ...[1, 63, 64, 65, 257].map((n): Case => [[3, 5, 1, n]]),
  ...[1, 63, 64, 65, 257].map((n): Case => [[2, n, 1, 7]]),
  ...[63, 257].map((n): Case => [[3, 5, 1, n], [n, 1, n - 2]]),
  [[3, 70, 1, 9], [9, 0, 4]],
  [[2, 3, 5, 7]],
  [[2, 3, 5, 7], [3, 7]],
  [[2, 3, 70, 130]],
  [[4, 2, 1, 3000], [3000, 20, 2999, 1025]],
];

forEachVariant("batchNorm in training equals plain loops for odd sizes, both memory orders and lengths", async () => {
  for (const [shape, lengths] of cases) {
    const [batch, channels, lines, time] = shape;
    const size = batch * channels * lines * time;
    const [x, g] = [sequence(size, size, -1, 3), sequence(size + 1, size)];
    const [weight, bias] = [sequence(3, channels, 0.5, 2), sequence(4, channels)];
    const wanted = batchNormOracle({ shape, x, g, weight, bias, lengths });
    const real = lines === 1 ? [batch, channels, time] : shape;
    const plain = tensor(x, { shape: real });
    for (const [order, input] of [["second", plain], ["last", await channelsLast(plain)]] as const) {
      const name = `[${shape}] lengths ${lengths}, channels ${order}`;
      const [runningMean, runningVar] = [tensor(sequence(5, channels)), tensor(sequence(6, channels, 1, 2))];
      const before = [await runningMean.data(), await runningVar.data()];
      const got = train(input, tensor(g, { shape: real }), {
        ...{ weight: tensor(weight), bias: tensor(bias), runningMean, runningVar, momentum: 0.3 },
        lengths: lengths ? tensor(Int32Array.from(lengths)) : null,
      });
      if (channels > 1 && time > 1) assert.deepEqual(got.y.strides, input.strides, name);
      await assertClose(got.y, wanted.y, { name: `${name}: y`, shape: real });
      await assertClose(got.dx, wanted.dx, { name: `${name}: dx` });
      await assertClose(got.dWeight, wanted.dWeight, { name: `${name}: dWeight`, tolerance: 1e-4 });
      await assertClose(got.dBias, wanted.dBias, { name: `${name}: dBias`, tolerance: 1e-4 });
      const moved = (old: ArrayLike<number>, now: Float64Array) => now.map((v, c) => old[c] + 0.3 * (v - old[c]));
      await assertClose(runningMean, moved(before[0], wanted.means), { name: `${name}: runningMean` });
      await assertClose(runningVar, moved(before[1], wanted.variances), { name: `${name}: runningVar` });
    }
  }
});

forEachDevice("batchNorm of (batch, channels) and of every memory layout", async () => {
  const values = sequence(1, 6 * 63);
  const [weight, bias] = [new Float32Array(63).fill(1), new Float32Array(63)];
  const wanted = batchNormOracle({ shape: [6, 63, 1, 1], x: values, g: values, weight, bias });
  for (const { name, x } of layouts(values, [6, 63])) {
    await assertClose(batchNorm(x, { training: true }), wanted.y, { name, shape: [6, 63] });
  }
  const three = batchNormOracle({ shape: [6, 9, 1, 7], x: values, g: values, weight, bias });
  for (const { name, x } of layouts(values, [6, 9, 7])) {
    await assertClose(batchNorm(x, { training: true }), three.y, { name, shape: [6, 9, 7] });
  }
});

forEachVariant(
  "gradients of batchNorm for x, weight and bias, in training and evaluation, with and without lengths",
  async () => {
    const [x, weight, bias] = [drawn(1, [3, 2, 4], -3, 3), drawn(2, [2], 0.5, 1.5), drawn(3, [2])];
    const [runningMean, runningVar] = [drawn(4, [2]), drawn(5, [2], 1, 2)];
    for (const lengths of [null, tensor(Int32Array.of(4, 1, 3))]) {
      const training = { training: true, lengths };
      await gradcheckLayouts((x, weight, bias) => batchNorm(x, { weight, bias, ...training }), [x, weight, bias]);
      await gradcheck((x) => batchNorm(x, training), [x]);
      await gradcheck((weight) => batchNorm(x, { weight, ...training }), [weight]);
      const evaluation = { runningMean, runningVar, lengths };
      await gradcheckLayouts((x, weight, bias) => batchNorm(x, { weight, bias, ...evaluation }), [x, weight, bias]);
      await gradcheck((bias) => batchNorm(x, { bias, ...evaluation }), [bias]);
      await gradcheck((x) => batchNorm(x.transpose(1, 2), training), [drawn(1, [3, 4, 2])]);
    }
    const image = drawn(6, [2, 2, 2, 3]);
    await gradcheck((x) => batchNorm(x, { weight, training: true, lengths: tensor(Int32Array.of(2, 3)) }), [image]);
  },
);

forEachDevice(
  "statistics of a padded batch are those of its utterances joined, and padding is 0 with gradient 0",
  async () => {
    const lengths = [5, 1, 9];
    const utterances = lengths.map((n, i) => sequence(i, 4 * n, -1, 2));
    const padded = (lists: readonly ArrayLike<number>[], fill: number) =>
      tensor(tabulate([3, 4, 9], (n, c, t) => t < lengths[n] ? lists[n][c * lengths[n] + t] : fill), {
        shape: [3, 4, 9],
      });
    const joined = tabulate([4, 15], (c, k) => {
      const [n, t] = k < 5 ? [0, k] : k < 6 ? [1, 0] : [2, k - 6];
      return utterances[n][c * lengths[n] + t];
    });
    const running = () => ({ runningMean: zeros([4]), runningVar: zeros([4]) });
    const [one, other] = [running(), running()];
    const x = padded(utterances, 1e6).requireGrad();
    const y = batchNorm(x, { ...one, training: true, lengths: tensor(Int32Array.from(lengths)) });
    const whole = batchNorm(tensor(joined, { shape: [1, 4, 15] }), { ...other, training: true });
    await assertClose(one.runningMean, await other.runningMean.data());
    await assertClose(one.runningVar, await other.runningVar.data());
    const flat = await whole.data();
    const pick = (n: number, c: number, t: number) => flat[c * 15 + [0, 5, 6][n] + t];
    await assertClose(y, tabulate([3, 4, 9], (n, c, t) => t < lengths[n] ? pick(n, c, t) : 0));
    y.mul(drawn(9, [3, 4, 9])).sum().backward();
    const slopes = await x.grad!.data();
    tabulate([3, 4, 9], (n, c, t) => t < lengths[n] ? 0 : slopes[(n * 4 + c) * 9 + t]).forEach((v) =>
      assert.equal(v, 0)
    );
  },
);

forEachVariant("a large offset costs batchNorm no precision", async () => {
  const values = sequence(1, 3 * 2 * 500).map((v) => 1000 + v);
  const [weight, bias] = [[1, 1], [0, 0]];
  const wanted = batchNormOracle({ shape: [3, 2, 1, 500], x: values, g: values, weight, bias });
  const x = tensor(values, { shape: [3, 2, 500] });
  for (const input of [x, await channelsLast(x)]) {
    const runningVar = zeros([2]);
    const options = { runningMean: zeros([2]), runningVar, momentum: 1, training: true };
    await assertClose(batchNorm(input, options), wanted.y, { tolerance: 3e-4 }); // float32 holds 1000 to 6e-5
    await assertClose(runningVar, wanted.variances, { tolerance: 1e-4 });
  }
});

forEachVariant("running variances hold where the mean is 100,000 times the deviation", async () => {
  const values = sequence(1, 64 * 5 * 40).map((v) => 1e5 + 2 * v);
  const [weight, bias] = [[1, 1, 1, 1, 1], [0, 0, 0, 0, 0]];
  const wanted = batchNormOracle({ shape: [64, 5, 1, 40], x: values, g: values, weight, bias });
  const x = tensor(values, { shape: [64, 5, 40] });
  for (const input of [x, await channelsLast(x)]) {
    const runningVar = zeros([5]);
    batchNorm(input, { runningMean: zeros([5]), runningVar, momentum: 1, training: true });
    await assertClose(runningVar, wanted.variances, { tolerance: 5e-4 }); // blocks' means are rounded to 1/128
  }
});

forEachVariant("an element far off, the first of all, costs the others no precision", async () => {
  const values = sequence(1, 3 * 2 * 500).map((v, i) => i === 0 ? 1e4 : v);
  const [weight, bias] = [[1, 1], [0, 0]];
  const wanted = batchNormOracle({ shape: [3, 2, 1, 500], x: values, g: values, weight, bias });
  const x = tensor(values, { shape: [3, 2, 500] });
  for (const input of [x, await channelsLast(x)]) {
    await assertClose(batchNorm(input, { training: true }), wanted.y, { tolerance: 1e-5 });
  }
});

forEachDevice("no true frame gives 0, one gives the bias, and both leave running statistics as they are", async () => {
  const bias = tensor([3, -2]);
  for (const [lengths, wanted] of [[[0, 0], [0, 0]], [[0, 1], [3, -2]]] as const) {
    const [runningMean, runningVar] = [tensor([7, 8]), tensor([5, 6])];
    const x = drawn(1, [2, 2, 3]).requireGrad();
    const y = batchNorm(x, {
      runningMean,
      runningVar,
      bias,
      training: true,
      lengths: tensor(Int32Array.from(lengths)),
    });
    await assertClose(y, tabulate([2, 2, 3], (n, c, t) => n === 1 && t === 0 ? wanted[c] : 0));
    await assertClose(runningMean, [7, 8]);
    await assertClose(runningVar, [5, 6]);
    y.sum().backward();
    await assertClose(x.grad!, new Float32Array(12));
  }
});

forEachVariant(
  "a captured step moves running statistics in every replay, and copies nothing of either memory order",
  async () => {
    const kernels: number[] = [];
    for (const order of ["second", "last"]) {
      const running = () => ({
        runningMean: zeros([3]),
        runningVar: zeros([3]),
        numBatchesTracked: tensor(Int32Array.of(0)),
      });
      const [one, other] = [running(), running()];
      const weight = tensor([1, 2, 3], { requiresGrad: true });
      const turn = (x: Tensor) => order === "last" ? x.transpose(1, 2) : x;
      const step = (x: Tensor, o: BatchNormOptions) =>
        turn(batchNorm(turn(x), { ...o, weight, training: true })).relu();
      const replay = capture((x: Tensor) => step(x, one));
      for (let i = 0; i < 3; i++) {
        const x = drawn(i, order === "last" ? [2, 5, 3] : [2, 3, 5]);
        await assertClose(replay(x), await step(x, other).data() as Float32Array);
        await assertClose(one.runningMean, await other.runningMean.data());
        await assertClose(one.runningVar, await other.runningVar.data());
      }
      await assertClose(one.numBatchesTracked, [3], { tolerance: 0 });
      kernels.push(replay.kernels);
      replay.dispose();
    }
    assert.equal(kernels[0], kernels[1]);
  },
);

forEachDevice("a captured step with backward follows new lengths in every replay", async () => {
  const [weight, other] = [tensor([1, 2, 3]), tensor([1, 2, 3])].map((t) => t.requireGrad());
  const step = (x: Tensor, { lengths, weight }: { lengths: Tensor; weight: Tensor }) => {
    const y = batchNorm(x.transpose(1, 2), { weight, training: true, lengths });
    weight.grad = null;
    y.square().mul(x.transpose(1, 2)).sum().backward();
    return y;
  };
  const replay = capture((x: Tensor, lengths: Tensor) => step(x, { lengths, weight }));
  for (const [i, lengths] of [[5, 5], [1, 4], [0, 2]].entries()) {
    const [x, frames] = [drawn(i, [2, 5, 3]), tensor(Int32Array.from(lengths))];
    await assertClose(replay(x, frames), await step(x, { lengths: frames, weight: other }).data());
    await assertClose(weight.grad!, await other.grad!.data());
  }
  assert.equal(replay.recordings, 1);
  replay.dispose();
});

forEachDevice("noGrad stops gradients, not running statistics", async () => {
  const runningMean = zeros([2]);
  noGrad(() => batchNorm(tensor([[1, 2], [3, 4]]), { runningMean, runningVar: zeros([2]), training: true }));
  await assertClose(runningMean, [0.2, 0.3]);
});

Deno.test("errors of batchNorm", () => {
  const x = zeros([2, 3, 4]);
  const fails = (x: Tensor, options: BatchNormOptions, name: string, message: string) =>
    assert.throws(() => batchNorm(x, options), { name, message });
  const training = true;
  fails(
    zeros([1, 3]),
    { training },
    "RangeError",
    "Cannot batchNorm [1, 3] in training: one value a channel has no variance; use a larger batch, or eval()",
  );
  fails(x, {}, "TypeError", "Cannot batchNorm [2, 3, 4]: give both runningMean and runningVar, or { training: true }");
  fails(
    x,
    { training, runningMean: zeros([3]) },
    "TypeError",
    "Cannot batchNorm [2, 3, 4]: give both runningMean and runningVar, or { training: true }",
  );
  fails(
    x,
    { training, weight: zeros([4]) },
    "TypeError",
    "Cannot batchNorm [2, 3, 4]: weight is float32 [4], expected float32 [3]",
  );
  fails(
    x,
    { training, lengths: zeros([2]) },
    "TypeError",
    "Cannot batchNorm [2, 3, 4] with lengths float32 [2]: expected int32 [2]",
  );
  fails(
    zeros([2, 3]),
    { training, lengths: tensor(Int32Array.of(1, 1)) },
    "TypeError",
    "Cannot batchNorm [2, 3] with lengths int32 [2]: there is no time axis",
  );
  fails(zeros([3]), { training }, "TypeError", "Cannot batchNorm [3]: expected (batch, channels) and any further axes");
  const part = zeros([6]).slice(0, 3);
  fails(
    x,
    { training, runningMean: part, runningVar: zeros([3]) },
    "TypeError",
    "Cannot batchNorm into runningMean: it is a part of another tensor; give it memory of its own",
  );
});
