import assert from "node:assert/strict";
import { arange, full, ones, onesLike, scope, tensor, zeros, zerosLike } from "../../tensor/mod.ts";
import { cpuDevice } from "../../tensor/device/current.ts";
import { assertClose } from "../close.ts";
import { forEachDevice, onWebGpu } from "../devices.ts";

forEachDevice("tensors are made of numbers, nested arrays, typed arrays and counts", async (device) => {
  await assertClose(tensor(3), [3], { shape: [] });
  await assertClose(tensor([[1, 2], [3, 4]]), [1, 2, 3, 4], { shape: [2, 2] });
  await assertClose(tensor([[], []]), [], { shape: [2, 0] });
  await assertClose(tensor(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] }).select(1, 1), [2, 4]);
  const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  await assertClose(tensor(view), [1, 2]);
  assert.equal(tensor(Int32Array.of(1)).dtype, "int32");
  assert.equal(tensor([1.7], { dtype: "int32" }).dtype, "int32");
  await assertClose(tensor([1.7, -1.7], { dtype: "int32" }), [1, -1]);
  await assertClose(tensor(Int32Array.of(1, 2), { dtype: "float32" }).mul(0.5), [0.5, 1]);
  await assertClose(zeros([2]), [0, 0]);
  await assertClose(ones([1, 2], { dtype: "int32" }), [1, 1], { shape: [1, 2] });
  await assertClose(full([], 2.5), [2.5], { shape: [] });
  await assertClose(zerosLike(tensor([1, 2])), [0, 0]);
  assert.equal(onesLike(tensor(Int32Array.of(5))).dtype, "int32");
  await assertClose(arange(2, 8, 2), [2, 4, 6]);
  assert.equal(arange(0, 3).dtype, "int32");
  await assertClose(arange(1, 0, -0.25), [1, 0.75, 0.5, 0.25]);
  assert.equal(tensor([1]).device, device);
});

forEachDevice("reading gives a copy of any view, and what was assigned last", async () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  const before = x.transpose(0, 1).slice(0, 1).data();
  x.assign(Float32Array.of(9, 9, 9, 9, 9, 9));
  assert.deepEqual([...await before], [2, 5, 3, 6]);
  const copy = await x.data();
  copy[0] = 0;
  assert.deepEqual([...await x.data()], [9, 9, 9, 9, 9, 9]);
  assert.ok(copy instanceof Float32Array && await tensor(Int32Array.of(1)).data() instanceof Int32Array);
  assert.equal(await tensor([[7]]).item(), 7);
});

forEachDevice("many reads at once and reads inside a scope", async () => {
  const tensors = Array.from({ length: 40 }, (_, i) => tensor([i, i + 1]).mul(2));
  const data = await Promise.all(tensors.map((t) => t.data()));
  data.forEach((d, i) => assert.deepEqual([...d], [2 * i, 2 * i + 2]));
  let inside: Promise<ArrayLike<number>> | undefined;
  scope(() => {
    inside = tensor([[1, 2], [3, 4]]).transpose(0, 1).data();
  });
  tensor([5, 5, 5, 5]);
  assert.deepEqual(Array.from(await inside!), [1, 3, 2, 4]);
});

forEachDevice("freed tensors say so", async () => {
  const gone = scope(() => void tensor([1])) ?? tensor([1]);
  gone.dispose();
  gone.dispose();
  await assert.rejects(gone.data(), {
    message:
      "Cannot read a tensor that was freed when its scope ended or by dispose(), or that a captured step did not return",
  });
  assert.throws(() => gone.add(1), { message: /an operand was freed when its scope ended or by dispose\(\)/ });
  assert.throws(() => gone.assign(Float32Array.of(1)), {
    message: "Cannot assign to a tensor that was freed or belongs to a captured step",
  });
});

onWebGpu("tensors on two devices do not mix", (device) => {
  const [x, y] = [tensor([1], { device }), tensor([1], { device: cpuDevice() })];
  assert.throws(() => x.add(y), {
    name: "TypeError",
    message: "Cannot add a tensor on webgpu and one on cpu: make both on one device",
  });
  assert.throws(() => y.matmul(x), { name: "TypeError", message: /^Cannot matmul a tensor on cpu and one on webgpu/ });
});

Deno.test("errors of making, reading and assigning", async () => {
  assert.throws(() => tensor([[1, 2], [3]]), {
    name: "TypeError",
    message: "Cannot make a tensor of nested arrays of different lengths",
  });
  assert.throws(() => tensor([1, 2, 3], { shape: [2] }), {
    name: "TypeError",
    message: "Cannot make [2] from 3 numbers",
  });
  assert.throws(() => arange(0, 5, 0), { name: "RangeError", message: "Cannot count from 0 to 5 by 0" });
  assert.throws(() => zeros([1.5]), { name: "TypeError" });
  assert.throws(() => tensor(Int32Array.of(1), { requiresGrad: true }), {
    name: "TypeError",
    message: "Cannot require a gradient of an int32 tensor",
  });
  await assert.rejects(tensor([1, 2]).item(), {
    name: "TypeError",
    message: "Cannot read one item of [2]: it has 2 elements",
  });
  assert.throws(() => tensor([1, 2]).assign(Float32Array.of(1)), {
    name: "TypeError",
    message: "Cannot assign Float32Array of 1 to float32 [2]",
  });
  assert.throws(() => tensor([1]).assign(Int32Array.of(1)), {
    name: "TypeError",
    message: "Cannot assign Int32Array of 1 to float32 [1]",
  });
});
