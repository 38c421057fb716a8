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
      "1 extra (head.weight), 1 shape conflict (layers.0.weight is [2, 3], wanted [3, 2]); " +
      "its own names are layers.0.weight, layers.0.bias, layers.1.weight, layers.1.bias",
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

forEachDevice("A prefix comes off, and what does not begin with it is passed over", async () => {
  const [one, two] = [new Stack(), new Stack()];
  const saved = await one.stateArrays();
  const entries = Object.entries(saved).map(([name, values]) => [`state_dict.model.${name}`, values] as const);
  const file = { ...Object.fromEntries(entries), "optimizer.m": array([7]) };
  assert.deepEqual(two.loadStateDict(file, { prefix: "state_dict.model." }), { missing: [], extra: [] });
  assert.deepEqual(await two.stateArrays(), saved);
  const layer = new Linear(3, 2);
  layer.loadStateDict(saved, { prefix: "layers.1." });
  assert.deepEqual((await layer.stateArrays()).weight, saved["layers.1.weight"]);
});

forEachDevice("Names change by a table or a function, and null leaves an array out", async () => {
  const arrays = { "net.w": array([1, 2], 3), "net.b": array([1], 4), "net.steps": array([1], 5) };
  const table = { w: "weight", b: "bias", steps: null };
  for (const rename of [table, (name: string) => table[name as "w"]]) {
    const linear = new Linear(2, 1);
    assert.deepEqual(linear.loadStateDict(arrays, { prefix: "net.", rename }), { missing: [], extra: [] });
    assert.deepEqual([...await linear.weight.data(), ...await linear.bias!.data()], [3, 3, 4]);
  }
  const report = new Linear(2, 1).loadStateDict(arrays, { prefix: "net.", rename: { w: "weight" }, strict: false });
  assert.deepEqual(report, { missing: ["bias"], extra: ["net.b", "net.steps"] }, "names as they are in the file");
});

Deno.test("What prefix and rename cannot do is said, and changes nothing", async () => {
  const linear = new Linear(2, 1), before = await linear.stateArrays();
  const arrays = { w: array([1, 2]), bias: array([1]), constructor: array([1]) } as Record<string, StateArray>;
  const refused = (options: Parameters<Linear["loadStateDict"]>[1], what: string) =>
    assert.throws(() => linear.loadStateDict(arrays, options), {
      name: "TypeError",
      message: `Cannot load the state dict into Linear: ${what}`,
    });
  refused({ prefix: "model.", strict: false }, 'none of its names begins with "model."');
  refused({ rename: { w: "bias" } }, "both w and bias are renamed to bias");
  refused(
    { rename: { bias: "b" } },
    "2 missing (weight, bias), 3 extra (w, bias, constructor); its own names are weight, bias",
  );
  assert.throws(() =>
    linear.loadStateDict(arrays, {
      rename: () => {
        throw new RangeError("mine");
      },
    }), RangeError);
  assert.deepEqual(await linear.stateArrays(), before);
});

Deno.test("Where all the names are there behind something, the message says what to take off", () => {
  const arrays = { "model.net.weight": array([1, 2]), "model.net.bias": array([1]), "loss.weight": array([3]) };
  assert.throws(() => new Linear(2, 1).loadStateDict(arrays), {
    message: "Cannot load the state dict into Linear: 2 missing (weight, bias), " +
      '3 extra (model.net.weight, model.net.bias, loss.weight); all of these are there behind "model.net.": give prefix "model.net."',
  });
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => ["x".repeat(5000) + i, array([1])]));
  assert.throws(() => new Linear(2, 1).loadStateDict(many), ({ message }: Error) => message.length < 1000);
});
