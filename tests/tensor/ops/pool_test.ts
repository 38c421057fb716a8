import assert from "node:assert/strict";
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  maxPool1d,
  maxPool2d,
  noGrad,
  type Tensor,
  tensor,
  zeros,
} from "../../../tensor/mod.ts";
import { assertClose } from "../../close.ts";
import { forEachDevice, forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";
import { type OracleAxis, poolOracle } from "./pool_oracle.ts";

/** Kernel, stride, padding, dilation. */
type Windows = readonly [kernel: number, stride: number, padding: number, dilation: number];

const windows: readonly Windows[] = [
  ...[[1, 1, 0, 1], [2, 2, 0, 1], [3, 2, 1, 1], [3, 1, 1, 1], [2, 3, 1, 1], [3, 2, 1, 2]] as const,
  ...[[5, 1, 2, 1], [4, 4, 2, 1], [2, 1, 0, 3]] as const,
];

const one: OracleAxis = { size: 1, kernel: 1 };
const axis = (size: number, [kernel, stride, padding, dilation]: Windows) => ({
  size,
  kernel,
  stride,
  padding,
  dilation,
});
const LINES = 3;

/** Numbers with many equal ones, as a ReLU leaves them. */
const withTies = (seed: number, count: number) => sequence(seed, count).map((v) => Math.max(0, Math.round(4 * v)));

/** Compares result and gradient with the oracle's. */
async function compare(op: (x: Tensor) => Tensor, x: Tensor, wanted: { y: number[]; dx: Float64Array }, name: string) {
  const leaf = x.detach().requireGrad();
  const y = op(leaf);
  await assertClose(y, wanted.y, { name: `${name}: y` });
  y.backward({ gradient: tensor(sequence(9, y.size), { shape: y.shape }) });
  await assertClose(leaf.grad!, wanted.dx, { name: `${name}: dx` });
  await assertClose(noGrad(() => op(leaf)), wanted.y, { name: `${name}: y without gradient` });
}

forEachDevice("pooling of lines equals plain loops for odd sizes", async () => {
  for (const n of [1, 63, 64, 65, 257]) {
    for (const w of windows) {
      const [kernelSize, stride, padding, dilation] = w;
      if (n + 2 * padding <= (kernelSize - 1) * dilation || (n === 1 && dilation > 1)) continue;
      const x = withTies(n, LINES * n);
      const line = tensor(x, { shape: [1, LINES, n] });
      const inputs = { x, g: sequence(9, 10 * n), rows: one, columns: axis(n, w), planes: LINES };
      const name = `${n} by ${w}`;
      const max = { kernelSize, stride, padding, dilation };
      await compare((x) => maxPool1d(x, max), line, poolOracle("max", inputs), `max ${name}`);
      if (dilation > 1) continue;
      for (const countIncludePad of [true, false]) {
        const options = { kernelSize, stride, padding, countIncludePad };
        const wanted = poolOracle("average", { ...inputs, countIncludePad });
        await compare((x) => avgPool1d(x, options), line, wanted, `average ${name} ${countIncludePad}`);
      }
    }
  }
});

forEachDevice("pooling of images equals plain loops, with windows of different height and width", async () => {
  for (const [height, width] of [[2, 5], [7, 65], [64, 9]]) {
    for (const [k, w] of windows.slice(1, 7).entries()) {
      const [a, b] = [w, windows[1 + (k + 2) % 6]];
      const fits = (n: number, [kernel, , padding, dilation]: Windows) =>
        n + 2 * padding > (kernel - 1) * dilation && n > dilation;
      if (!fits(height, a) || !fits(width, b)) continue;
      const x = withTies(height, 2 * height * width);
      const image = tensor(x, { shape: [2, 1, height, width] });
      const inputs = { x, g: sequence(9, 10 * x.length), rows: axis(height, a), columns: axis(width, b), planes: 2 };
      const [kernelSize, stride, padding, dilation] = [0, 1, 2, 3].map((i) => [a[i], b[i]]);
      const name = `[${height}, ${width}] by ${a} and ${b}`;
      const max = { kernelSize, stride, padding, dilation };
      await compare((x) => maxPool2d(x, max), image, poolOracle("max", inputs), `max ${name}`);
      if (dilation.some((d) => d > 1)) continue;
      for (const countIncludePad of [true, false]) {
        const options = { kernelSize, stride, padding, countIncludePad };
        const wanted = poolOracle("average", { ...inputs, countIncludePad });
        await compare((x) => avgPool2d(x, options), image, wanted, `average ${name} ${countIncludePad}`);
      }
    }
  }
});

forEachDevice("adaptive pooling equals plain loops, also where there are more windows than elements", async () => {
  for (const [height, width] of [[1, 1], [7, 65], [64, 9]]) {
    for (const [rows, columns] of [[1, 1], [3, 4], [7, 1], [9, 70]]) {
      const x = withTies(height, 2 * height * width);
      const image = tensor(x, { shape: [1, 2, height, width] });
      const size = { rows: { size: height, out: rows }, columns: { size: width, out: columns } };
      const inputs = { x, g: sequence(9, 10 * x.length + 2000), ...size, planes: 2 };
      const name = `[${height}, ${width}] to [${rows}, ${columns}]`;
      const [mean, max] = [poolOracle("average", inputs), poolOracle("max", inputs)];
      await compare((x) => adaptiveAvgPool2d(x, [rows, columns]), image, mean, `average ${name}`);
      await compare((x) => adaptiveMaxPool2d(x, [rows, columns]), image, max, `max ${name}`);
    }
    const line = sequence(1, 2 * width);
    const inputs = { x: line, g: sequence(9, 99), rows: one, columns: { size: width, out: 5 }, planes: 2 };
    const x = tensor(line, { shape: [2, 1, width] });
    await compare((x) => adaptiveAvgPool1d(x, 5), x, poolOracle("average", inputs), `average of ${width}`);
    await compare((x) => adaptiveMaxPool1d(x, 5), x, poolOracle("max", inputs), `max of ${width}`);
  }
});

forEachVariant("pooling of every memory layout, and its gradients", async () => {
  const values = sequence(3, 2 * 3 * 9);
  const wanted = poolOracle("max", { x: values, g: [1], rows: one, columns: { size: 9, kernel: 2 }, planes: 6 });
  for (const { name, x } of layouts(values, [2, 3, 9])) {
    await assertClose(maxPool1d(x, { kernelSize: 2 }), wanted.y, { name, shape: [2, 3, 4] });
  }
  // whole numbers in random order: no two are near enough for the step of the check to change which is larger
  const spread = (shape: readonly number[]) => {
    const order = [...sequence(5, shape.reduce((a, b) => a * b, 1)).entries()].sort(([, a], [, b]) => a - b);
    return tensor(Float32Array.from(order, ([i]) => i / 4), { shape });
  };
  await gradcheckLayouts((x) => maxPool1d(x, { kernelSize: 3, stride: 2, padding: 1 }), [spread([2, 2, 7])]);
  await gradcheckLayouts((x) => avgPool2d(x, { kernelSize: [2, 3], stride: 2, padding: 1 }), [drawn(1, [1, 2, 4, 5])]);
  await gradcheckLayouts((x) => maxPool2d(x, { kernelSize: 2 }), [spread([2, 1, 4, 5])]);
  await gradcheck((x) => adaptiveAvgPool2d(x, [2, 3]), [drawn(2, [1, 2, 5, 4])]);
});

forEachDevice("a maximum passes NaN on, as PyTorch's, and ignores padding", async () => {
  await assertClose(maxPool1d(tensor([[[1, NaN, 3, 4, 5, 6]]]), { kernelSize: 3 }), [NaN, 6]);
  await assertClose(maxPool1d(tensor([[[-3, -1, -2]]]), { kernelSize: 3, stride: 1, padding: 1 }), [-1, -1, -1]);
  await assertClose(maxPool2d(zeros([0, 2, 4, 4]), { kernelSize: 2 }), [], { shape: [0, 2, 2, 2] });
});

Deno.test("errors of pooling", () => {
  const x = zeros([1, 2, 5]);
  const fails = (run: () => unknown, name: string, message: string) => assert.throws(run, { name, message });
  fails(
    () => maxPool2d(zeros([3, 4]), { kernelSize: 2 }),
    "TypeError",
    "Cannot maxPool2d [3, 4]: expected (batch, channels, height, width)",
  );
  fails(
    () => maxPool1d(x, { kernelSize: 7 }),
    "RangeError",
    "Cannot maxPool1d [1, 2, 5]: a window reaches over 7, and axis 2 has 5",
  );
  fails(
    () => avgPool1d(x, { kernelSize: 8, padding: 1 }),
    "RangeError",
    "Cannot avgPool1d [1, 2, 5]: a window reaches over 8, and axis 2 has 5 with 1 before and after",
  );
  fails(
    () => avgPool1d(x, { kernelSize: 3, padding: 2 }),
    "RangeError",
    "Cannot avgPool1d with padding 2: it is more than half of the window of 3",
  );
  fails(
    () => maxPool1d(x, { kernelSize: 0 }),
    "RangeError",
    "Cannot maxPool1d with kernelSize 0: expected a whole number from 1 on",
  );
  fails(
    () => maxPool2d(zeros([1, 2, 5, 5]), { kernelSize: 2, stride: [1, 2, 3] }),
    "RangeError",
    "Cannot maxPool2d with stride [1, 2, 3]: expected 2 whole numbers from 1 on",
  );
  fails(
    () => maxPool1d(zeros([1, 1, 1]), { kernelSize: 2, padding: 1, dilation: 2 }),
    "RangeError",
    "Cannot maxPool1d [1, 1, 1]: a window of dilation 2 has padding alone",
  );
  fails(
    () => adaptiveAvgPool1d(zeros([1, 2, 0]), 3),
    "RangeError",
    "Cannot adaptiveAvgPool1d [1, 2, 0]: there are no elements",
  );
});
