/** What the golden cases of the optimizers do not show. */
import assert from "node:assert/strict";
import { capture, memory, type Tensor, tensor } from "../../../tensor/mod.ts";
import { Adam, AdamW, clipGradNorm, RMSprop, SGD } from "../../../train/optim/mod.ts";
import { forEachDevice } from "../../devices.ts";

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

forEachDevice("groups have settings of their own", async () => {
  const [a, b] = [leaf([1, 1]), leaf([1, 1, 1])];
  const optimizer = new SGD([{ parameters: [a], lr: 0.5 }, { parameters: [b], weightDecay: 1 }], { lr: 0.1 });
  a.sum().add(b.sum()).backward();
  optimizer.step();
  assert.deepEqual([...await a.data()], [0.5, 0.5]);
  [...await b.data()].forEach((w) => assert.ok(Math.abs(w - 0.8) < 1e-6));
});

forEachDevice("a parameter without a gradient stays as it is, decay or not", async () => {
  const [a, b, c] = [leaf([1]), leaf([2]), leaf([3])];
  const optimizer = new AdamW([a, b, c], { lr: 0.1, weightDecay: 0.5 });
  a.add(c).sum().backward();
  optimizer.step();
  assert.deepEqual([...await b.data()], [2]);
  assert.ok((await a.item()) < 1 && (await c.item()) < 3);
});

forEachDevice("gradients add up until zeroGrad", async () => {
  const w = leaf([2]);
  const optimizer = new SGD([w], { lr: 1 });
  for (let i = 0; i < 3; i++) w.mul(2).sum().backward();
  assert.equal(await w.grad!.item(), 6);
  optimizer.zeroGrad();
  assert.equal(w.grad, null);
  w.mul(5).sum().backward();
  assert.equal(await w.grad!.item(), 5);
});

forEachDevice("state saved and loaded continues the same run", async () => {
  const run = async (restartAt: number): Promise<number[]> => {
    let w = leaf([1, -2, 3]);
    let optimizer = new RMSprop([w], { lr: 0.05, momentum: 0.9, centered: true });
    for (let i = 0; i < 6; i++) {
      if (i === restartAt) {
        const saved = await optimizer.state();
        w = leaf([...await w.data()]);
        optimizer = new RMSprop([w], { lr: 0.05, momentum: 0.9, centered: true });
        optimizer.loadState(saved);
      }
      optimizer.zeroGrad();
      w.square().mul(i + 1).sum().backward();
      optimizer.step();
    }
    return [...await w.data()];
  };
  assert.deepEqual(await run(3), await run(-1));
});

/** Buffers of two small parameters, where AdamW itself has 33 million numbers. */
class InParts extends AdamW {
  protected override get mostElements(): number {
    return 128;
  }
}

forEachDevice("parameters that no buffer holds together are stepped, clipped and saved as if one did", async () => {
  const run = async (make: typeof AdamW, saveAt: number) => {
    let weights = [leaf([1, -2]), leaf([3]), leaf(Array.from({ length: 200 }, (_, i) => i / 100)), leaf([-1])];
    let optimizer = new make(weights, { lr: 0.1 });
    const parts = optimizer.groups[0].parts.length;
    for (let i = 0; i < 4; i++) {
      if (i === saveAt) { // into one that keeps them otherwise
        const saved = await optimizer.state();
        assert.deepEqual(Object.keys(saved.arrays), ["0.m", "0.v"]);
        weights = await Promise.all(weights.map(async (w) => leaf([...await w.data()])));
        optimizer = new (make === AdamW ? InParts : AdamW)(weights, { lr: 0.1 });
        optimizer.loadState(saved);
      }
      optimizer.zeroGrad();
      weights.map((w, k) => w.square().mul(i + k + 1).sum()).reduce((a, b) => a.add(b)).backward();
      clipGradNorm(optimizer, 1);
      optimizer.step();
    }
    return { parts, values: await Promise.all(weights.map(async (w) => [...await w.data()])) };
  };
  const whole = await run(AdamW, -1);
  assert.equal(whole.parts, 1);
  for (const [make, saveAt] of [[InParts, -1], [InParts, 2], [AdamW, 2]] as const) {
    const found = await run(make, saveAt);
    assert.equal(found.parts, make === AdamW ? 1 : 3);
    found.values.flat().forEach((value, i) => assert.ok(Math.abs(value - whole.values.flat()[i]) < 1e-5));
  }
});

forEachDevice("clipping an optimizer's flat gradients equals clipping its parameters", async () => {
  const clip = async (flat: boolean): Promise<number[]> => {
    const [a, b] = [leaf([3, 4]), leaf([12])];
    const optimizer = new SGD([a, b], { lr: 1 });
    a.square().sum().add(b.square().sum()).backward();
    const norm = clipGradNorm(flat ? optimizer : [a, b], 2);
    return [await norm.item(), ...await a.grad!.data(), ...await b.grad!.data()];
  };
  const [flat, each] = [await clip(true), await clip(false)];
  assert.equal(flat[0], 26);
  flat.forEach((v, i) => assert.ok(Math.abs(v - each[i]) < 1e-6));
});

forEachDevice("an optimizer takes over its parameters' memory instead of doubling it", () => {
  const w = leaf(new Array(4096).fill(1));
  const before = memory().used;
  new SGD([w]);
  assert.ok(memory().used - before <= 1.3 * 4 * 4096, "values and gradients, less the old values");
});

Deno.test("settings and lists that make no sense are refused", () => {
  const w = leaf([1]);
  assert.throws(() => new SGD([]), /the list of parameters is empty/);
  assert.throws(() => new SGD([w, w]), /listed more than once/);
  assert.throws(() => new SGD([w], { lr: -1 }), /learning rate -1/);
  assert.throws(() => new SGD([w], { nesterov: true }), /Nesterov without momentum/);
  assert.throws(() => new Adam([w], { betas: [0.9, 1] }), /betas 0.9,1/);
  assert.throws(() => new SGD([tensor([1])]), /no parameter/);
  const view = tensor([[1, 2], [3, 4]]).transpose(0, 1).detach().requireGrad();
  assert.throws(() => new SGD([view]), {
    name: "TypeError",
    message: "Cannot optimize a view [2, 2] of other memory: give it memory of its own with clone()",
  });
  assert.throws(() => clipGradNorm([leaf([1])], 1), /there are none/);
  assert.throws(() => clipGradNorm([w], 0), /expected a number above 0/);
  const adam = new Adam([leaf([1])]);
  assert.throws(() => adam.loadState({ arrays: {}, steps: [1] }), /expected/);
});

forEachDevice("an optimizer whose parameters a later one took over says so", () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const first = new SGD([w], { lr: 1 });
  const update = capture(() => first.step());
  w.sum().backward();
  update();
  const second = new SGD([w], { lr: 1 });
  w.sum().backward();
  const message = "Cannot optimize the parameter [2]: another optimizer, made later, has taken it over";
  assert.throws(() => first.step(), { message });
  assert.throws(() => clipGradNorm(first, 1), { message });
  assert.throws(() => update(), { message });
  second.step();
});
