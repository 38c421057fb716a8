import assert from "node:assert/strict";
import type { Kernel } from "../../../tensor/device/kernel.ts";
import { run } from "../../../tensor/memory.ts";
import { openDevice, rand, type Tensor, tensor, zeros } from "../../../tensor/mod.ts";
import { WebGpuDevice } from "../../../tensor/webgpu/device.ts";
import { assertClose } from "../../close.ts";
import { forEachDevice, onWebGpu } from "../../devices.ts";

/** A device of its own, for tests that break it. */
async function withOwnDevice(body: (device: WebGpuDevice) => Promise<void>): Promise<void> {
  const device = await openDevice("webgpu");
  assert.ok(device instanceof WebGpuDevice);
  try {
    await body(device);
  } finally {
    device.close();
  }
}

/** A kernel without inputs that writes its only output by a WGSL statement. */
function writing(statement: string): Kernel {
  const source = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  ${statement}
}`;
  return {
    name: "writing",
    cpu() {},
    webgpu: () => ({ dispatches: [{ label: "writing 1", source, bindings: [0], grid: [1, 1, 1] }] }),
  };
}

const launch = (kernel: Kernel, out: Tensor) => run({ kernel, args: {}, inputs: [], outputs: [out.storage] });

forEachDevice("a write from the host does not overtake kernels that were enqueued before it", async () => {
  const x = tensor([1, 2]);
  const results: Tensor[] = [];
  for (let i = 0; i < 5; i++) {
    x.assign(Float32Array.of(i, 10 * i));
    results.push(x.mul(2));
  }
  x.assign(Float32Array.of(-1, -1));
  for (const [i, t] of results.entries()) await assertClose(t, [2 * i, 20 * i], { tolerance: 0 });
});

forEachDevice("more kernels than one submission holds, each with numbers of its own", async () => {
  let x = zeros([3]);
  for (let i = 1; i <= 700; i++) x = x.add(i);
  await assertClose(x, [245350, 245350, 245350], { tolerance: 0 });
});

forEachDevice("more elements than one dimension of a grid holds", async () => {
  const n = 65535 * 64 + 70;
  const x = zeros([n]);
  const y = x.add(1).slice(0, n - 3);
  await assertClose(y, [1, 1, 1], { tolerance: 0 });
  for (const t of [x, y, y.add(1)]) t.dispose();
});

onWebGpu(
  "a shader that does not compile is an error with line and source at the next await, and at later ones",
  () =>
    withOwnDevice(async (device) => {
      const x = tensor([1], { device });
      launch(writing("y[id.x] = 1u;"), x);
      for (const wait of [() => x.data(), () => device.synchronize()]) {
        await assert.rejects(wait, (error: Error) => {
          assert.match(error.message, /^Cannot go on: internal: a shader does not compile: writing 1, line 4: /);
          assert.match(error.message, /y\[id\.x\] = 1u;/);
          return true;
        });
      }
      assert.throws(() => x.add(1), /^Error: Cannot go on: internal: /);
    }),
);

onWebGpu("a device that was lost says so at the next await, with what to do", () =>
  withOwnDevice(async (device) => {
    const x = tensor([1], { device });
    const pending = x.add(1);
    device.gpu.destroy();
    const lost =
      /^Error: Cannot go on: the GPU device was lost \(.*\); resume from the last checkpoint, or use --device cpu$/;
    await assert.rejects(pending.data(), lost);
    await assert.rejects(device.synchronize(), lost);
    assert.throws(() => tensor([1], { device }), lost);
  }));

onWebGpu("a device is lost while a read is under way", () =>
  withOwnDevice(async (device) => {
    const reading = tensor([1], { device }).add(1).data();
    device.gpu.destroy();
    await assert.rejects(reading, /the GPU device was lost/);
  }));

onWebGpu("open, compute and close twenty times; nothing is in use after close", async () => {
  for (let i = 0; i < 20; i++) {
    const device = await openDevice("webgpu");
    const x = rand([100], { device }).add(i);
    const mean = await x.mean().item();
    assert.ok(mean > i && mean < i + 1);
    x.mul(2); // still enqueued
    device.close();
    device.close();
    assert.deepEqual(device.memory(), { used: 0, reserved: 0, buffers: 0 });
    assert.throws(() => x.add(1), { message: "Cannot use a device after close()" });
    await assert.rejects(x.data(), { message: "Cannot use a device after close()" });
  }
});

onWebGpu("more than a buffer can hold is refused at once", (device) => {
  const limit = Math.min(device.gpu.limits.maxStorageBufferBindingSize, device.gpu.limits.maxBufferSize);
  assert.throws(() => zeros([limit / 4 + 1]), {
    name: "RangeError",
    message: `Cannot allocate ${
      4 * (Math.floor(limit / 4) + 1)
    } bytes: a buffer on this adapter holds at most ${limit}; use smaller batches`,
  });
});

onWebGpu("freed buffers are used again", (device) => {
  tensor([1, 2, 3]).dispose();
  const before = device.memory();
  for (let i = 0; i < 100; i++) tensor([i]).dispose();
  assert.deepEqual(device.memory(), before);
});
