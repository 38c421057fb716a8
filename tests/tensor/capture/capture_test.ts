/** Capture and replay: same results as eager, fewer kernels, flat memory. */
import assert from "node:assert/strict";
import {
  capture,
  copyInto,
  crossEntropy,
  dropout,
  findNonFinite,
  layerNorm,
  linear,
  manualSeed,
  memory,
  rand,
  randn,
  randomState,
  Tensor,
  tensor,
} from "../../../tensor/mod.ts";
import { AdamW, clipGradNorm } from "../../../train/optim/mod.ts";
import { forEachDevice } from "../../devices.ts";

/** A small network with everything a step has: products, norm, dropout, loss, clipping, update. */
function network() {
  manualSeed(3);
  const parameter = (shape: number[]): Tensor => {
    const p = Tensor.persistent(randn([1]).device, shape, "float32");
    copyInto(p, randn(shape, { std: 0.4 }));
    return p.requireGrad();
  };
  const [w1, b1, g, b, w2] = [[16, 8], [16], [16], [16], [5, 16]].map(parameter);
  const optimizer = new AdamW([w1, b1, g, b, w2], { lr: 0.02 });
  const step = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const h = layerNorm(dropout(linear(x, w1, b1, { activation: "relu" }), 0.2), [16], { weight: g, bias: b });
    const loss = crossEntropy(linear(h.add(h.tanh()), w2), y);
    loss.backward();
    clipGradNorm(optimizer, 1);
    optimizer.step();
    return loss;
  };
  return { step, optimizer, weights: () => w2.data() };
}

const batches = () => {
  manualSeed(11);
  return Array.from(
    { length: 6 },
    (_, i) => [randn([7, 8]), tensor(Int32Array.from({ length: 7 }, (_, j) => (i + j) % 5))] as const,
  );
};

forEachDevice("replaying a captured step equals eager steps, dropout and all", async () => {
  const data = batches();
  const eager = network();
  manualSeed(5);
  const wanted: number[] = [];
  for (const [x, y] of data) wanted.push(await eager.step(x, y).item());
  const stateAfter = randomState();

  const replayed = network();
  manualSeed(5);
  const step = capture(replayed.step);
  const got: number[] = [];
  for (const [x, y] of data) got.push(await step(x, y).item());
  assert.deepEqual(randomState(), stateAfter);
  got.forEach((loss, i) =>
    assert.ok(Math.abs(loss - wanted[i]) < 1e-5 * wanted[i], `step ${i}: ${loss} against ${wanted[i]}`)
  );
  const [a, b] = [await eager.weights(), await replayed.weights()];
  a.forEach((w, i) => assert.ok(Math.abs(w - b[i]) < 1e-5));
  assert.equal(step.recordings, 1);
  step.dispose();
});

forEachDevice("a new shape is recorded anew by itself, and the old one still works", async () => {
  const sum = capture((x: Tensor) => x.square().sum());
  assert.equal(await sum(tensor([1, 2])).item(), 5);
  assert.equal(await sum(tensor([[1, 2], [3, 4]])).item(), 30);
  assert.equal(await sum(tensor([3, 4])).item(), 25);
  assert.equal(sum.recordings, 2);
  sum.dispose();
});

forEachDevice("elementwise neighbours become one kernel", async () => {
  const x = tensor([[-2, -1, 0], [1, 2, 3]]);
  const row = tensor([10, 20, 30]);
  const chain = capture(() => x.mul(2).add(row).relu().sub(1).square());
  const values = await chain().data();
  assert.deepEqual([...values], [25, 289, 841, 121, 529, 1225]);
  assert.equal(chain.kernels, 1);
  // a value that is needed as well is a second output of the same kernel
  const both = capture(() => {
    const doubled = x.mul(2);
    return [doubled, doubled.add(1)];
  });
  const [a, b] = both();
  assert.deepEqual([...await a.data(), ...await b.data()], [-4, -2, 0, 2, 4, 6, -3, -1, 1, 3, 5, 7]);
  assert.equal(both.kernels, 1);
});

forEachDevice("a fused kernel reads a value before a later call overwrites it", async () => {
  const total = tensor([1, 2]);
  const step = capture(() => {
    const before = total.mul(10);
    copyInto(total, total.add(1));
    return before.add(total);
  });
  assert.deepEqual([...await step().data()], [12, 23]);
  assert.deepEqual([...await step().data()], [23, 34]);
  assert.deepEqual([...await total.data()], [3, 4]);
});

forEachDevice("calls whose result nobody reads are dropped", () => {
  const x = rand([4, 4]);
  const step = capture(() => {
    x.matmul(x);
    return x.sum();
  });
  step();
  assert.equal(step.kernels, 1);
});

forEachDevice("1,000 replayed steps leave memory flat", async () => {
  const { step: body } = network();
  const [[x, y]] = batches();
  const step = capture(body);
  await step(x, y).item();
  const before = memory();
  for (let i = 0; i < 1000; i++) {
    step(x, y);
    if (i % 100 === 99) await step(x, y).item();
  }
  const after = memory(); // what earlier tests left may be collected meanwhile, so it may shrink
  assert.ok(after.used <= before.used && after.buffers <= before.buffers, `${after.used} bytes after ${before.used}`);
  assert.equal(after.reserved, before.reserved);
  const held = after.used;
  step.dispose();
  assert.ok(memory().used < held);
});

forEachDevice("disposing of a captured step frees all it made, constants too", () => {
  manualSeed(2);
  const x = tensor([1, 2, 3]);
  const before = memory().used;
  const step = capture(() => dropout(x.mul(tensor([4, 5, 6])), 0.5).sum());
  step();
  assert.ok(memory().used > before);
  step.dispose();
  assert.ok(memory().used <= before);
});

forEachDevice("random numbers differ from replay to replay", async () => {
  manualSeed(1);
  const draw = capture(() => rand([8]));
  const first = [...await draw().data()];
  const second = [...await draw().data()];
  assert.notDeepEqual(first, second);
  manualSeed(1);
  assert.deepEqual([...await rand([8]).data()], first);
});

forEachDevice("the first op that gives NaN is found", async () => {
  const x = tensor([1, -1, 4]);
  assert.match(await findNonFinite(() => x.add(1).sub(3).log().sum()) ?? "", /log/);
  assert.equal(await findNonFinite(() => x.square().log().sum()), null);
  assert.match(await findNonFinite(() => x.sub(x).div(x.sub(x)).sum()) ?? "", /div/);
  assert.match(await findNonFinite(() => x.sub(x).log().sum()) ?? "", /log/);
});

Deno.test("what cannot be captured is refused with the reason", () => {
  const x = tensor([1, 2]);
  assert.throws(() => capture(() => x.add(1).data())(), /read values after the step/);
  // deno-lint-ignore require-await -- an async step is the mistake under test
  assert.throws(() => capture(async () => x.add(1))(), /Cannot capture an async function/);
  assert.throws(() => capture(() => x)(), /computes nothing/);
  assert.throws(() => capture(() => capture(() => x.add(1))())(), /inside a captured step/);
});
