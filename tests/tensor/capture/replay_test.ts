/** What changes around a captured step between its calls: gradients, memory, other steps. */
import assert from "node:assert/strict";
import { capture, copyInto, memory, noGrad, scope, Tensor, tensor } from "../../../tensor/mod.ts";
import { SGD } from "../../../train/optim/mod.ts";
import { forEachDevice } from "../../devices.ts";

const parameter = (values: number[]) => tensor(values, { requiresGrad: true });

forEachDevice("a replay leaves gradients as the step would: written after zeroGrad, else added to", async () => {
  const w = parameter([0]);
  const optimizer = new SGD([w], { lr: 1 });
  const backward = capture((x) => {
    const loss = w.mul(x).sum();
    loss.backward();
    return loss;
  });
  const seen: number[] = [];
  for (let i = 0; i < 3; i++) {
    optimizer.zeroGrad();
    backward(tensor([1]));
    backward(tensor([2]));
    backward(tensor([3]));
    optimizer.step();
    seen.push(await w.item());
  }
  assert.deepEqual(seen, [-6, -12, -18]);
  assert.equal(backward.recordings, 2);
});

forEachDevice("a step captured before an optimizer moved its parameters reads the new place", async () => {
  const w = parameter([1, 2]);
  const predict = capture((x) => w.mul(x));
  predict(tensor([1, 1]));
  const optimizer = new SGD([w], { lr: 1 });
  w.sum().backward();
  optimizer.step();
  assert.deepEqual([...await predict(tensor([10, 10])).data()], [0, 10]);
  new SGD([w], { lr: 1 });
  copyInto(w.detach(), tensor([5, 6]));
  assert.deepEqual([...await predict(tensor([10, 10])).data()], [50, 60]);
  assert.equal(predict.recordings, 1);
});

forEachDevice("disposing of a captured result harms nobody", async () => {
  const before = memory().used;
  const double = capture((x) => x.mul(2));
  const x = tensor([1]);
  double(x).dispose();
  const other = tensor([5]);
  assert.equal(await double(other).item(), 10);
  assert.equal(await other.item(), 5);
  double.dispose();
  double.dispose();
  [x, other].forEach((t) => t.dispose());
  assert.equal(memory().used, before);
});

forEachDevice("tensors that a captured step does not return cannot be read", async () => {
  const hidden: Tensor[] = [];
  const step = capture((x) => {
    hidden.push(x.mul(2), x.mul(3));
    return hidden[0].sum();
  });
  step(tensor([1, 2]));
  for (const t of hidden) await assert.rejects(t.data(), /a captured step did not return/);
  assert.throws(() => hidden[0].add(1), /a captured step did not return/);
});

forEachDevice("an operand freed before or after the recording is named, not read", () => {
  const gone = tensor([1]);
  const step = capture((x) => x.add(gone));
  step(tensor([1]));
  gone.dispose();
  assert.throws(() => step(tensor([1])), /Cannot elementwise: an operand was freed/);
});

forEachDevice("a step that throws leaves gradients and memory as they were", async () => {
  const w = parameter([1, 2]);
  w.sum().backward();
  const before = memory().used;
  const step = capture((x: Tensor) => {
    w.grad = null;
    w.mul(x).mul(tensor([1, 2])).sum().backward();
    throw new Error("half-way");
  });
  const x = tensor([1, 2]);
  assert.throws(() => step(x), /half-way/);
  x.dispose();
  assert.equal(memory().used, before);
  assert.deepEqual([...await w.grad!.data()], [1, 1]);
});

forEachDevice("a captured function inside another is refused, recorded before or not", () => {
  const inner = capture((x) => x.mul(2));
  inner(tensor([1]));
  assert.throws(() => capture((x) => inner(x).add(1))(tensor([1])), /Cannot capture inside a captured step/);
});

forEachDevice("an empty result of a captured step is empty", async () => {
  const [, none] = capture((x) => [x.sum(), x.slice(0, 0, 0).mul(2)])(tensor([1, 2]));
  assert.deepEqual([...await none.data()], []);
});

forEachDevice("memory set aside for a gradient leaves a scope with its leaf", async () => {
  const w = scope(() => {
    const leaf = parameter([1]);
    leaf.sum().backward();
    leaf.grad = null;
    return leaf;
  });
  w.mul(3).sum().backward();
  assert.equal(await w.grad!.item(), 3);
});

forEachDevice("writing a tensor from other places of its own memory reads before it writes", async () => {
  for (const mode of [capture, (step: () => void) => step]) {
    const square = tensor([[1, 2], [3, 4]]);
    mode(() => copyInto(square, square.transpose(0, 1)))();
    assert.deepEqual([...await square.data()], [1, 3, 2, 4]);
    // neighbours in an optimizer's flat buffer: one buffer for a GPU
    const [a, b] = [parameter([1, 2]), parameter([3, 4])];
    new SGD([a, b]);
    mode(() => noGrad(() => copyInto(b, a)))();
    assert.deepEqual([...await b.data()], [1, 2]);
    mode(() => noGrad(() => copyInto(b, a.mul(2))))();
    assert.deepEqual([...await b.data()], [2, 4]);
  }
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  x.mul(x.detach()).sum().backward();
  x.transpose(0, 1).backward({ gradient: x.grad! });
  assert.deepEqual([...await x.grad!.data()], [2, 5, 5, 8]);
});
