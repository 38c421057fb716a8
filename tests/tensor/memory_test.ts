import assert from "node:assert/strict";
import { type Device, memory, scope, type Tensor, tensor } from "../../tensor/mod.ts";
import { assertClose } from "../close.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";

/** Buffers that `body` leaves in use. */
function left(device: Device, body: () => unknown): number {
  const before = memory(device).buffers;
  body();
  return memory(device).buffers - before;
}

forEachDevice("a scope frees what was made in it, except its result", async (device) => {
  const outside = tensor([1, 2]);
  let kept: { pair: Tensor[]; map: Map<string, Tensor>; number: number } | undefined;
  assert.equal(left(device, () => scope(() => outside.add(1).mul(2).exp())), 1);
  assert.equal(
    left(device, () => {
      kept = scope(() => {
        const y = outside.mul(3);
        return { pair: [y, y.slice(0, 1)], map: new Map([["z", y.add(1)]]), number: 4 };
      });
    }),
    2, // y and its view share memory
  );
  await assertClose(kept!.pair[1], [6]);
  await assertClose(kept!.map.get("z")!, [4, 7]);
  await assertClose(outside, [1, 2]);
});

forEachDevice("nested scopes hand results to the outer one; an error frees everything", async (device) => {
  const x = tensor([1]);
  let result: Tensor | undefined;
  assert.equal(left(device, () => result = scope(() => scope(() => x.add(1)).mul(5))), 1);
  await assertClose(result!, [10]);
  assert.equal(left(device, () => scope(() => void scope(() => x.add(1)))), 0);
  assert.equal(left(device, () => assert.throws(() => scope(() => assert.fail(String(x.add(1).size))), /1/)), 0);
});

forEachDevice("gradients of tensors made outside stay, those of tensors made inside go", async (device) => {
  const x = tensor([1, 2], { requiresGrad: true });
  const gone = left(device, () =>
    scope(() => {
      const inner = tensor([3, 4], { requiresGrad: true });
      inner.mul(x).sum().backward();
      assert.notEqual(inner.grad, null);
    }));
  assert.equal(gone, 1); // x.grad
  await assertClose(x.grad!, [3, 4]);
  const leaf = scope(() => {
    const inner = tensor([5], { requiresGrad: true });
    inner.mul(2).backward();
    return inner;
  });
  await assertClose(leaf.grad!, [2]);
});

forEachDevice("dispose frees a tensor, its views and its gradient at once", (device) => {
  const made = left(device, () => {
    const x = tensor([1, 2], { requiresGrad: true });
    scope(() => x.sum().backward());
    x.dispose();
    assert.equal(x.slice(0, 1).storage.handle, null);
  });
  assert.equal(made, 0);
});

/** One step of a small model: forward, backward, gradients started anew; the loss stays. */
function step(parameters: Tensor[], x: Tensor): Tensor {
  return scope(() => {
    for (const p of parameters) p.grad = null;
    const [weight, bias] = parameters;
    const loss = x.matmul(weight).add(bias).relu().softmax().square().mean();
    loss.backward();
    return loss;
  });
}

forEachDevice("memory is flat over 1,000 eager steps", async (device) => {
  const parameters = [drawn(1, [8, 6]), drawn(2, [6])].map((p) => p.requireGrad());
  const x = drawn(3, [4, 8]);
  for (let i = 0; i < 20; i++) step(parameters, x).dispose();
  const before = memory(device);
  // without a pause, so that the garbage collector cannot help
  for (let i = 0; i < 1000; i++) step(parameters, x).dispose();
  assert.deepEqual(memory(device), before);
  assert.ok(Number.isFinite(await step(parameters, x).item()));
});

Deno.test("scope refuses a promise and frees what was made", () => {
  assert.throws(() => scope(async () => await 1), {
    name: "TypeError",
    message: "Cannot await inside scope: return tensors and read them after it",
  });
});
