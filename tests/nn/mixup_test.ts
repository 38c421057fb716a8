import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { betaQuantiles } from "../../nn/beta_quantiles.ts";
import { mixedLoss, Mixup } from "../../nn/mod.ts";
import {
  capture,
  cat,
  crossEntropy,
  manualSeed,
  ones,
  randn,
  setRandomState,
  type Tensor,
  tensor,
  zeros,
} from "../../tensor/mod.ts";
import { cpuDevice } from "../../tensor/device/current.ts";
import { tabulate } from "../close.ts";
import { forEachDevice, onWebGpu } from "../devices.ts";
import { assertClose } from "./close.ts";

const ints = (values: readonly number[]) => tensor(Int32Array.from(values));
const count = (batch: number) => ints(Array.from({ length: batch }, (_, b) => b));

forEachDevice("shares have the mean, deviation and quantiles of Beta(α, α)", async () => {
  const batch = 20000;
  for (const alpha of [0.2, 1, 8]) {
    const mixed = new Mixup({ alpha }).forward(zeros([batch, 1]), count(batch));
    const shares = Array.from(await mixed.lambda.data());
    ok(shares.every((share) => share >= 0 && share <= 1));
    const mean = shares.reduce((sum, share) => sum + share, 0) / batch;
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / batch;
    const wanted = 1 / (4 * (2 * alpha + 1));
    ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(wanted / batch), `alpha ${alpha}: mean ${mean}`);
    ok(Math.abs(variance / wanted - 1) < 0.04, `alpha ${alpha}: variance ${variance}, wanted ${wanted}`);
    betaQuantiles(alpha, 10).slice(1, -1).forEach((quantile, i) => {
      const [p, below] = [(i + 1) / 10, shares.filter((share) => share <= quantile).length / batch];
      ok(Math.abs(below - p) < 5 * Math.sqrt(p * (1 - p) / batch), `alpha ${alpha}: ${below} below the ${p} quantile`);
    });
  }
});

forEachDevice("a sample is blended with its partner by a share of its own", async () => {
  const batch = 5;
  const [mixup, labels] = [new Mixup({ alpha: 1 }), ints([10, 11, 12, 13, 14])];
  const one = tensor(tabulate([batch, batch], (b, k) => Number(b === k))).reshape([batch, 1, batch]); // shows who is in it
  for (let step = 0; step < 10; step++) {
    const mixed = mixup.forward(one, labels);
    strictEqual(mixed.labels, labels);
    strictEqual(mixed.lengths, null);
    const [shares, partners] = [await mixed.lambda.data(), await mixed.partners.data()];
    strictEqual(new Set(shares).size, batch);
    const blend = (b: number, k: number) => b === k ? shares[b] : k === partners[b] - 10 ? 1 - shares[b] : 0;
    await assertClose(mixed.x, tabulate([batch, batch], blend), 1e-6);
  }
});

forEachDevice("partners stand equally often at each distance, and no sample is its own", async () => {
  const [batch, steps] = [5, 400];
  const [mixup, x, labels] = [new Mixup(), zeros([batch, 1]), count(batch)];
  const all = await cat(Array.from({ length: steps }, () => mixup.forward(x, labels).partners)).data();
  const far = new Array<number>(batch).fill(0);
  for (let step = 0; step < steps; step++) {
    const distances = Array.from({ length: batch }, (_, b) => (all[step * batch + b] - b + batch) % batch);
    strictEqual(new Set(distances).size, 1);
    far[distances[0]]++;
  }
  strictEqual(far[0], 0);
  for (const times of far.slice(1)) ok(Math.abs(times - steps / 4) < 45, `partners at 1 … 4: ${far}`);
});

forEachDevice("a pair is as long as its longer sample, and silent or as padded where one has ended", async () => {
  const x = tensor([[[1], [2], [-9]], [[4], [-9], [-9]]]);
  const [labels, lengths] = [ints([0, 1]), ints([2, 1])];
  for (const silence of [null, -20]) {
    const mixed = new Mixup({ alpha: 1, silence }).forward(x, labels, lengths);
    const [a, b] = await mixed.lambda.data();
    const quiet = silence ?? -9;
    const blend = (share: number, own: number, other: number) => share * own + (1 - share) * other;
    const wanted = [blend(a, 1, 4), blend(a, 2, quiet), quiet, blend(b, 4, 1), blend(b, quiet, 2), quiet];
    await assertClose(mixed.x, wanted, 1e-5);
    deepStrictEqual([...await mixed.lengths!.data()], [2, 2]);
    deepStrictEqual([...await mixed.partners.data()], [1, 0]);
  }
});

forEachDevice("evaluation mixes nothing, and a batch of one nothing but itself", async () => {
  const [x, labels, lengths] = [randn([3, 4, 2]), ints([2, 0, 1]), ints([4, 3, 1])];
  const mixed = new Mixup({ silence: 5 }).eval().forward(x, labels, lengths);
  deepStrictEqual([mixed.x, mixed.labels, mixed.partners, mixed.lengths], [x, labels, labels, lengths]);
  await assertClose(mixed.lambda, [1, 1, 1], 0);
  const single = new Mixup({ alpha: 1 }).forward(x.slice(0, 0, 1), ints([2]), ints([4]));
  await assertClose(single.x, x.slice(0, 0, 1), 1e-6);
  deepStrictEqual([...await single.partners.data()], [2]);
  deepStrictEqual([...await single.lengths!.data()], [4]);
});

forEachDevice("a captured step mixes anew each time, as the eager one does from the same random state", async () => {
  const mixup = new Mixup({ alpha: 0.4, silence: -1 });
  const [x, labels, lengths] = [randn([6, 5, 3]), count(6), ints([5, 4, 3, 2, 1, 5])];
  const once = (x: Tensor, labels: Tensor, lengths: Tensor) => {
    const mixed = mixup.forward(x, labels, lengths);
    return [mixed.x, mixed.partners, mixed.lambda, mixed.lengths!] as const;
  };
  const step = capture(once);
  const run = async (call: typeof once) => {
    setRandomState({ seed: 2, calls: 10 });
    const results = [];
    for (let k = 0; k < 3; k++) {
      results.push(await Promise.all(call(x, labels, lengths).map(async (t) => Array.from(await t.data()))));
    }
    return results;
  };
  const [replayed, eager] = [await run(step), await run(once)];
  for (let k = 0; k < 3; k++) {
    for (let part = 0; part < 4; part++) await assertClose(tensor(replayed[k][part]), eager[k][part], 1e-6);
  }
  notDeepStrictEqual(replayed[0][2], replayed[1][2]);
  deepStrictEqual([step.recordings, step.kernels], [1, 12]); // two of them write the silence
});

onWebGpu("both devices mix alike", async (device) => {
  const values = await randn([7, 6], { device: cpuDevice() }).data();
  const mix = async (on: typeof device | ReturnType<typeof cpuDevice>) => {
    manualSeed(5);
    const labels = tensor(Int32Array.of(6, 5, 4, 3, 2, 1, 0), { device: on });
    const mixed = new Mixup().forward(tensor(values, { shape: [7, 6], device: on }), labels);
    return [await mixed.partners.data(), await mixed.lambda.data(), await mixed.x.data()];
  };
  const [gpu, cpu] = [await mix(device), await mix(cpuDevice())];
  deepStrictEqual(gpu[0], cpu[0]);
  await assertClose(tensor([...gpu[1]]), cpu[1], 1e-6);
  await assertClose(tensor([...gpu[2]]), cpu[2], 1e-5);
});

forEachDevice("the loss of a mixed batch weighs both labels, and trains what made the logits", async () => {
  const logits = randn([4, 3], { requiresGrad: true });
  const mixed = new Mixup({ alpha: 1 }).forward(zeros([4, 2]), ints([0, 1, 2, 0]));
  const loss = mixedLoss(mixed, (labels) => crossEntropy(logits, labels, { reduction: "none" }));
  const [scores, shares] = [await logits.logSoftmax().data(), await mixed.lambda.data()];
  const [labels, partners] = [await mixed.labels.data(), await mixed.partners.data()];
  const each = Array.from(
    shares,
    (share, b) => -share * scores[3 * b + labels[b]] - (1 - share) * scores[3 * b + partners[b]],
  );
  await assertClose(loss, [each.reduce((sum, v) => sum + v, 0) / 4], 1e-5);
  loss.backward();
  const target = tabulate(
    [4, 3],
    (b, c) => shares[b] * Number(labels[b] === c) + (1 - shares[b]) * Number(partners[b] === c),
  );
  await assertClose(logits.grad!, logits.detach().softmax().sub(tensor(target).reshape([4, 3])).mul(0.25), 1e-5);
});

Deno.test("errors of Mixup, and how it prints", () => {
  for (const alpha of [0, -1, 1001, NaN]) {
    const message = `Cannot mix with alpha ${alpha}: expected 0 < alpha <= 1000`;
    throws(() => new Mixup({ alpha }), { name: "RangeError", message });
  }
  throws(() => new Mixup({ silence: -Infinity }), {
    name: "RangeError",
    message: "Cannot mix with silence -Infinity: expected a finite number or null",
  });
  const device = cpuDevice();
  const [mixup, x] = [new Mixup(), ones([2, 3, 4], { device })];
  const labels = tensor(Int32Array.of(1, 2), { device });
  throws(() => mixup.forward(x, ones([2], { device })), {
    name: "TypeError",
    message: "Cannot mix [2, 3, 4] with labels float32 [2]: expected int32 [2]",
  });
  throws(() => mixup.forward(x, labels.slice(0, 0, 1)), {
    name: "TypeError",
    message: "Cannot mix [2, 3, 4] with labels int32 [1]: expected int32 [2]",
  });
  throws(() => mixup.forward(x, labels, tensor(Int32Array.of(1, 2, 3), { device })), {
    name: "TypeError",
    message: "Cannot mix [2, 3, 4] with lengths int32 [3]: expected int32 [2]",
  });
  throws(() => mixup.forward(ones([2], { device }), labels), {
    name: "TypeError",
    message: "Cannot mix float32 [2]: expected float32 [batch, time, …]",
  });
  strictEqual(String(new Mixup({ alpha: 0.4 })), "Mixup(alpha=0.4)");
});
