/** The engine's core on one page: tensors, views, broadcasting, gradients, scopes, random numbers, a training loop, a captured step. */
import assert from "node:assert/strict";
import {
  capture,
  crossEntropy,
  linear,
  manualSeed,
  memory,
  noGrad,
  rand,
  scope,
  type Tensor,
  tensor,
} from "../tensor/mod.ts";
import { forEachDevice } from "./devices.ts";

const list = async (t: Tensor) => Array.from(await t.data());

forEachDevice("tiny: numbers in, numbers out", async () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  assert.deepEqual(x.shape, [2, 3]);
  assert.deepEqual(await list(x.add(1)), [2, 3, 4, 5, 6, 7]);
  assert.deepEqual(await list(x.mul(tensor([1, 10, 100]))), [1, 20, 300, 4, 50, 600]);
  assert.deepEqual(await list(x.transpose(0, 1)), [1, 4, 2, 5, 3, 6]);
  assert.deepEqual(await list(x.sum(-1, { keepdim: true })), [6, 15]);
  assert.deepEqual(await list(x.matmul(x.transpose(0, 1))), [14, 32, 32, 77]);
  assert.deepEqual(await list(x.gt(3).sum()), [3]);
  assert.deepEqual(await list(x.argmax(1)), [2, 2]);
});

forEachDevice("tiny: gradients", async () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  x.square().sum().backward();
  assert.deepEqual(await list(x.grad!), [2, 4, 6]);
  assert.equal(noGrad(() => x.mul(2)).requiresGrad, false);
});

/** Two layers with sixteen hidden units. */
class TwoLayers {
  readonly parameters: readonly Tensor[];

  constructor() {
    const draw = (shape: number[], inner: number) =>
      rand(shape, { low: -1 / Math.sqrt(inner), high: 1 / Math.sqrt(inner), requiresGrad: true });
    this.parameters = [draw([16, 2], 2), draw([16], 2), draw([2, 16], 16), draw([2], 16)];
  }

  forward(x: Tensor): Tensor {
    const [w1, b1, w2, b2] = this.parameters;
    return linear(linear(x, w1, b1).tanh(), w2, b2);
  }

  /** Loss and gradients on all of the data. */
  step(x: Tensor, target: Tensor): Tensor {
    for (const p of this.parameters) p.grad = null;
    const loss = crossEntropy(this.forward(x), target);
    loss.backward();
    return loss;
  }
}

const points = [[0, 0], [0, 1], [1, 0], [1, 1]];
const xor = Int32Array.of(0, 1, 1, 0);

/** Subtracts the gradients on the host: what an optimizer does in one kernel. */
async function descend(parameters: readonly Tensor[], rate: number): Promise<void> {
  await Promise.all(parameters.map(async (p) => {
    const [values, slope] = await Promise.all([p.data(), p.grad!.data()]);
    p.assign(Float32Array.from(values, (v, i) => v - rate * slope[i]));
  }));
}

forEachDevice("tiny: a model learns XOR, step by step", async () => {
  manualSeed(1);
  const [model, x, target] = [new TwoLayers(), tensor(points), tensor(xor)];
  const losses: number[] = [];
  for (let i = 0; i < 60; i++) {
    const loss = scope(() => model.step(x, target));
    losses.push(await loss.item());
    loss.dispose();
    await descend(model.parameters, 1);
  }
  assert.ok(losses[0] > 0.6 && losses.at(-1)! < 0.1, `loss went from ${losses[0]} to ${losses.at(-1)}`);
  const predicted = scope(() => noGrad(() => model.forward(x).argmax(1)));
  assert.deepEqual(await list(predicted), [...xor]);
});

forEachDevice("tiny: a captured step gives the same losses, and leaves memory as it was", async (device) => {
  manualSeed(1);
  const [model, x, target] = [new TwoLayers(), tensor(points), tensor(xor)];
  const step = capture((x, target) => model.step(x, target));
  const eager = await scope(() => model.step(x, target)).item();
  assert.ok(Math.abs(await step(x, target).item() - eager) < 1e-6);
  await descend(model.parameters, 0.1);
  const before = memory(device).used;
  for (let i = 0; i < 20; i++) step(x, target);
  assert.equal(memory(device).used, before);
  assert.ok(await step(x, target).item() < eager);
  step.dispose();
});
