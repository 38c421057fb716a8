import assert from "node:assert/strict";
import { CpuDevice } from "../../../tensor/cpu/device.ts";
import type { Call, Kernel } from "../../../tensor/device/kernel.ts";
import { Storage } from "../../../tensor/device/storage.ts";

/** y += factor, through scratch memory. */
const addKernel: Kernel<{ readonly factor: number }> = {
  name: "add",
  cpu({ factor }, [x], [y], runtime) {
    const scratch = runtime.scratch(x.f32.byteLength);
    x.f32.forEach((v, i) => scratch.f32[i] = v + factor);
    y.f32.set(scratch.f32.subarray(0, x.f32.length));
  },
  webgpu: () => ({ dispatches: [] }),
};

function storage(device: CpuDevice, values: readonly number[]): Storage {
  const handle = device.allocate(4 * values.length);
  device.write(handle, 0, Float32Array.from(values));
  return new Storage(device, 4 * values.length, handle);
}

async function values(device: CpuDevice, { handle, bytes }: Storage): Promise<number[]> {
  assert.ok(handle !== null);
  return [...new Float32Array(await device.read(handle, 0, bytes))];
}

function call(input: Storage, output: Storage, factor: number): Call {
  const typed: Call<{ readonly factor: number }> = {
    kernel: addKernel,
    args: { factor },
    inputs: [input],
    outputs: [output],
  };
  return typed as Call;
}

Deno.test("a device says what it is", () => {
  const device = new CpuDevice();
  assert.match(device.description, /^CPU, WebAssembly (relaxed )?SIMD, \d threads?$/);
  assert.equal(device.type, "cpu");
  device.close();
});

Deno.test("bytes written are read back, as a copy", async () => {
  const device = new CpuDevice();
  const s = storage(device, [1, 2, 3, 4]);
  assert.ok(s.handle !== null);
  device.write(s.handle, 8, Float32Array.from([7, 8, 9]).subarray(1, 2));
  const first = await device.read(s.handle, 4, 8);
  assert.deepEqual([...new Float32Array(first)], [2, 8]);
  device.write(s.handle, 4, new Float32Array(1));
  assert.deepEqual([...new Float32Array(first)], [2, 8]);
  device.close();
});

Deno.test("calls run at once, programs replay, and scratch memory is given back", async () => {
  const device = new CpuDevice();
  const [x, y] = [storage(device, [1, 2, 3]), storage(device, [0, 0, 0])];
  const before = device.memory();
  device.run(call(x, y, 10));
  assert.deepEqual(await values(device, y), [11, 12, 13]);
  const program = device.compile([call(y, y, 1), call(y, x, 0.5)]);
  assert.equal(program.kernels, 2);
  for (let i = 0; i < 3; i++) program.run();
  assert.deepEqual(await values(device, x), [14.5, 15.5, 16.5]);
  program.dispose();
  assert.deepEqual(device.memory(), before);
  device.close();
});

Deno.test("memory counts storages, and a range is part of its whole", async () => {
  const device = new CpuDevice();
  const empty = device.memory();
  assert.deepEqual([empty.used, empty.buffers], [0, 0]);
  const handle = device.allocate(1000);
  const part = device.range(handle, 256, 8);
  assert.deepEqual([device.memory().used, device.memory().buffers], [1000, 1]);
  device.write(part, 4, Int32Array.from([42]));
  assert.equal(new Int32Array(await device.read(handle, 260, 4))[0], 42);
  device.release(part);
  assert.equal(device.memory().used, 1000);
  assert.throws(() => device.range(handle, 996, 8), /no range of 8 bytes/);
  device.release(handle);
  assert.deepEqual([device.memory().used, device.memory().buffers], [0, 0]);
  await assert.rejects(device.read(part, 0, 4), /released storage/);
  device.close();
});

Deno.test("a hook sees every kernel with its time", () => {
  const device = new CpuDevice();
  const x = storage(device, [1]);
  const seen: [string, number][] = [];
  device.onKernel = ({ kernel }, microseconds) => seen.push([kernel.name, microseconds]);
  device.run(call(x, x, 1));
  device.compile([call(x, x, 1)]).run();
  device.onKernel = null;
  device.run(call(x, x, 1));
  assert.deepEqual(seen.map(([name]) => name), ["add", "add"]);
  assert.ok(seen.every(([, time]) => time >= 0));
  device.close();
});

Deno.test("a closed device refuses, and devices can be opened and closed again and again", async () => {
  for (let i = 0; i < 20; i++) {
    const device = new CpuDevice();
    const s = storage(device, [i]);
    assert.deepEqual(await values(device, s), [i]);
    device.close();
    device.close();
    assert.throws(() => device.allocate(4), /^Error: Cannot use the CPU device: it is closed$/);
    assert.throws(() => device.run(call(s, s, 1)), /it is closed/);
    await assert.rejects(values(device, s), /it is closed/);
  }
});

Deno.test("handles of others and storages without memory are refused", () => {
  const device = new CpuDevice();
  const s = storage(device, [1]);
  const virtual = new Storage(device, 4, null);
  assert.throws(() => device.run(call(virtual, s, 1)), /a storage without memory/);
  assert.throws(() => device.write({}, 0, new Float32Array(1)), /a foreign handle/);
  device.close();
});
