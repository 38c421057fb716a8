import assert from "node:assert/strict";
import { cpuDevice } from "../../tensor/device/current.ts";
import {
  dropout,
  manualSeed,
  rand,
  randn,
  randomState,
  scaledDotProductAttention,
  setRandomState,
  type Tensor,
  tensor,
  zeros,
} from "../../tensor/mod.ts";
import { assertClose } from "../close.ts";
import { forEachDevice, onWebGpu } from "../devices.ts";
import { drawn, gradcheck } from "../gradcheck.ts";
import { layouts } from "../layouts.ts";
import { randomBlock } from "./philox.ts";

const values = async (t: Tensor) => Array.from(await t.data());

forEachDevice("uniform numbers are Philox's words, odd sizes included", async () => {
  for (const n of [1, 63, 64, 65, 257]) {
    manualSeed(1234);
    const first = Array.from({ length: n }, (_, i) => randomBlock(i >> 4, 0, [1234, 0, 0, 0])[i & 15]);
    await assertClose(rand([n]), first, { tolerance: 0, name: `${n}` });
  }
});

forEachDevice("a seed gives the same numbers again, another seed or call gives others", async () => {
  manualSeed(5);
  const [a, b] = [await values(rand([20])), await values(rand([20]))];
  manualSeed(5);
  assert.deepEqual(await values(rand([20])), a);
  assert.notDeepEqual(a, b);
  manualSeed(6);
  assert.notDeepEqual(await values(rand([20])), a);
  manualSeed(5 + 2 ** 32);
  assert.notDeepEqual(await values(rand([20])), a);
});

forEachDevice("a saved state goes on where it was saved", async () => {
  manualSeed(7);
  rand([3]);
  const state = randomState();
  const next = await values(randn([9]));
  rand([5]);
  setRandomState(state);
  assert.deepEqual(await values(randn([9])), next);
  assert.equal(state.seed, 7);
});

forEachDevice("means and deviations of uniform and normal numbers", async () => {
  const n = 20000;
  const moments = async (t: Tensor) => {
    const list = await values(t);
    const mean = list.reduce((a, b) => a + b, 0) / n;
    return [mean, Math.sqrt(list.reduce((a, b) => a + (b - mean) ** 2, 0) / n), Math.min(...list), Math.max(...list)];
  };
  const [mean, deviation, low, high] = await moments(rand([n], { low: -1, high: 3 }));
  assert.ok(Math.abs(mean - 1) < 0.03 && Math.abs(deviation - 4 / Math.sqrt(12)) < 0.03, `${mean} ${deviation}`);
  assert.ok(low >= -1 && low < -0.99 && high < 3 && high > 2.99, `${low} ${high}`);
  const [center, width, least, most] = await moments(randn([n], { mean: 2, std: 0.5 }));
  assert.ok(Math.abs(center - 2) < 0.015 && Math.abs(width - 0.5) < 0.015, `${center} ${width}`);
  assert.ok(least > -1 && least < 0.6 && most > 3.4 && most < 5, `${least} ${most}`);
});

forEachDevice("dropout drops the share it says, scales the rest, and keeps its mask for backward", async () => {
  const n = 10001;
  const x = tensor(new Float32Array(n).fill(2)).requireGrad();
  const out = dropout(x, 0.3);
  out.sum().backward();
  const [y, slope] = [await values(out), await values(x.grad!)];
  const dropped = y.filter((v) => v === 0).length / n;
  assert.ok(Math.abs(dropped - 0.3) < 0.02, `${dropped} dropped`);
  y.forEach((v, i) =>
    assert.ok(v === 0 ? slope[i] === 0 : Math.abs(v / 2 - slope[i]) < 1e-6 && Math.abs(v - 2 / 0.7) < 1e-5)
  );
  assert.equal(dropout(x, 0), x);
});

forEachDevice("dropout's mask goes by element, whatever the layout", async () => {
  const data = new Float32Array(20).fill(1);
  const masks: number[][] = [];
  for (const { x } of layouts(data, [4, 5])) {
    manualSeed(3);
    masks.push(await values(dropout(x, 0.5)));
  }
  for (const mask of masks) assert.deepEqual(mask, masks[0]);
  manualSeed(3);
  assert.deepEqual(await values(dropout(tensor(1).expand([4, 5]), 0.5)), masks[0]);
});

forEachDevice("the gradient of dropout is that of its own mask", async () => {
  await gradcheck((x) => {
    manualSeed(11);
    return dropout(x, 0.4).mul(x);
  }, [drawn(1, [3, 4], 0.5, 1)]);
});

forEachDevice("a graph keeps its mask when the generator is seeded anew before backward", async () => {
  manualSeed(1);
  const x = tensor(new Float32Array(40).fill(1)).requireGrad();
  const out = dropout(x, 0.5);
  manualSeed(2);
  rand([7]);
  out.sum().backward();
  assert.deepEqual(await values(x.grad!), await values(out));
});

onWebGpu("both devices draw the same numbers and the same masks", async (device) => {
  const draw = async (on: typeof device | ReturnType<typeof cpuDevice>) => {
    manualSeed(99);
    const options = { device: on };
    const q = rand([2, 2, 5, 4], options);
    return {
      exact: await Promise.all([rand([1000], options), dropout(zeros([77, 3], options).add(1), 0.25)].map(values)),
      near: await Promise.all(
        [randn([1000], options), scaledDotProductAttention(q, q, q, { dropout: 0.5 })].map(values),
      ),
    };
  };
  const [gpu, cpu] = [await draw(device), await draw(cpuDevice())];
  assert.deepEqual(gpu.exact, cpu.exact);
  gpu.near.forEach((list, k) =>
    list.forEach((x, i) => assert.ok(Math.abs(x - cpu.near[k][i]) < 1e-4, `${k}, ${i}: ${x} ${cpu.near[k][i]}`))
  );
});

Deno.test("errors of the generator", () => {
  assert.throws(() => manualSeed(0.5), {
    name: "RangeError",
    message: "Cannot seed with 0.5: expected a whole number",
  });
  assert.throws(() => setRandomState({ seed: 1, calls: -1 }), { name: "RangeError" });
  assert.throws(() => dropout(tensor([1]), 1), {
    name: "RangeError",
    message: "Cannot drop out with probability 1: expected 0 <= p < 1",
  });
  assert.throws(() => dropout(tensor(Int32Array.of(1)), 0.5), { name: "TypeError" });
});
