import assert from "node:assert/strict";
import { isGradEnabled, noGrad, scope, tensor } from "../../tensor/mod.ts";
import { assertClose } from "../close.ts";
import { forEachDevice } from "../devices.ts";
import { drawn, gradcheck } from "../gradcheck.ts";

forEachDevice("gradients add up over several backward calls, until grad is set to null", async () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  x.mul(2).sum().backward();
  x.square().sum().backward();
  await assertClose(x.grad!, [4, 6, 8]);
  x.grad = null;
  x.mul(5).sum().backward();
  await assertClose(x.grad!, [5, 5, 5]);
});

forEachDevice("a tensor used twice, in one op and along two paths, gets both gradients", async () => {
  const x = tensor([2, -3], { requiresGrad: true });
  x.mul(x).sum().backward();
  await assertClose(x.grad!, [4, -6]);
  const shared = drawn(1, [3]);
  await gradcheck((x) => {
    const y = x.exp();
    return y.mul(y).add(y.sum()).sub(x);
  }, [shared]);
  const y = tensor([1], { requiresGrad: true });
  y.add(y).add(y).backward();
  await assertClose(y.grad!, [3]);
});

forEachDevice("deep and wide graphs", async () => {
  const x = tensor([1], { requiresGrad: true });
  let y = x;
  for (let i = 0; i < 3000; i++) y = y.add(1);
  y.backward();
  await assertClose(x.grad!, [1]);
  x.grad = null;
  Array.from({ length: 50 }, (_, i) => x.mul(i)).reduce((a, b) => a.add(b)).backward();
  await assertClose(x.grad!, [1225]);
});

forEachDevice("backward takes a gradient of the result's shape, in any layout", async () => {
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  x.square().backward({ gradient: tensor([[1, 2], [3, 4]]).transpose(0, 1) });
  await assertClose(x.grad!, [2, 12, 12, 32]);
  x.grad = null;
  x.backward({ gradient: tensor([[5, 6], [7, 8]]) });
  await assertClose(x.grad!, [5, 6, 7, 8]);
});

forEachDevice("the graph is kept only on request; a second backward says so", async () => {
  const x = tensor([3], { requiresGrad: true });
  const y = x.square().mul(2);
  y.backward({ retainGraph: true });
  y.backward();
  await assertClose(x.grad!, [24]);
  assert.throws(() => y.backward(), {
    name: "Error",
    message: "Cannot run backward twice through the same mul: pass { retainGraph: true } the first time",
  });
});

forEachDevice("detach and noGrad cut the graph; leaves without requiresGrad get nothing", async () => {
  const [x, y] = [tensor([2], { requiresGrad: true }), tensor([5])];
  x.detach().mul(x).mul(y).backward();
  await assertClose(x.grad!, [10]);
  assert.equal(y.grad, null);
  const z = noGrad(() => x.mul(3));
  assert.equal(z.requiresGrad, false);
  assert.equal(x.mul(2).requiresGrad, true);
  assert.equal(x.gt(1).requiresGrad, false);
  assert.equal(x.toInt().requiresGrad, false);
});

forEachDevice("parameters may be changed in place without leaving the graph", async () => {
  const x = tensor([1, 2], { requiresGrad: true });
  x.square().sum().backward();
  const [values, slope] = [await x.data(), await x.grad!.data()];
  x.assign(Float32Array.from(values, (v, i) => v - 0.5 * slope[i]));
  assert.equal(x.requiresGrad, true);
  await assertClose(x.add(0), [0, 0]);
});

forEachDevice(
  "a loss that left its scope still runs backward where the graph needs no freed memory, else says so",
  async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    scope(() => x.mul(3).sum()).backward();
    await assertClose(x.grad!, [3, 3]);
    const loss = scope(() => x.mul(3).square().sum());
    assert.throws(() => loss.backward(), /an operand was freed when its scope ended/);
  },
);

Deno.test("noGrad is restored after an error, and refuses a promise", () => {
  assert.throws(() => noGrad(() => assert.fail("inside")), /inside/);
  assert.ok(isGradEnabled());
  assert.equal(noGrad(() => isGradEnabled()), false);
  assert.equal(noGrad(() => noGrad(() => 1) + Number(isGradEnabled())), 1);
  assert.throws(() => noGrad(async () => await 1), {
    name: "TypeError",
    message: "Cannot await inside noGrad: await before or after it",
  });
  assert.ok(isGradEnabled());
});

Deno.test("errors of backward", () => {
  const x = tensor([1, 2], { requiresGrad: true });
  assert.throws(() => x.backward(), {
    name: "TypeError",
    message: "Cannot run backward from [2] without a gradient: reduce to one element or pass { gradient }",
  });
  assert.throws(() => x.mul(2).backward({ gradient: tensor([1]) }), {
    name: "TypeError",
    message: "Cannot run backward from [2] with a gradient of [1]",
  });
  assert.throws(() => tensor([1]).backward(), {
    name: "Error",
    message: "Cannot run backward: the tensor depends on nothing that requires a gradient",
  });
});

forEachDevice("a gradient that was disposed of makes way for a new one", async () => {
  const w = tensor([1], { requiresGrad: true });
  w.mul(2).sum().backward();
  w.grad!.dispose();
  w.grad = null;
  w.mul(3).sum().backward();
  assert.equal(await w.grad!.item(), 3);
});
