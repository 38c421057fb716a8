import assert from "node:assert/strict";
import type { GpuPlan, GpuTraits } from "../../../tensor/device/kernel.ts";
import { convGpu, convWeightGpu } from "../../../tensor/ops/conv.wgsl.ts";
import { convDepthwiseGpu, convDepthwiseWeightGpu } from "../../../tensor/ops/conv_depthwise.wgsl.ts";
import type { ConvArgs, ConvWindow } from "../../../tensor/ops/conv_kernel.ts";
import { naiveConv, naiveConvWeight } from "../../../tensor/ops/conv_naive.ts";
import { convNaiveGpu, convWeightNaiveGpu } from "../../../tensor/ops/conv_naive.wgsl.ts";
import { convRegisterGpu, convWeightRegisterGpu } from "../../../tensor/ops/conv_register.wgsl.ts";
import { convTiledGpu } from "../../../tensor/ops/conv_tiled.wgsl.ts";
import { convWeightTiledGpu } from "../../../tensor/ops/conv_weight_tiled.wgsl.ts";
import { type Case, cases, compare, data, depthwise, extent, line, scattered, toArgs } from "./conv_cases.ts";
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
    for (const c of [...cases.filter((c) => !c.flipped), ...depthwise]) {
      await checkWeight(runner, backward[name], describe(name, c), toArgs(c));
    }
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

/** Of WavLM base: the positional convolution with 32 recordings of 3 s, and the first convolutions with as many as one binding holds. */
const wavlm: Case[] = [
  { batch: 32, groups: 16, channels: [48, 48], size: line(149), kernel: line(128), padding: [0, 64] },
  { batch: 6, channels: [1, 512], size: line(48000), kernel: line(10), stride: [1, 5] },
  { batch: 6, channels: [512, 512], size: line(9599), kernel: line(3), stride: [1, 2] },
];

for (const traits of [softwareTraits, hardwareTraits]) {
  Deno.test(`scratch of WavLM's convolutions fits into 128 MiB, ${traits.software ? "software" : "hardware"}`, () => {
    for (const c of wavlm.map(toArgs)) {
      for (const { scratch = [], dispatches } of [convGpu(c, traits), convWeightGpu(c, traits)]) {
        assert.ok(Math.max(0, ...scratch) <= 2 ** 27, `${scratch} bytes for ${c.batch} x ${c.groups * c.inChannels}`);
        for (const { grid, label } of dispatches) assert.ok(Math.max(...grid) <= 65535, `${label}: grid of ${grid}`);
      }
    }
  });
}
