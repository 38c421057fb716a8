import assert from "node:assert/strict";
import { PHILOX_WGSL } from "../../../tensor/expr/philox.wgsl.ts";
import { GpuRunner } from "../gpu_runner.ts";
import { philox, randomBlock } from "../philox.ts";

Deno.test("the reference Philox gives the published vectors", () => {
  // Random123's kat_vectors, philox4x32 with 10 rounds.
  assert.deepEqual(philox([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  assert.deepEqual(philox([ones, ones, ones, ones], [ones, ones]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  assert.deepEqual(
    philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  );
});

Deno.test("Philox in WGSL gives the reference's words and numbers", async () => {
  const runner = await GpuRunner.open();
  if (!runner) return;
  const source = `
@group(0) @binding(0) var<storage, read> state: array<i32>;
@group(0) @binding(1) var<storage, read_write> words: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> numbers: array<f32>;
${PHILOX_WGSL}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let s = bitcast<vec4<u32>>(vec4<i32>(state[0], state[1], state[2], state[3]));
  words[id.x] = philox(id.x * 0x9e3779b9u, s.z + 5u, s.w, s.x, s.y);
  numbers[id.x] = randomAt(id.x + 1000u, 5u, s.x, s.y, s.z, s.w);
}`;
  const state = [0xdeadbeef, 0x12345678, 0xfffffffe, 0x9abcdef0];
  const count = 256;
  const [words, numbers] = await runner.run(
    { dispatches: [{ label: "philox", source, bindings: [0, 1, 2], grid: [count / 64, 1, 1] }] },
    [Int32Array.from(state)],
    [new Float32Array(count * 4), new Float32Array(count)],
  );
  const bits = new Uint32Array(words.buffer);
  const [key, base] = [state.slice(0, 2), [(state[2] + 5) >>> 0, state[3]]];
  for (let i = 0; i < count; i++) {
    const expected = philox([Math.imul(i, 0x9e3779b9) >>> 0, ...base, 0], key);
    assert.deepEqual([...bits.subarray(i * 4, i * 4 + 4)], expected);
    assert.equal(numbers[i], randomBlock((i + 1000) >> 4, 5, state)[(i + 1000) & 15]);
  }
  runner.close();
});
