import assert from "node:assert/strict";
import { Buffer, Dropout, Linear, Module, ModuleList, Parameter, ReLU, Sequential } from "../../nn/mod.ts";
import { scope, type Tensor, tensor } from "../../tensor/mod.ts";

class Block extends Module {
  readonly in_proj = new Linear(2, 3);
  readonly drop = new Dropout(0.25);
  readonly scale = new Parameter([3]);
  readonly running_mean = new Buffer([3]);
  readonly steps = new Buffer([], "int32");
  readonly rate = 0.5;
  readonly #hidden = new Linear(1, 1);
  readonly nothing = null;
  forward(x: Tensor): Tensor {
    return this.#hidden.training ? this.in_proj.forward(x).mul(this.scale) : x;
  }
}

class Net extends Module {
  readonly layers = new ModuleList([new Block(), new Block()]);
  readonly head = new Sequential(new Linear(3, 4, { bias: false }), new ReLU());
}

const blockNames = (at: string) => ["scale", "in_proj.weight", "in_proj.bias"].map((name) => `layers.${at}.${name}`);

Deno.test("Names are field names joined by dots; private fields, numbers and null have none", () => {
  const net = new Net();
  assert.deepEqual(
    net.namedParameters().map(([name]) => name),
    [...blockNames("0"), ...blockNames("1"), "head.0.weight"],
  );
  assert.deepEqual(net.namedBuffers().map(([name]) => name), [
    "layers.0.running_mean",
    "layers.0.steps",
    "layers.1.running_mean",
    "layers.1.steps",
  ]);
  assert.deepEqual(new Block().namedModules().map(([name]) => name), ["", "in_proj", "drop"]);
  assert.deepEqual(new Set(Object.keys(net.stateDict())).size, 11);
  assert.equal(net.numParameters, 2 * (3 + 6 + 3) + 12);
});

Deno.test("A parameter under two names is trained once and saved under both", () => {
  class Tied extends Module {
    readonly one = new Linear(2, 2, { bias: false });
    readonly two = this.one;
  }
  const tied = new Tied();
  assert.equal(tied.parameters().length, 1);
  assert.deepEqual(Object.keys(tied.stateDict()), ["one.weight", "two.weight"]);
});

Deno.test("train and eval reach every module and return the module", () => {
  const net = new Net();
  const modes = () => new Set(net.namedModules().map(([, module]) => module.training));
  assert.deepEqual(modes(), new Set([true]));
  assert.equal(net.eval(), net);
  assert.deepEqual(modes(), new Set([false]));
  assert.deepEqual((net.train(), modes()), new Set([true]));
});

Deno.test("Parameters require gradients, start as zeros and outlive scopes; buffers require none", async () => {
  const block = scope(() => {
    const made = new Block();
    return made.scale === null ? null : made;
  });
  assert.deepEqual([...await block!.scale.data()], [0, 0, 0]);
  assert.deepEqual([...await block!.steps.data()], [0]);
  assert.equal(block!.scale.requiresGrad, true);
  assert.equal(block!.running_mean.requiresGrad, false);
  assert.equal(block!.steps.dtype, "int32");
});

Deno.test("Parts in plain arrays and trained plain tensors are refused by name", () => {
  class Listed extends Module {
    readonly layers = [new Linear(1, 1)];
  }
  assert.throws(() => new Listed().parameters(), {
    name: "TypeError",
    message: 'Cannot name the parts in field "layers" of Listed: put them into a ModuleList instead of an array',
  });
  class Plain extends Module {
    readonly scale = tensor([1], { requiresGrad: true });
  }
  assert.throws(() => new Plain().parameters(), {
    name: "TypeError",
    message: 'Cannot train field "scale" of Plain: make it a Parameter instead of a tensor',
  });
});

Deno.test("ModuleList is indexed, counted and iterated", () => {
  const [a, b] = [new Linear(1, 2), new Linear(2, 3)];
  const list = new ModuleList([a, b]);
  assert.equal(list.length, 2);
  assert.equal(list[1], b);
  assert.deepEqual([...list], [a, b]);
});

Deno.test("A module prints as a tree with settings and shapes", () => {
  const text = `Net(
  (layers): ModuleList(
    (0): Block(
      scale=[3], running_mean=[3], steps=[], rate=0.5
      (in_proj): Linear(weight=[3, 2], bias=[3])
      (drop): Dropout(p=0.25)
    )
    (1): Block(
      scale=[3], running_mean=[3], steps=[], rate=0.5
      (in_proj): Linear(weight=[3, 2], bias=[3])
      (drop): Dropout(p=0.25)
    )
  )
  (head): Sequential(
    (0): Linear(weight=[4, 3])
    (1): ReLU()
  )
)`;
  assert.equal(String(new Net()), text);
  assert.equal(Deno.inspect(new Net()), text);
});
