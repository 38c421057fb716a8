/**
 * A minimal WebGPU runner for kernel tests: compiles the dispatches of a plan, runs them once, reads the outputs back.
 * It knows nothing of the engine, so that kernels can be tested without it.
 * @module
 */
import type { Dispatch, GpuPlan, GpuTraits } from "../../tensor/device/kernel.ts";

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
    const adapter = await navigator.gpu?.requestAdapter();
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

  /** Milliseconds a run of `plan`: medians over `samples` submits of `repeats` runs each, polling delay taken off. */
  async time(
    plan: GpuPlan,
    inputs: readonly (Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>)[],
    outputs: readonly Float32Array<ArrayBuffer>[],
    { repeats = 20, samples = 3 }: { repeats?: number; samples?: number } = {},
  ): Promise<{ ms: number; compileMs: number }> {
    const buffers = this.#buffers(plan, [...inputs, ...outputs]);
    const start = performance.now();
    const prepared = plan.dispatches.map((dispatch) => this.#prepare(dispatch, buffers));
    const compileMs = performance.now() - start;
    const times: number[] = [];
    this.#submit(prepared, 1);
    await this.#device.queue.onSubmittedWorkDone();
    for (let i = 0; i < samples; i++) {
      const t0 = performance.now();
      this.#submit(prepared, repeats);
      await this.#device.queue.onSubmittedWorkDone();
      times.push((performance.now() - t0) / repeats);
    }
    for (const buffer of buffers) buffer.destroy();
    return { ms: times.sort((a, b) => a - b)[times.length >> 1], compileMs };
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

  #submit(prepared: readonly Prepared[], repeats: number): void {
    const encoder = this.#device.createCommandEncoder();
    for (let i = 0; i < repeats; i++) {
      for (const { pipeline, group, grid } of prepared) {
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...grid);
        pass.end();
      }
    }
    this.#device.queue.submit([encoder.finish()]);
  }

  async #read(buffer: GPUBuffer): Promise<Float32Array> {
    const staging = this.#device.createBuffer({
      size: buffer.size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
    this.#device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const data = new Float32Array(staging.getMappedRange().slice(0));
    staging.destroy();
    return data;
  }
}
