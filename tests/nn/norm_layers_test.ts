import assert from "node:assert/strict";
import * as nn from "../../nn/mod.ts";
import { tensor, zeros } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";
import { assertClose } from "./close.ts";

forEachDevice(
  "BatchNorm1d trains by the batch's statistics, evaluates by the running ones, and counts batches",
  async () => {
    const norm = new nn.BatchNorm1d(2);
    const names = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
    assert.deepEqual(Object.keys(norm.stateDict()), names);
    assert.deepEqual(norm.num_batches_tracked!.shape, []);
    const x = tensor([[1, 10], [3, 30]]);
    await assertClose(norm.forward(x), [-1, -1, 1, 1], 1e-4);
    await assertClose(norm.running_mean!, [0.2, 2]);
    await assertClose(norm.running_var!, [0.9 + 0.2, 0.9 + 20]);
    assert.equal(await norm.num_batches_tracked!.item(), 1);
    norm.eval();
    await assertClose(norm.forward(x), [0.8 / 1.1 ** 0.5, 8 / 20.9 ** 0.5, 2.8 / 1.1 ** 0.5, 28 / 20.9 ** 0.5], 1e-4);
    assert.equal(await norm.num_batches_tracked!.item(), 1);
    norm.loadStateDict(await norm.stateArrays());
  },
);

forEachDevice(
  "BatchNorm without running statistics uses the batch's always; without affine it has no parameters",
  async () => {
    const norm = new nn.BatchNorm2d(3, { trackRunningStats: false, affine: false }).eval();
    assert.deepEqual(norm.stateDict(), {});
    const y = norm.forward(drawn(1, [2, 3, 4, 5], 2, 9));
    await assertClose(y.mean([0, 2, 3]), [0, 0, 0], 1e-5);
    await assertClose(y.square().mean([0, 2, 3]), [1, 1, 1], 1e-4);
  },
);

forEachDevice("BatchNorm1d in evaluation gives an utterance what it gives it alone, and padding 0", async () => {
  const norm = new nn.BatchNorm1d(3);
  norm.forward(drawn(1, [4, 3, 6]));
  norm.eval();
  const x = drawn(2, [2, 3, 6]);
  const y = norm.forward(x, tensor(Int32Array.of(4, 6)));
  const alone = norm.forward(x.slice(0, 0, 1).slice(2, 0, 4));
  await assertClose(y.slice(0, 0, 1).slice(2, 0, 4), alone, 1e-6);
  await assertClose(y.slice(0, 0, 1).slice(2, 4), zeros([1, 3, 2]), 0);
});

forEachDevice("pooling layers and Flatten in a Sequential", async () => {
  const x = drawn(1, [2, 3, 8, 6]);
  const layers = new nn.Sequential(
    new nn.MaxPool2d(2),
    new nn.AvgPool2d(2, { stride: 1 }),
    new nn.AdaptiveAvgPool2d([2, 1]),
    new nn.Flatten(),
  );
  assert.deepEqual(layers.forward(x).shape, [2, 6]);
  assert.deepEqual(new nn.AdaptiveMaxPool2d(1).forward(x).shape, [2, 3, 1, 1]);
  await assertClose(new nn.AdaptiveMaxPool2d(1).forward(x).flatten(1), x.amax([2, 3]), 0);
  const line = x.flatten(2);
  assert.deepEqual(new nn.MaxPool1d(3, { padding: 1 }).forward(line).shape, [2, 3, 16]);
  assert.deepEqual(new nn.AvgPool1d(4).forward(line).shape, [2, 3, 12]);
  await assertClose(new nn.AdaptiveAvgPool1d(1).forward(line), line.mean(2, { keepdim: true }), 1e-6);
  assert.deepEqual(new nn.GLU(2).forward(line).shape, [2, 3, 24]);
  assert.deepEqual(new nn.Flatten(1, 2).forward(x).shape, [2, 24, 6]);
});

Deno.test("GroupNorm and InstanceNorm1d: names, defaults and errors", () => {
  assert.deepEqual(Object.keys(new nn.GroupNorm(2, 4).stateDict()), ["weight", "bias"]);
  assert.deepEqual(new nn.InstanceNorm1d(4).stateDict(), {});
  assert.deepEqual(Object.keys(new nn.InstanceNorm1d(4, { affine: true }).stateDict()), ["weight", "bias"]);
  assert.throws(() => new nn.GroupNorm(3, 4), {
    name: "RangeError",
    message: "Cannot make 3 groups of 4 channels: they do not divide them",
  });
  assert.throws(() => new nn.InstanceNorm1d(4).forward(zeros([2, 3, 5])), {
    message: "Cannot run InstanceNorm1d on [2, 3, 5]: expected (batch, 4, time)",
  });
  assert.throws(() => new nn.BatchNorm1d(4).forward(zeros([2, 4, 5, 6])), {
    name: "TypeError",
    message: "Cannot run BatchNorm1d on [2, 4, 5, 6]: expected (batch, channels) or (batch, channels, time)",
  });
  assert.throws(() => new nn.BatchNorm1d(4).forward(zeros([1, 4])), {
    name: "RangeError",
    message: "Cannot batchNorm [1, 4] in training: one value a channel has no variance; use a larger batch, or eval()",
  });
});
