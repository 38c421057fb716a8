import assert from "node:assert/strict";
import type { GpuPlan, GpuTraits } from "../../../tensor/device/kernel.ts";
import { convGpu, convWeightGpu } from "../../../tensor/ops/conv.wgsl.ts";
import { convDepthwiseGpu, convDepthwiseWeightGpu } from "../../../tensor/ops/conv_depthwise.wgsl.ts";
import type { ConvArgs, ConvWindow, Pair } from "../../../tensor/ops/conv_kernel.ts";
import { naiveConv, naiveConvWeight } from "../../../tensor/ops/conv_naive.ts";
import { convNaiveGpu, convWeightNaiveGpu } from "../../../tensor/ops/conv_naive.wgsl.ts";
import { convRegisterGpu, convWeightRegisterGpu } from "../../../tensor/ops/conv_register.wgsl.ts";
import { convTiledGpu } from "../../../tensor/ops/conv_tiled.wgsl.ts";
import { convWeightTiledGpu } from "../../../tensor/ops/conv_weight_tiled.wgsl.ts";
import { sequence } from "../../gradcheck.ts";
import { GpuRunner, hardwareTraits, softwareTraits } from "../gpu_runner.ts";

type Variants<A> = Readonly<Record<string, (args: A) => GpuPlan>>;

const forward: Variants<ConvArgs> = {
  naive: (c) => convNaiveGpu(c, hardwareTraits),
  "chosen for software": (c) => convGpu(c, softwareTraits),
  "chosen for hardware": (c) => convGpu(c, hardwareTraits),
  register: (c) => convRegisterGpu(c),
  "register in small blocks": (c) => convRegisterGpu(c, 4096),
  "tiled 32x32": (c) => convTiledGpu(c, [32, 32]),
  "tiled 64x64": (c) => convTiledGpu(c, [64, 64]),
  "tiled 128x64": (c) => convTiledGpu(c, [128, 64]),
};
const backward: Variants<ConvWindow> = {
  naive: (c) => convWeightNaiveGpu(c, hardwareTraits),
  "chosen for software": (c) => convWeightGpu(c, softwareTraits),
  "chosen for hardware": (c) => convWeightGpu(c, hardwareTraits),
  register: (c) => convWeightRegisterGpu(c),
  "register in small blocks": (c) => convWeightRegisterGpu(c, 4096),
  "tiled 32x32": (c) => convWeightTiledGpu(c, [32, 32]),
  "tiled 64x64": (c) => convWeightTiledGpu(c, [64, 64]),
};

interface Case {
  readonly batch: number;
  readonly groups?: number;
  /** Of one group. */
  readonly channels: Pair;
  readonly size: Pair;
  readonly kernel: Pair;
  readonly stride?: Pair;
  readonly dilation?: Pair;
  readonly padding?: Pair;
  readonly bias?: boolean;
  readonly relu?: boolean;
  /** Channels of x and y lie together. */
  readonly last?: boolean;
  /** Elements left free before the first, after each row of x and after each image; y is written to every second column. */
  readonly gaps?: boolean;
  /** The window is read backwards and its channels are exchanged, as the way back to the input does. */
  readonly flipped?: boolean;
}

function imageLayout(
  channels: number,
  [rows, cols]: Pair,
  { last, gap, step }: { last: boolean; gap: number; step: number },
) {
  if (last) {
    const batch = rows * cols * channels;
    return { offset: 0, batch, channel: 1, row: cols * channels, col: channels };
  }
  const row = cols * step + gap;
  return { offset: gap, batch: rows * row * channels + gap, channel: rows * row, row, col: step };
}

function toArgs(c: Case): ConvArgs {
  const { batch, groups = 1, channels: [inChannels, outChannels], size, kernel, stride = [1, 1], dilation = [1, 1] } =
    c;
  const padding = c.padding ?? [0, 0];
  const reach = kernel.map((k, i) => dilation[i] * (k - 1));
  const outSize = size.map((n, i) => Math.floor((n + 2 * padding[i] - reach[i] - 1) / stride[i]) + 1);
  const window = kernel[0] * kernel[1];
  const plain = { offset: 0, group: outChannels * inChannels * window, row: kernel[1], col: 1 };
  const flipped = { ...plain, offset: window - 1, row: -kernel[1], col: -1, out: window, in: outChannels * window };
  const gap = c.gaps ? 3 : 0;
  return {
    ...{
      batch,
      groups,
      inChannels,
      outChannels,
      inSize: size,
      outSize: [outSize[0], outSize[1]],
      kernel,
      stride,
      dilation,
    },
    start: [-padding[0], -padding[1]],
    x: imageLayout(groups * inChannels, size, { last: c.last ?? false, gap, step: 1 }),
    weight: c.flipped ? flipped : { ...plain, out: inChannels * window, in: window },
    y: imageLayout(groups * outChannels, [outSize[0], outSize[1]], {
      last: c.last ?? false,
      gap,
      step: c.gaps ? 2 : 1,
    }),
    ...{ bias: c.bias ? gap : null, activation: c.relu ? "relu" : "none" },
  };
}

const extent = ({ offset, batch }: ConvArgs["x"], images: number) => offset + batch * images + 64;

function data(c: ConvArgs) {
  const weights = c.groups * c.outChannels * c.inChannels * c.kernel[0] * c.kernel[1];
  return {
    x: sequence(1, extent(c.x, c.batch)),
    weight: sequence(2, weights),
    bias: sequence(3, c.groups * c.outChannels + 3),
    y: sequence(4, extent(c.y, c.batch)),
  };
}

function compare(name: string, actual: ArrayLike<number>, expected: Float32Array, tolerance: number): void {
  const wrong = expected.findIndex((value, i) => !(Math.abs(actual[i] - value) <= tolerance));
  assert.equal(wrong, -1, `${name}: element ${wrong} is ${actual[wrong]}, not ${expected[wrong]}`);
}

async function checkForward(
  runner: GpuRunner,
  plan: (c: ConvArgs) => GpuPlan,
  name: string,
  c: ConvArgs,
): Promise<void> {
  const { x, weight, bias } = data(c);
  const expected = new Float32Array(extent(c.y, c.batch)).fill(7);
  naiveConv(c, { x, weight, bias: c.bias === null ? null : bias, y: expected });
  const untouched = new Float32Array(expected.length).fill(7);
  const [actual] = await runner.run(plan(c), c.bias === null ? [x, weight] : [x, weight, bias], [untouched]);
  compare(name, actual, expected, 4e-6 * Math.sqrt(c.inChannels * c.kernel[0] * c.kernel[1]) + 1e-6);
}

async function checkWeight(
  runner: GpuRunner,
  plan: (c: ConvWindow) => GpuPlan,
  name: string,
  c: ConvArgs,
): Promise<void> {
  const { x, weight, y: g } = data(c);
  const expected = weight.slice();
  naiveConvWeight(c, { x, g, weight: expected });
  const [actual] = await runner.run(plan(c), [x, g], [new Float32Array(weight.length).fill(7)]);
  compare(name, actual, expected, 4e-6 * Math.sqrt(c.batch * c.outSize[0] * c.outSize[1]) + 1e-6);
}

const line = (n: number): Pair => [1, n];
const cases: Case[] = [
  { batch: 1, channels: [1, 1], size: [1, 1], kernel: [1, 1], bias: true },
  ...[63, 64, 65, 257].map((n): Case => ({
    batch: 2,
    channels: [3, 5],
    size: line(n),
    kernel: line(3),
    padding: [0, 1],
  })),
  { batch: 3, channels: [65, 63], size: line(70), kernel: line(1), bias: true, relu: true },
  { batch: 2, channels: [20, 130], size: line(67), kernel: line(5), dilation: [1, 3], bias: true },
  {
    batch: 2,
    groups: 3,
    channels: [2, 3],
    size: line(50),
    kernel: line(4),
    stride: [1, 3],
    padding: [0, 2],
    bias: true,
  },
  { batch: 2, channels: [3, 7], size: [17, 19], kernel: [3, 3], padding: [1, 1], bias: true, relu: true },
  { batch: 1, channels: [5, 6], size: [13, 9], kernel: [3, 5], stride: [2, 1], padding: [1, 3], dilation: [1, 2] },
  { batch: 5, groups: 2, channels: [2, 4], size: [12, 11], kernel: [7, 7], stride: [2, 2], padding: [3, 3] },
  { batch: 9, channels: [33, 40], size: [4, 5], kernel: [3, 3], padding: [1, 1], flipped: true },
];
/** Layouts that the gradient of a weight does not meet. */
const scattered: Case[] = [
  { batch: 2, channels: [4, 6], size: [7, 10], kernel: [3, 2], padding: [1, 1], gaps: true, bias: true },
  { batch: 2, channels: [4, 33], size: line(40), kernel: line(3), gaps: true, flipped: true, relu: true },
];
const depthwise: Case[] = [
  { batch: 2, groups: 17, channels: [1, 1], size: line(75), kernel: line(31), padding: [0, 15], bias: true },
  { batch: 2, groups: 20, channels: [1, 1], size: line(66), kernel: line(5), padding: [0, 2], last: true, relu: true },
  {
    batch: 1,
    groups: 6,
    channels: [1, 1],
    size: [9, 8],
    kernel: [3, 3],
    padding: [1, 1],
    dilation: [2, 2],
    stride: [2, 1],
  },
  { batch: 3, groups: 5, channels: [1, 1], size: line(97), kernel: line(9), dilation: [1, 3], bias: true, last: true },
];

const describe = (name: string, c: Case) => `${name} ${JSON.stringify(c)}`;

for (const name of Object.keys(forward)) {
  Deno.test(`convolution ${name} equals the plain loops`, async () => {
    const runner = await GpuRunner.open();
    if (!runner) return;
    for (const c of [...cases, ...scattered, ...depthwise]) {
      await checkForward(runner, forward[name], describe(name, c), toArgs(c));
    }
    runner.close();
  });
}

for (const name of Object.keys(backward)) {
  Deno.test(`gradient of a convolution's weight ${name} equals the plain loops`, async () => {
    const runner = await GpuRunner.open();
    if (!runner) return;
    const own = [...cases.filter((c) => !c.flipped), ...depthwise.filter((c) => !c.last || name.startsWith("naive"))];
    for (const c of own) await checkWeight(runner, backward[name], describe(name, c), toArgs(c));
    runner.close();
  });
}

Deno.test("depthwise convolution and its weight's gradient equal the plain loops, in both memory formats", async () => {
  const runner = await GpuRunner.open();
  if (!runner) return;
  const traits: GpuTraits = softwareTraits;
  for (const c of depthwise) {
    await checkForward(runner, (args) => convDepthwiseGpu(args, traits), describe("depthwise", c), toArgs(c));
    await checkWeight(runner, (args) => convDepthwiseWeightGpu(args, traits), describe("depthwise", c), toArgs(c));
  }
  runner.close();
});
