import assert from "node:assert/strict";
import { Heap, type HeapSlice } from "../../../tensor/cpu/heap.ts";
import { Jobs } from "../../../tensor/cpu/jobs.ts";
import { WasmRuntime } from "../../../tensor/cpu/wasm_runtime.ts";
import type { ConvArgs } from "../../../tensor/ops/conv_kernel.ts";
import { naiveConv, naiveConvWeight } from "../../../tensor/ops/conv_naive.ts";
import { type Case, cases, compare, data, depthwise, extent, line, scattered, toArgs } from "../ops/conv_cases.ts";

/** A runtime and what its jobs run on. */
function open(threads: number, options: ConstructorParameters<typeof Heap>[0] = {}) {
  const heap = new Heap(options);
  const jobs = new Jobs(heap, threads);
  return { heap, jobs, runtime: new WasmRuntime(heap, jobs) };
}

type Machine = ReturnType<typeof open>;

function place({ heap }: Machine, values: Float32Array): HeapSlice {
  const slice = heap.allocate(4 * values.length);
  slice.f32.set(values);
  return slice;
}

/** Runs a kernel on copies of the inputs and returns the output, which begins as sevens. */
function run(
  machine: Machine,
  inputs: readonly Float32Array[],
  size: number,
  kernel: (inputs: HeapSlice[], output: HeapSlice) => void,
): Float32Array {
  const slices = [...inputs, new Float32Array(size).fill(7)].map((values) => place(machine, values));
  kernel(slices.slice(0, -1), slices.at(-1)!);
  const result = slices.at(-1)!.f32.slice();
  for (const slice of slices) machine.heap.release(slice);
  return result;
}

function forward(machine: Machine, c: ConvArgs): Float32Array {
  const { x, weight, bias } = data(c);
  const inputs = c.bias === null ? [x, weight] : [x, weight, bias];
  return run(machine, inputs, extent(c.y, c.batch), (slices, y) => machine.runtime.conv(c, slices, [y]));
}

function weightGradient(machine: Machine, c: ConvArgs): Float32Array {
  const { x, weight, y } = data(c);
  return run(machine, [x, y], weight.length, (slices, out) => machine.runtime.convWeight(c, slices, [out]));
}

function check(machine: Machine, shape: Case): void {
  const c = toArgs(shape);
  const { x, weight, bias, y: g } = data(c);
  const y = new Float32Array(extent(c.y, c.batch)).fill(7);
  naiveConv(c, { x, weight, bias: c.bias === null ? null : bias, y });
  const terms = c.inChannels * c.kernel[0] * c.kernel[1];
  compare(`y of ${JSON.stringify(shape)}`, forward(machine, c), y, 4e-6 * Math.sqrt(terms) + 1e-6);
  if (shape.gaps || shape.flipped) return; // a weight's gradient is contiguous
  const wanted = weight.slice();
  naiveConvWeight(c, { x, g, weight: wanted });
  const positions = c.batch * c.outSize[0] * c.outSize[1];
  const name = `weight of ${JSON.stringify(shape)}`;
  compare(name, weightGradient(machine, c), wanted, 4e-6 * Math.sqrt(positions) + 1e-6);
}

/** Several blocks of each kind: channels, taps, columns, rows, positions, splits. */
const large: Case[] = [
  { batch: 2, channels: [90, 110], size: line(40), kernel: line(5), padding: [0, 2], bias: true, relu: true },
  { batch: 1, channels: [3, 4], size: line(1301), kernel: line(7), bias: true },
  { batch: 2, channels: [44, 5], size: [20, 47], kernel: [3, 3], padding: [1, 1], bias: true },
  { batch: 3, channels: [2, 9], size: [33, 40], kernel: [3, 4], stride: [2, 3], padding: [2, 0], dilation: [2, 1] },
  { batch: 1, channels: [130, 200], size: line(9), kernel: line(3), dilation: [1, 4] },
  { batch: 2, channels: [3, 5], size: [30, 600], kernel: [2, 3] },
];
const wide: Case[] = [
  { batch: 3, groups: 40, channels: [1, 1], size: line(301), kernel: line(31), padding: [0, 15], bias: true },
  {
    batch: 3,
    groups: 37,
    channels: [1, 1],
    size: line(301),
    kernel: line(31),
    padding: [0, 15],
    last: true,
    bias: true,
  },
  { batch: 1, groups: 34, channels: [1, 1], size: [7, 50], kernel: [3, 3], last: true, relu: true, stride: [2, 3] },
  { batch: 2, groups: 3, channels: [1, 1], size: [40, 33], kernel: [5, 2], padding: [2, 3], dilation: [1, 2] },
];

Deno.test("fast convolutions equal the plain loops", () => {
  const machine = open(2);
  for (const c of [...cases, ...scattered, ...depthwise, ...large, ...wide]) check(machine, c);
  machine.jobs.close();
});

Deno.test("convolutions run without relaxed SIMD and without shared memory", () => {
  const machine = open(1, { shared: false, relaxed: false });
  for (const c of [...large.slice(0, 1), ...wide]) check(machine, c);
});

Deno.test("convolutions do not depend on the number of threads", () => {
  const [one, three] = [open(1), open(3)];
  for (const c of [...large, ...wide].map(toArgs)) {
    assert.deepEqual(forward(one, c), forward(three, c));
    assert.deepEqual(weightGradient(one, c), weightGradient(three, c));
  }
  three.jobs.close();
});
