import assert from "node:assert/strict";
import * as nn from "../../nn/mod.ts";
import { randn, tensor } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose } from "./close.ts";

forEachDevice("Linear maps the last axis, fuses a ReLU and passes gradients to weight and bias", async () => {
  const linear = new nn.Linear(2, 3);
  linear.loadStateDict({
    weight: { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    bias: { shape: [3], data: Float32Array.of(0.5, -100, 0) },
  });
  const x = tensor([[[1, 1]], [[0, -1]]]);
  const y = linear.forward(x);
  assert.deepEqual(y.shape, [2, 1, 3]);
  await assertClose(y, [3.5, -93, 11, -1.5, -104, -6]);
  await assertClose(linear.forward(x, { activation: "relu" }), [3.5, 0, 11, 0, 0, 0]);
  y.sum().backward();
  await assertClose(linear.weight.grad!, [1, 0, 1, 0, 1, 0]);
  await assertClose(linear.bias!.grad!, [2, 2, 2]);
  assert.equal(new nn.Linear(2, 3, { bias: false }).bias, null);
});

forEachDevice("LayerNorm normalises the last axes, with weight 1 and bias 0 at first", async () => {
  const x = randn([3, 4, 5], { mean: 3, std: 2 });
  const norm = new nn.LayerNorm([4, 5]);
  assert.deepEqual(norm.namedParameters().map(([name, { shape }]) => [name, shape]), [["weight", [4, 5]], [
    "bias",
    [4, 5],
  ]]);
  const y = norm.forward(x);
  await assertClose(y.mean([1, 2]), [0, 0, 0], 1e-5);
  await assertClose(y.square().mean([1, 2]), [1, 1, 1], 1e-4);
  const plain = new nn.LayerNorm(5, { elementwiseAffine: false });
  assert.equal(plain.numParameters, 0);
  await assertClose(plain.forward(x), new nn.LayerNorm(5).forward(x), 1e-6);
  const wide = new nn.LayerNorm(2, { eps: 3 }).forward(tensor([[1, 3]])); // deviation √(1 + 3)
  await assertClose(wide, [-0.5, 0.5]);
});

forEachDevice("Dropout drops while training only, and scales what it keeps", async () => {
  const dropout = new nn.Dropout(0.25);
  const x = tensor(new Float32Array(10000).fill(3));
  const values = [...await dropout.forward(x).data()];
  const kept = values.filter((v) => v !== 0);
  assert.ok(kept.every((v) => Math.abs(v - 4) < 1e-5));
  assert.ok(Math.abs(kept.length / values.length - 0.75) < 0.02, `${kept.length} of ${values.length} are kept`);
  assert.equal(dropout.eval().forward(x), x);
  assert.throws(() => new nn.Dropout(1), {
    name: "RangeError",
    message: "Cannot drop out with probability 1: expected 0 <= p < 1",
  });
});

forEachDevice("Embedding picks rows and trains those picked; a padding row is zero and not trained", async () => {
  const table = new nn.Embedding(4, 2, { paddingIdx: 1 });
  const rows = [...await table.weight.data()];
  assert.deepEqual(rows.slice(2, 4), [0, 0]);
  assert.ok(rows.filter((v) => v !== 0).length === 6);
  const y = table.forward(tensor(Int32Array.of(3, 1, 1, 3, 0, 1), { shape: [2, 3] }));
  assert.deepEqual(y.shape, [2, 3, 2]);
  const [a, d] = [rows.slice(0, 2), rows.slice(6)];
  await assertClose(y, [...d, 0, 0, 0, 0, ...d, ...a, 0, 0], 0);
  y.sum().backward();
  await assertClose(table.weight.grad!, [1, 1, 0, 0, 0, 0, 2, 2], 0);
  assert.throws(() => new nn.Embedding(4, 2, { paddingIdx: 4 }), /Cannot pad with row 4 of 4: no such row/);
});

forEachDevice("Sequential applies its layers in order, with positions as names", async () => {
  const net = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Dropout(0.9), new nn.Linear(3, 1)).eval();
  assert.deepEqual(net.namedParameters().map(([name]) => name), ["0.weight", "0.bias", "3.weight", "3.bias"]);
  const x = randn([4, 2]);
  const [first, last] = [net[0], net[3]];
  await assertClose(net.forward(x), last.forward(first.forward(x).relu()), 1e-6);
});

forEachDevice("Activations have PyTorch's values and defaults", async () => {
  const x = tensor([-2, -0.5, 0, 1.5]);
  const wanted: [nn.Layer, number[]][] = [
    [new nn.Identity(), [-2, -0.5, 0, 1.5]],
    [new nn.ReLU(), [0, 0, 0, 1.5]],
    [new nn.LeakyReLU(), [-0.02, -0.005, 0, 1.5]],
    [new nn.LeakyReLU(0.5), [-1, -0.25, 0, 1.5]],
    [new nn.ELU(), [-0.86466472, -0.39346934, 0, 1.5]],
    [new nn.ELU(2), [-1.72932943, -0.78693868, 0, 1.5]],
    [new nn.GELU(), [-0.04550026, -0.15426877, 0, 1.39978919]],
    [new nn.GELU({ approximate: "tanh" }), [-0.04540231, -0.15428599, 0, 1.39957154]],
    [new nn.SiLU(), [-0.23840584, -0.18877033, 0, 1.22636171]],
    [new nn.Tanh(), [-0.96402758, -0.46211716, 0, 0.90514825]],
    [new nn.Sigmoid(), [0.11920292, 0.37754067, 0.5, 0.81757448]],
    [new nn.Softplus(), [0.12692801, 0.47407698, 0.69314718, 1.70141327]],
  ];
  for (const [layer, values] of wanted) await assertClose(layer.forward(x), values, 1e-5, String(layer));
});

forEachDevice("Squeeze and excitation weighs channels by the mean over true frames", async () => {
  const block = new nn.SEBlock(3, 2);
  const x = randn([2, 3, 5]);
  const y = block.forward(x.pad([0, 4], { value: -20 }), tensor(Int32Array.of(5, 2)));
  await assertClose(y.slice(0, 0, 1).slice(2, 0, 5), block.forward(x.slice(0, 0, 1)), 1e-5);
  await assertClose(y.slice(0, 1).slice(2, 0, 2), block.forward(x.slice(0, 1).slice(2, 0, 2)), 1e-5);
  const ratio = await y.slice(2, 0, 5).div(x).data();
  assert.ok(ratio.every((r: number) => r > 0 && r < 1));
});
