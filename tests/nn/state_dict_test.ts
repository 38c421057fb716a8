import assert from "node:assert/strict";
import { Linear, Module, ModuleList, type StateArray } from "../../nn/mod.ts";
import { manualSeed, rand } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose } from "./close.ts";

class Stack extends Module {
  readonly layers = new ModuleList([new Linear(2, 3), new Linear(3, 2)]);
}

const array = (shape: number[], value = 1): StateArray => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
});

forEachDevice("A state dict saved from one module loads into another", async () => {
  const [one, two] = [new Stack(), new Stack()];
  const saved = await one.stateArrays();
  assert.deepEqual(saved["layers.0.weight"].shape, [3, 2]);
  assert.deepEqual(two.loadStateDict(saved), { missing: [], extra: [] });
  const x = rand([4, 2]);
  await assertClose(two.layers[0].forward(x), one.layers[0].forward(x), 0);
  assert.deepEqual(await two.stateArrays(), saved);
});

forEachDevice("stateDict holds the tensors themselves, stateArrays a copy", async () => {
  manualSeed(1);
  const linear = new Linear(2, 2);
  const copy = await linear.stateArrays();
  const before = [...copy.weight.data];
  linear.stateDict().weight.assign(Float32Array.of(1, 2, 3, 4));
  assert.deepEqual([...await linear.weight.data()], [1, 2, 3, 4]);
  assert.deepEqual([...copy.weight.data], before);
});

Deno.test("Strict loading names missing, extra and misshapen arrays in one message and changes nothing", async () => {
  const stack = new Stack();
  const before = await stack.stateArrays();
  const arrays = {
    "layers.0.weight": array([2, 3]),
    "layers.0.bias": array([3], 7),
    "head.weight": array([1]),
  };
  assert.throws(() => stack.loadStateDict(arrays, { source: "a/model.safetensors" }), {
    name: "TypeError",
    message: 'Cannot load "a/model.safetensors" into Stack: 2 missing (layers.1.weight, layers.1.bias), ' +
      "1 extra (head.weight), 1 shape conflict (layers.0.weight is [2, 3], wanted [3, 2])",
  });
  assert.deepEqual(await stack.stateArrays(), before);
});

Deno.test("Many names are cut short, and conflicts are counted", () => {
  const arrays = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, array([1])]));
  assert.throws(() => new Linear(1, 1).loadStateDict({ ...arrays, weight: array([2]), bias: array([2]) }), {
    message: "Cannot load the state dict into Linear: 4 extra (a, b, c, …), " +
      "2 shape conflicts (weight is [2], wanted [1, 1], bias is [2], wanted [1])",
  });
});

Deno.test("Loading that is not strict reports the names, but a shape conflict still fails", async () => {
  const linear = new Linear(1, 1);
  const weight = [...await linear.weight.data()];
  assert.deepEqual(linear.loadStateDict({ bias: array([1], 5), more: array([1]) }, { strict: false }), {
    missing: ["weight"],
    extra: ["more"],
  });
  assert.deepEqual([...await linear.bias!.data()], [5]);
  assert.deepEqual([...await linear.weight.data()], weight);
  assert.throws(() => linear.loadStateDict({ bias: array([2]) }, { strict: false }), {
    message: "Cannot load the state dict into Linear: 1 shape conflict (bias is [2], wanted [1])",
  });
});

Deno.test("Arrays of another type or too short for their shape are conflicts", () => {
  const load = (bias: StateArray) => () => new Linear(1, 1).loadStateDict({ weight: array([1, 1]), bias });
  assert.throws(load({ shape: [1], data: Int32Array.of(1) }), /bias is int32, wanted float32/);
  assert.throws(load({ shape: [1], data: new Float32Array(2) }), /bias holds 2 numbers, wanted 1/);
  assert.throws(load(JSON.parse('{"shape": [1], "data": []}')), TypeError);
});

Deno.test("An array named like a property of every object is extra, not found", () => {
  const arrays = { weight: array([1, 1]), bias: array([1]), constructor: array([1]) };
  assert.throws(() => new Linear(1, 1).loadStateDict(arrays as never), /1 extra \(constructor\)/);
});
