/**
 * A captured step on the GPU: a flat list of (pipeline, bind group, grid), encoded anew each time and submitted at once.
 * @module
 */
import type { Program } from "../device/device.ts";
import type { Call, Dispatch } from "../device/kernel.ts";
import type { WebGpuDevice } from "./device.ts";
import type { Pipeline } from "./pipelines.ts";
import type { TexelRead } from "./texel_reads.ts";
import { type Bound, copyToTexels, neededCopies, type TexelCopy } from "./texture_pool.ts";

/** A dispatch with its pipeline and the buffers it binds. */
export interface Prepared extends Pipeline {
  readonly dispatch: Dispatch;
  readonly ranges: readonly Bound[];
  /** Those of its bindings that are textures, copied from their ranges before it runs. */
  readonly reads: readonly TexelRead[];
  readonly call: Call;
}

const ALIGNMENT = 256;

/** Replays dispatches; creating bind groups costs more than encoding them, so they are made once. */
export class WebGpuProgram implements Program {
  readonly #device: WebGpuDevice;
  readonly #prepared: readonly Prepared[];
  readonly #groups: readonly GPUBindGroup[];
  /** Copies to textures before each dispatch. */
  readonly #copies: readonly (readonly TexelCopy[])[];
  readonly #uniforms: GPUBuffer;
  readonly #release: () => void;

  constructor(device: WebGpuDevice, prepared: readonly Prepared[], release: () => void) {
    this.#device = device;
    this.#prepared = prepared;
    this.#release = release;
    const offsets: number[] = [];
    let end = 0;
    for (const { dispatch } of prepared) {
      offsets.push(end);
      end += Math.ceil((dispatch.uniform?.byteLength ?? 0) / ALIGNMENT) * ALIGNMENT;
    }
    const words = new Uint32Array(Math.max(ALIGNMENT, end) / 4);
    prepared.forEach(({ dispatch }, i) => dispatch.uniform && words.set(dispatch.uniform, offsets[i] / 4));
    this.#uniforms = device.gpu.createBuffer({
      size: words.byteLength,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    device.gpu.queue.writeBuffer(this.#uniforms, 0, words);
    const texelsOf = prepared.map((p) => {
      const texels = device.takeTexels(p);
      device.giveTexels(texels); // for the next dispatch: the queue keeps order
      return texels;
    });
    this.#copies = neededCopies(prepared, texelsOf);
    this.#groups = prepared.map((p, i) =>
      device.bindGroup(p, { uniforms: this.#uniforms, offset: offsets[i], texels: texelsOf[i] })
    );
  }

  get kernels(): number {
    return this.#prepared.length;
  }

  run(): void {
    const { gpu, timestamps } = this.#device;
    this.#device.flush();
    const encoder = gpu.createCommandEncoder();
    let pass: GPUComputePassEncoder | null = null;
    for (let i = 0; i < this.#prepared.length; i++) {
      const prepared = this.#prepared[i];
      if (timestamps !== null || this.#copies[i].length > 0) {
        pass?.end();
        pass = null;
        for (const copy of this.#copies[i]) copyToTexels(encoder, copy);
      }
      pass ??= encoder.beginComputePass(timestamps?.next(prepared) ?? {});
      pass.setPipeline(prepared.pipeline);
      pass.setBindGroup(0, this.#groups[i]);
      pass.dispatchWorkgroups(...prepared.dispatch.grid);
    }
    pass?.end();
    gpu.queue.submit([encoder.finish()]);
  }

  dispose(): void {
    this.#uniforms.destroy();
    this.#release();
  }
}
