import assert from "node:assert/strict";
import { conv1d, type Conv1dOptions, conv2d, type Conv2dOptions, convTranspose1d } from "../../../tensor/mod.ts";
import { type Tensor, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice, forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

/** A case: x and weight shapes, options. */
interface Case {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly options?: Conv2dOptions;
}

const pair = (n: number | readonly number[] | undefined, missing: number) =>
  typeof n === "number" ? [n, n] : n ?? [missing, missing];

/** The sum of the definition in float64, over images; `padding` a number or two. */
function plain({ x: xShape, weight: wShape, options = {} }: Case, [x, w, b]: Float32Array[]): number[] {
  const [batch, channels, height, width] = xShape;
  const [out, inner, kRows, kCols] = wShape;
  const { groups = 1, activation } = options;
  const [stride, dilation] = [pair(options.stride, 1), pair(options.dilation, 1)];
  const reach = [dilation[0] * (kRows - 1), dilation[1] * (kCols - 1)];
  const same = options.padding === "same";
  const before = same ? reach.map((n) => n >> 1) : pair(options.padding as number, 0);
  const size = [height, width].map((n, i) => same ? n : Math.floor((n + 2 * before[i] - reach[i] - 1) / stride[i]) + 1);
  return tabulate([batch, out, ...size], (n, o, r, c) => {
    let sum = b[o];
    for (let i = 0; i < inner; i++) {
      const channel = Math.floor(o / (out / groups)) * inner + i;
      for (let k = 0; k < kRows; k++) {
        for (let l = 0; l < kCols; l++) {
          const row = r * stride[0] + k * dilation[0] - before[0];
          const col = c * stride[1] + l * dilation[1] - before[1];
          if (row < 0 || row >= height || col < 0 || col >= width) continue;
          sum += x[((n * channels + channel) * height + row) * width + col] *
            w[((o * inner + i) * kRows + k) * kCols + l];
        }
      }
    }
    return activation === "relu" ? Math.max(sum, 0) : sum;
  });
}

const lengths: Case[] = [1, 63, 64, 65, 257].map((time) => ({
  x: [2, 3, 1, time],
  weight: [5, 3, 1, 3],
  options: { padding: [0, 1] },
}));
const cases: Case[] = [
  ...lengths,
  { x: [1, 1, 1, 1], weight: [1, 1, 1, 1] },
  { x: [3, 65, 1, 70], weight: [63, 65, 1, 1], options: { activation: "relu" } },
  { x: [2, 20, 1, 130], weight: [33, 20, 1, 5], options: { dilation: [1, 3] } },
  { x: [2, 6, 1, 50], weight: [9, 2, 1, 4], options: { groups: 3, stride: [1, 3], padding: [0, 2] } },
  { x: [2, 17, 1, 75], weight: [17, 1, 1, 31], options: { groups: 17, padding: [0, 15] } },
  { x: [1, 8, 1, 75], weight: [8, 1, 1, 4], options: { groups: 8, padding: "same", activation: "relu" } },
  { x: [2, 6, 1, 40], weight: [12, 1, 1, 3], options: { groups: 6, padding: [0, 4], stride: [1, 2] } },
  { x: [2, 3, 17, 19], weight: [7, 3, 3, 3], options: { padding: 1 } },
  { x: [1, 1, 20, 33], weight: [32, 1, 3, 3] },
  { x: [2, 5, 13, 9], weight: [6, 5, 3, 5], options: { stride: [2, 1], padding: [1, 3], dilation: [1, 2] } },
  { x: [1, 4, 12, 11], weight: [8, 2, 7, 7], options: { stride: 2, padding: 3, groups: 2, activation: "relu" } },
  { x: [2, 6, 9, 8], weight: [6, 1, 3, 3], options: { groups: 6, padding: 1 } },
  { x: [2, 3, 6, 6], weight: [4, 3, 2, 4], options: { padding: "same" } },
  { x: [2, 16, 20, 33], weight: [17, 16, 3, 3], options: { stride: 2, padding: 1 } },
];
const nameOf = ({ x, weight, options }: Case) => `${x} by ${weight} ${JSON.stringify(options ?? {})}`;
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

forEachVariant("conv2d equals its definition on odd sizes", async () => {
  await Promise.all(cases.map(async (c) => {
    const data = [sequence(1, size(c.x)), sequence(2, size(c.weight)), sequence(3, c.weight[0])];
    const [x, w, b] = [c.x, c.weight, [c.weight[0]]].map((shape, i) => tensor(data[i], { shape }));
    await assertClose(conv2d(x, w, b, c.options), plain(c, data), { name: nameOf(c), tolerance: 1e-4 });
  }));
});

forEachVariant("gradients of conv2d equal those of its definition on odd sizes", async () => {
  for (const c of cases) {
    const data = [sequence(1, size(c.x)), sequence(2, size(c.weight)), sequence(3, c.weight[0])];
    const [x, w, b] = [c.x, c.weight, [c.weight[0]]].map((shape, i) => tensor(data[i], { shape, requiresGrad: true }));
    const y = conv2d(x, w, b, { ...c.options, activation: "none" });
    const cot = sequence(4, y.size);
    y.backward({ gradient: tensor(cot, { shape: y.shape }) });
    const [dx, dw, db] = plainGradients(c, data, cot);
    await assertClose(x.grad!, dx, { name: `x of ${nameOf(c)}`, tolerance: 1e-4 });
    await assertClose(w.grad!, dw, { name: `weight of ${nameOf(c)}`, tolerance: 1e-4 });
    await assertClose(b.grad!, db, { name: `bias of ${nameOf(c)}`, tolerance: 1e-4 });
  }
});

/** Gradients of Σ y · cot: the definition is linear in x, weight and bias, so each is a sum over the same products. */
function plainGradients({ x: xShape, weight: wShape, options = {} }: Case, [x, w]: Float32Array[], cot: Float32Array) {
  const [dx, dw, db] = [new Float64Array(x.length), new Float64Array(w.length), new Float64Array(wShape[0])];
  const [, channels, height, width] = xShape;
  const [out, inner, kRows, kCols] = wShape;
  const { groups = 1 } = options;
  const [stride, dilation] = [pair(options.stride, 1), pair(options.dilation, 1)];
  const reach = [dilation[0] * (kRows - 1), dilation[1] * (kCols - 1)];
  const same = options.padding === "same";
  const before = same ? reach.map((n) => n >> 1) : pair(options.padding as number, 0);
  const [rows, cols] = [height, width].map((n, i) =>
    same ? n : Math.floor((n + 2 * before[i] - reach[i] - 1) / stride[i]) + 1
  );
  cot.forEach((g, at) => {
    const [c, r] = [at % cols, Math.floor(at / cols) % rows];
    const [o, n] = [Math.floor(at / cols / rows) % out, Math.floor(at / cols / rows / out)];
    db[o] += g;
    for (let i = 0; i < inner; i++) {
      const channel = Math.floor(o / (out / groups)) * inner + i;
      for (let k = 0; k < kRows * kCols; k++) {
        const row = r * stride[0] + Math.floor(k / kCols) * dilation[0] - before[0];
        const col = c * stride[1] + k % kCols * dilation[1] - before[1];
        if (row < 0 || row >= height || col < 0 || col >= width) continue;
        const [xi, wi] = [((n * channels + channel) * height + row) * width + col, (o * inner + i) * kRows * kCols + k];
        dx[xi] += g * w[wi];
        dw[wi] += g * x[xi];
      }
    }
  });
  return [dx, dw, db];
}

const inputs1d = (x: number[], weight: number[], bias: number) => [
  drawn(1, x),
  drawn(2, weight),
  drawn(3, [bias]),
];

forEachDevice("conv1d and its gradients agree with central differences", async () => {
  const check = (x: number[], weight: number[], options: Conv1dOptions) =>
    gradcheckLayouts((a, w, b) => conv1d(a, w, b, options), inputs1d(x, weight, weight[0]));
  await check([2, 3, 7], [4, 3, 3], {});
  await check([1, 2, 9], [3, 2, 2], { stride: 2, padding: 1, dilation: 2 });
  await check([2, 4, 6], [4, 2, 3], { groups: 2, padding: "same" });
  await check([2, 3, 8], [3, 1, 4], { groups: 3, padding: 2 });
  await check([2, 3, 7], [2, 3, 1], {});
  await check([1, 2, 11], [2, 2, 2], { stride: 3 });
});

forEachDevice("conv2d and its gradients agree with central differences", async () => {
  const check = (x: number[], weight: number[], options: Conv2dOptions) =>
    gradcheck((a, w, b) => conv2d(a, w, b, options), inputs1d(x, weight, weight[0]));
  await check([1, 2, 4, 5], [3, 2, 2, 3], { padding: [1, 0] });
  await check([1, 2, 6, 5], [2, 1, 3, 2], { groups: 2, stride: [2, 3], padding: 1, dilation: [2, 1] });
});

forEachDevice("convTranspose1d and its gradients agree with central differences", async () => {
  const check = (x: number[], weight: number[], options: Parameters<typeof convTranspose1d>[3] & { groups?: number }) =>
    gradcheckLayouts(
      (a, w, b) => convTranspose1d(a, w, b, options),
      inputs1d(x, weight, weight[1] * (options.groups ?? 1)),
    );
  await check([2, 3, 4], [3, 2, 3], {});
  await check([1, 2, 4], [2, 3, 4], { stride: 2, padding: 1, outputPadding: 1 });
  await check([1, 4, 3], [4, 1, 2], { stride: 3, groups: 2, dilation: 2 });
});

forEachVariant("convolutions read every layout of x and weight", async () => {
  const [xShape, wShape] = [[2, 6, 13], [4, 3, 3]];
  const [x, w] = [sequence(1, size(xShape)), sequence(2, size(wShape))];
  const wide = { x: [2, 6, 1, 13], weight: [4, 3, 1, 3], options: { groups: 2, padding: [0, 1] as const } };
  const wanted = plain(wide, [x, w, new Float32Array(4)]);
  for (const { name: left, x: image } of layouts(x, xShape)) {
    for (const { name: right, x: weight } of layouts(w, wShape)) {
      const y = conv1d(image, weight, null, { groups: 2, padding: 1 });
      await assertClose(y, wanted, { name: `${left} by ${right}`, shape: [2, 4, 13] });
    }
  }
});

/** (batch, channels, time) that lies as (batch, time, channels). */
const channelsLast = (x: Tensor) => x.transpose(1, 2).contiguous().transpose(1, 2);

forEachVariant("depthwise and pointwise conv1d keep channels last, in the result and in the gradient", async () => {
  const kinds: [time: number, weight: number[], Conv1dOptions][] = [
    [37, [20, 1, 5], { groups: 20, padding: 2 }],
    [37, [9, 20, 1], {}],
    [457, [20, 1, 5], { groups: 20, padding: 2, stride: 2 }], // too much for the kernel of small ones
  ];
  for (const [time, wShape, options] of kinds) {
    const [x, w, b] = [drawn(1, [2, 20, time]), drawn(2, wShape), drawn(3, [wShape[0]])];
    const grads = async (image: Tensor) => {
      const leaves = [image.detach(), w.detach(), b.detach()].map((t) => t.requireGrad());
      const y = conv1d(leaves[0], leaves[1], leaves[2], options);
      y.square().sum().backward();
      const read = await Promise.all(leaves.map((t) => t.grad!.data()));
      return { y, read };
    };
    const [usual, last] = [await grads(x), await grads(channelsLast(x))];
    assert.equal(last.y.strides[1], 1);
    assert.ok(last.y.transpose(1, 2).isContiguous);
    await assertClose(last.y, await usual.y.data(), { tolerance: 1e-5 });
    for (const [i, grad] of last.read.entries()) {
      await assertClose(tensor(grad as Float32Array<ArrayBuffer>), usual.read[i], { tolerance: 1e-4, name: `${i}` });
    }
  }
});

forEachDevice("convTranspose1d is the way back of conv1d: <conv(x), y> = <x, convTranspose(y)>", async () => {
  const options = { stride: 3, padding: 2, dilation: 2, groups: 2 };
  const [x, w] = [drawn(1, [2, 4, 40]), drawn(2, [6, 2, 4])];
  const forward = conv1d(x, w, null, options);
  const y = drawn(3, forward.shape);
  const back = convTranspose1d(y, w, null, { ...options, outputPadding: 0 });
  const cut = x.slice(2, 0, back.shape[2]);
  const [left, right] = [await forward.mul(y).sum().item(), await cut.mul(back).sum().item()];
  assert.ok(x.shape[2] - back.shape[2] < 3);
  assert.ok(Math.abs(left - right) < 1e-3 * Math.abs(left), `${left} and ${right}`);
});

forEachDevice("an empty batch has an empty result and gradients of zero", async () => {
  const [x, w, b] = [tensor([], { shape: [0, 3, 9] }), drawn(1, [4, 3, 3]).requireGrad(), drawn(2, [4]).requireGrad()];
  const y = conv1d(x, w, b, { activation: "relu" });
  assert.deepEqual(y.shape, [0, 4, 7]);
  y.sum().backward();
  await assertClose(w.grad!, new Float32Array(36), { tolerance: 0 });
  await assertClose(b.grad!, new Float32Array(4), { tolerance: 0 });
});

Deno.test("convolutions say what does not fit", () => {
  const [x, w, b] = [drawn(1, [2, 4, 10]), drawn(2, [6, 4, 3]), drawn(3, [6])];
  const fails = (run: () => unknown, name: string, message: string) => assert.throws(run, { name, message });
  fails(
    () => conv1d(drawn(1, [4, 10]), w),
    "TypeError",
    "Cannot conv1d [4, 10]: expected (batch, channels, time)",
  );
  fails(
    () => conv2d(x, w),
    "TypeError",
    "Cannot conv2d [2, 4, 10]: expected (batch, channels, height, width)",
  );
  fails(
    () => conv1d(x, drawn(1, [6, 4])),
    "TypeError",
    "Cannot conv1d [2, 4, 10] with weight [6, 4]: the weight must have 3 axes",
  );
  fails(
    () => conv1d(x, w, null, { groups: 2 }),
    "TypeError",
    "Cannot conv1d [2, 4, 10] with weight [6, 4, 3] in 2 groups: the input has 4 channels, the weight takes 8",
  );
  fails(
    () => conv1d(x, w, null, { groups: 4 }),
    "TypeError",
    "Cannot conv1d [2, 4, 10] with weight [6, 4, 3]: 6 channels are not divisible by 4 groups",
  );
  fails(
    () => conv1d(x, w, drawn(1, [4])),
    "TypeError",
    "Cannot conv1d with bias [4]: expected [6], one for each output channel",
  );
  fails(
    () => conv1d(x, w, b, { dilation: 7, padding: 2 }),
    "TypeError",
    "Cannot conv1d [2, 4, 10] with weight [6, 4, 3]: the window spans [15], the padded input has only [14]",
  );
  fails(
    () => conv1d(x, w, b, { stride: 0 }),
    "RangeError",
    "Cannot conv1d with stride 0: expected whole numbers from 1",
  );
  fails(
    () => conv1d(x, w, b, { stride: 2, padding: "same" }),
    "RangeError",
    'Cannot conv1d with padding "same" and stride 2: "same" needs stride 1',
  );
  fails(
    () => conv1d(x, w, b, { groups: 0 }),
    "RangeError",
    "Cannot conv1d with 0 groups: expected a whole number from 1",
  );
  fails(
    () => convTranspose1d(x, drawn(1, [3, 4, 2])),
    "TypeError",
    "Cannot convTranspose1d [2, 4, 10] with weight [3, 4, 2]: the input has 4 channels, the weight takes 3",
  );
  fails(
    () => convTranspose1d(x, drawn(1, [4, 4, 2]), null, { outputPadding: 1 }),
    "RangeError",
    "Cannot convTranspose1d with outputPadding 1: it must be smaller than stride 1 or dilation 1",
  );
  fails(
    () => convTranspose1d(drawn(1, [1, 4, 1]), drawn(1, [4, 4, 2]), null, { padding: 1 }),
    "TypeError",
    "Cannot convTranspose1d [1, 4, 1] with weight [4, 4, 2]: padding 1 leaves nothing of the result",
  );
});

forEachVariant("places that no element of the window meets get the bias, or no gradient", async () => {
  const [x, weight] = [tensor([[[1, 2]]]), tensor([[[10, 100]]])];
  const spread = convTranspose1d(x, weight, tensor([7]), { stride: 3 });
  assert.deepEqual([...await spread.data()], [17, 107, 7, 27, 207]);
  const image = drawn(1, [2, 3, 5, 6]).requireGrad();
  conv2d(image, drawn(2, [4, 3, 1, 1]), null, { stride: 2 }).sum().backward();
  const grad = await image.grad!.data();
  const met = (i: number) => (i % 6) % 2 === 0 && (Math.floor(i / 6) % 5) % 2 === 0;
  grad.forEach((g, i) => assert.equal(g !== 0, met(i), `element ${i}`));
});
