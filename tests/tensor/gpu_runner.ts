/**
 * A minimal WebGPU runner for kernel tests: compiles the dispatches of a plan, runs them once, reads the outputs back.
 * It knows nothing of the engine but how an adapter is found, so that kernels can be tested without it.
 * @module
 */
import type { Dispatch, GpuPlan, GpuTraits } from "../../tensor/device/kernel.ts";
import { findAdapter } from "../../tensor/webgpu/adapter.ts";

/** Traits of a software adapter, as the variants see them. */
export const softwareTraits: GpuTraits = {
  software: true,
  maxWorkgroupInvocations: 1024,
  maxWorkgroupStorage: 32768,
};

/** Traits of an ordinary GPU with the limits that WebGPU guarantees. */
export const hardwareTraits: GpuTraits = {
  software: false,
  maxWorkgroupInvocations: 256,
  maxWorkgroupStorage: 16384,
};

interface Prepared {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: readonly [number, number, number];
}

/** Runs plans on one WebGPU device. */
export class GpuRunner {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  private constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Opens the default adapter, or returns null without one (an error if VOXGRAD_REQUIRE_WEBGPU is set). */
  static async open(): Promise<GpuRunner | null> {
    const adapter = await findAdapter();
    if (!adapter) {
      if (Deno.env.get("VOXGRAD_REQUIRE_WEBGPU")) {
        throw new Error("Cannot test kernels: no WebGPU adapter found, and VOXGRAD_REQUIRE_WEBGPU is set");
      }
      console.log("No WebGPU adapter found: kernel tests are skipped");
      return null;
    }
    const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
    return new GpuRunner(
      await adapter.requestDevice({
        requiredFeatures: adapter.features.has("timestamp-query") ? ["timestamp-query"] : [],
        requiredLimits: {
          maxStorageBufferBindingSize,
          maxBufferSize,
          maxComputeInvocationsPerWorkgroup: adapter.limits.maxComputeInvocationsPerWorkgroup,
          maxComputeWorkgroupSizeX: adapter.limits.maxComputeWorkgroupSizeX,
          maxComputeWorkgroupStorageSize: adapter.limits.maxComputeWorkgroupStorageSize,
        },
      }),
    );
  }

  /** Runs `plan` once. Outputs start as their given contents (so that partial writes show) and are returned. */
  async run(
    plan: GpuPlan,
    inputs: readonly (Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>)[],
    outputs: readonly Float32Array<ArrayBuffer>[],
  ): Promise<Float32Array[]> {
    this.#device.pushErrorScope("validation");
    const buffers = this.#buffers(plan, [...inputs, ...outputs]);
    this.#submit(plan.dispatches.map((dispatch) => this.#prepare(dispatch, buffers)), 1);
    const results: Float32Array[] = [];
    for (let i = 0; i < outputs.length; i++) results.push(await this.#read(buffers[inputs.length + i]));
    const error = await this.#device.popErrorScope();
    for (const buffer of buffers) buffer.destroy();
    if (error) throw new Error(`internal: WebGPU validation failed: ${error.message}`);
    return results;
  }

  /**
   * Milliseconds a run of `plan` by the device's clock: the median over `samples` submits of `repeats` runs each. `bestMs` is
   * the least of them, `firstMs` the time of the first run, which compiles.
   */
  async time(
    plan: GpuPlan,
    inputs: readonly (Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>)[],
    outputs: readonly Float32Array<ArrayBuffer>[],
    { repeats = 5, samples = 5 }: { repeats?: number; samples?: number } = {},
  ): Promise<{ ms: number; bestMs: number; firstMs: number }> {
    const buffers = this.#buffers(plan, [...inputs, ...outputs]);
    const start = performance.now();
    const prepared = plan.dispatches.map((dispatch) => this.#prepare(dispatch, buffers));
    const created = performance.now() - start;
    const firstMs = created + await this.#timed(prepared, 1);
    const times: number[] = [];
    for (let i = 0; i < samples; i++) times.push(await this.#timed(prepared, repeats) / repeats);
    for (const buffer of buffers) buffer.destroy();
    times.sort((x, y) => x - y);
    return { ms: times[times.length >> 1], bestMs: times[0], firstMs };
  }

  /** Frees the device. */
  close(): void {
    this.#device.destroy();
  }

  #buffers(plan: GpuPlan, arrays: readonly (Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>)[]): GPUBuffer[] {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffers = arrays.map((array) => {
      const buffer = this.#device.createBuffer({ size: Math.max(4, array.byteLength), usage });
      this.#device.queue.writeBuffer(buffer, 0, array);
      return buffer;
    });
    for (const size of plan.scratch ?? []) buffers.push(this.#device.createBuffer({ size, usage }));
    return buffers;
  }

  #prepare(dispatch: Dispatch, buffers: readonly GPUBuffer[]): Prepared {
    const pipeline = this.#pipeline(dispatch.source);
    const entries: GPUBindGroupEntry[] = dispatch.bindings.map((index, binding) => ({
      binding,
      resource: { buffer: buffers[index] },
    }));
    if (dispatch.uniform) {
      const size = Math.ceil(dispatch.uniform.byteLength / 16) * 16;
      const buffer = this.#device.createBuffer({ size, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
      this.#device.queue.writeBuffer(buffer, 0, dispatch.uniform as Uint32Array<ArrayBuffer>);
      entries.push({ binding: entries.length, resource: { buffer } });
    }
    const group = this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return { pipeline, group, grid: dispatch.grid };
  }

  #pipeline(source: string): GPUComputePipeline {
    let pipeline = this.#pipelines.get(source);
    if (!pipeline) {
      const module = this.#device.createShaderModule({ code: source });
      pipeline = this.#device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
      this.#pipelines.set(source, pipeline);
    }
    return pipeline;
  }

  #submit(prepared: readonly Prepared[], repeats: number, querySet?: GPUQuerySet): void {
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass(
      querySet && { timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } },
    );
    for (let i = 0; i < repeats; i++) {
      for (const { pipeline, group, grid } of prepared) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...grid);
      }
    }
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  async #timed(prepared: readonly Prepared[], repeats: number): Promise<number> {
    const set = this.#device.createQuerySet({ type: "timestamp", count: 2 });
    this.#submit(prepared, repeats, set);
    const buffer = this.#device.createBuffer({
      size: 16,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    const encoder = this.#device.createCommandEncoder();
    encoder.resolveQuerySet(set, 0, 2, buffer, 0);
    this.#device.queue.submit([encoder.finish()]);
    const [start, end] = new BigUint64Array(await this.#readBytes(buffer));
    return Number(end - start) / 1e6;
  }

  async #read(buffer: GPUBuffer): Promise<Float32Array> {
    return new Float32Array(await this.#readBytes(buffer));
  }

  async #readBytes(buffer: GPUBuffer): Promise<ArrayBuffer> {
    const staging = this.#device.createBuffer({
      size: buffer.size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
    this.#device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const bytes = staging.getMappedRange().slice(0);
    staging.destroy();
    return bytes;
  }
}
