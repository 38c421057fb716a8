import assert from "node:assert/strict";
import { type TexelRead, withTexelReads, writesOf } from "../../../tensor/webgpu/texel_reads.ts";
import { copiesFor, neededCopies, type TexelArray } from "../../../tensor/webgpu/texture_pool.ts";
import type { Prepared } from "../../../tensor/webgpu/program.ts";
import { GpuRange } from "../../../tensor/webgpu/buffer_pool.ts";
import { onWebGpu } from "../../devices.ts";
import { tensor } from "../../../mod.ts";

const SOURCE = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> at: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn main() { y[at[0]] = x[at[i + 1] * 2] + max[0] + y[i]; }`;

Deno.test("reads of read-only arrays become loads of textures, nested ones included", () => {
  const { source, reads } = withTexelReads(SOURCE, () => true);
  assert.deepEqual(reads, [{ binding: 0, format: "r32float" }, { binding: 1, format: "r32sint" }]);
  assert.ok(
    source.includes("var x_texels: texture_storage_2d<r32float, read>;") &&
      source.includes("fn at_at(i: u32) -> i32 {"),
  );
  assert.ok(source.includes("y[at_at(u32(0))] = x_at(u32(at_at(u32(i + 1)) * 2)) + max[0] + y[i];"), source);
});

Deno.test("only the arrays that are wanted are read as textures", () => {
  const { source, reads } = withTexelReads(SOURCE, (binding) => binding === 1);
  assert.deepEqual(reads.map(({ binding }) => binding), [1]);
  assert.ok(source.includes("x[at_at("));
});

Deno.test("an array that is written keeps its buffer", () => {
  assert.deepEqual(writesOf(SOURCE), [2]);
});

/** A dispatch that reads binding 0 as a texture and writes binding 1. */
function dispatchOf(read: GpuRange, written: GpuRange): Prepared {
  const source = "@group(0) @binding(1) var<storage, read_write> y: array<f32>;";
  const reads: TexelRead[] = [{ binding: 0, format: "r32float" }];
  return { dispatch: { source }, ranges: [read, written], reads } as unknown as Prepared;
}

Deno.test("a texture is filled again only after a write to what it holds, or for other numbers", () => {
  const buffers = [{}, {}] as GPUBuffer[];
  const [texels] = [{}] as TexelArray[];
  const [x, half, y] = [
    new GpuRange(buffers[0], 0, 64),
    new GpuRange(buffers[0], 32, 32),
    new GpuRange(buffers[1], 0, 64),
  ];
  const steps = [dispatchOf(x, y), dispatchOf(x, y), dispatchOf(x, half), dispatchOf(x, y), dispatchOf(y, x)];
  const needed = neededCopies(steps, steps.map(() => [texels]));
  assert.deepEqual(needed.map((copies) => copies.map(({ range }) => range)), [[x], [], [], [x], [y]]);
  assert.deepEqual(copiesFor(steps[0], [texels]), [{ range: x, texels }]);
});

onWebGpu("a tensor of more than a texture's row is read to its last element", async () => {
  for (const n of [4095, 4096, 4097, 12_293]) {
    const data = Float32Array.from({ length: n }, (_, i) => i);
    assert.deepEqual(await tensor(data).add(1).data(), data.map((x) => x + 1));
  }
});
