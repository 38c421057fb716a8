import assert from "node:assert/strict";
import { capture, glu, tensor, zeros } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

const gate = (x: number, z: number) => x / (1 + Math.exp(-z));

forEachDevice("glu of odd sizes along each axis, in every layout", async () => {
  for (const n of [1, 63, 64, 65, 257]) {
    const values = sequence(n, 4 * n, -3, 3);
    const wide = tabulate([2, n], (i, j) => gate(values[2 * n * i + j], values[2 * n * i + n + j]));
    await assertClose(glu(tensor(values, { shape: [2, 2 * n] })), wide, { name: `${n}`, shape: [2, n] });
    const tall = tabulate([2, n], (i, j) => gate(values[n * i + j], values[n * (i + 2) + j]));
    for (const { name, x } of layouts(values, [4, n])) {
      await assertClose(glu(x, 0), tall, { name: `${n}, ${name}`, shape: [2, n] });
    }
  }
  await assertClose(glu(tensor([1, 2, -200, 200])), [0, 2]);
});

forEachDevice("gradients of glu", async () => {
  await gradcheckLayouts((x) => glu(x, 1), [drawn(1, [2, 4, 3])]);
  await gradcheckLayouts((x) => glu(x), [drawn(2, [3, 6])]);
  await gradcheckLayouts((x) => glu(x.transpose(1, 2), 1), [drawn(3, [2, 3, 4])]);
});

forEachDevice("glu keeps the memory order, and forward and backward are a kernel each", () => {
  const x = drawn(1, [2, 5, 6], -1, 1).requireGrad();
  assert.deepEqual(glu(x.transpose(1, 2), 1).strides, [15, 1, 3]);
  const step = capture((g: ReturnType<typeof zeros>) => {
    x.grad = null;
    glu(x.transpose(1, 2), 1).backward({ gradient: g });
    return glu(x.transpose(1, 2), 1);
  });
  step(drawn(2, [2, 3, 5]));
  assert.equal(step.kernels, 2);
});

Deno.test("glu refuses an odd size", () => {
  assert.throws(() => glu(zeros([2, 3])), {
    name: "TypeError",
    message: "Cannot glu [2, 3] along axis 1: 3 has no halves",
  });
});
