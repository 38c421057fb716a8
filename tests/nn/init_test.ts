import assert from "node:assert/strict";
import { init, Linear, Parameter } from "../../nn/mod.ts";
import { manualSeed, Tensor } from "../../tensor/mod.ts";
import { cpuDevice } from "../../tensor/device/current.ts";
import { forEachDevice } from "../devices.ts";

const shape = [200, 100]; // fan in 100, fan out 200

function extreme(values: readonly number[], pick: (a: number, b: number) => number): number {
  return values.reduce((a, b) => pick(a, b));
}

async function facts(t: Tensor) {
  const values = [...await t.data()];
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const std = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  return { mean, std, low: extreme(values, Math.min), high: extreme(values, Math.max) };
}

function near(found: number, wanted: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(found - wanted) <= tolerance, `${what} is ${found}, wanted ${wanted} ± ${tolerance}`);
}

/** Uniform in ±bound: mean 0, deviation bound / √3, extremes close to the bounds and within. */
async function assertUniform(t: Tensor, bound: number): Promise<void> {
  const { mean, std, low, high } = await facts(t);
  near(mean, 0, 0.02 * bound, "mean");
  near(std, bound / Math.sqrt(3), 0.02 * bound, "deviation");
  assert.ok(low >= -bound * 1.000001 && high <= bound * 1.000001, `[${low}, ${high}] leaves ±${bound}`);
  assert.ok(low < -0.99 * bound && high > 0.99 * bound, `[${low}, ${high}] does not fill ±${bound}`);
}

/** Normal: 20,000 values reach beyond 3.3 deviations. */
async function assertNormal(t: Tensor, wanted: number, center = 0): Promise<void> {
  const { mean, std, low, high } = await facts(t);
  near(mean, center, 0.03 * wanted, "mean");
  near(std, wanted, 0.02 * wanted, "deviation");
  assert.ok(high - center > 3.3 * wanted && center - low > 3.3 * wanted, "the tails are missing");
}

forEachDevice("Uniform initialisations have PyTorch's bounds", async () => {
  const fresh = () => new Parameter(shape);
  await assertUniform(init.xavierUniform(fresh()), Math.sqrt(6 / 300));
  await assertUniform(init.xavierUniform(fresh(), { gain: 2 }), 2 * Math.sqrt(6 / 300));
  await assertUniform(init.kaimingUniform(fresh()), Math.sqrt(6 / 100));
  await assertUniform(init.kaimingUniform(fresh(), { a: Math.sqrt(5) }), 1 / Math.sqrt(100));
  await assertUniform(init.kaimingUniform(fresh(), { mode: "fanOut", nonlinearity: "linear" }), Math.sqrt(3 / 200));
  await assertUniform(init.uniform(fresh(), { low: -3, high: 3 }), 3);
  const { low, high } = await facts(init.uniform(fresh()));
  assert.ok(low >= 0 && high < 1 && low < 0.01 && high > 0.99);
});

forEachDevice("Normal initialisations have PyTorch's deviations", async () => {
  const fresh = () => new Parameter(shape);
  await assertNormal(init.xavierNormal(fresh()), Math.sqrt(2 / 300));
  await assertNormal(init.kaimingNormal(fresh(), { nonlinearity: "relu", mode: "fanOut" }), Math.sqrt(2 / 200));
  await assertNormal(init.normal(fresh()), 1);
  await assertNormal(init.normal(fresh(), { mean: 5, std: 0.1 }), 0.1, 5);
});

forEachDevice("A kernel's taps count as inputs, and constants fill", async () => {
  await assertUniform(init.kaimingUniform(new Parameter([100, 20, 5, 2])), Math.sqrt(6 / 200));
  assert.deepEqual([...await init.constant(new Parameter([3]), 2.5).data()], [2.5, 2.5, 2.5]);
  assert.deepEqual([...await init.ones(new Parameter([2])).data()], [1, 1]);
  assert.deepEqual([...await init.zeros(init.ones(new Parameter([2]))).data()], [0, 0]);
});

forEachDevice(
  "A seed gives the same weights again, another seed others, and the CPU's are the same",
  async (device) => {
    const draw = async (seed: number) => {
      manualSeed(seed);
      return [...await init.xavierUniform(new Parameter([7, 13])).data()];
    };
    const first = await draw(87);
    assert.deepEqual(await draw(87), first);
    assert.notDeepEqual(await draw(88), first);
    manualSeed(87);
    const onCpu = await init.xavierUniform(Tensor.persistent(cpuDevice(), [7, 13], "float32")).data();
    onCpu.forEach((value, i) => near(first[i], value, 1e-7, `element ${i} on ${device.type} against the CPU`));
  },
);

forEachDevice("Linear starts uniform in 1 / √inputs, weight and bias", async () => {
  const linear = new Linear(100, 5000);
  await assertUniform(linear.weight, 0.1);
  await assertUniform(linear.bias!, 0.1);
});

Deno.test("gain is PyTorch's, and a vector has no fan", () => {
  const gains = (["linear", "sigmoid", "tanh", "relu", "selu"] as const).map((name) => init.gain(name));
  assert.deepEqual(gains, [1, 1, 5 / 3, Math.SQRT2, 0.75]);
  near(init.gain("leakyRelu", 0.2), 1.3867504905630728, 1e-12, "gain of a leaky ReLU");
  assert.throws(() => init.xavierUniform(new Parameter([3])), {
    name: "TypeError",
    message: "Cannot count the inputs of a weight [3]: expected at least 2 axes",
  });
});
