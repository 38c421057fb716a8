/**
 * The webgpu device: memory, transfers, and kernels enqueued as compute dispatches.
 * @module
 */
import type { Device, DeviceMemory, Program } from "../device/device.ts";
import type { Call, Dispatch, GpuPlan, GpuTraits } from "../device/kernel.ts";
import type { Handle } from "../device/storage.ts";
import type { AdapterFacts } from "./adapter.ts";
import { BufferPool, GpuRange, LEAST_BINDING } from "./buffer_pool.ts";
import { Pipelines } from "./pipelines.ts";
import { type Prepared, WebGpuProgram } from "./program.ts";
import { type TexelRead, textureBindings, withTexelReads, withTexelStores } from "./texel_reads.ts";
import { type Bound, copiesFor, copyToTexels, isTexels, rowsOf, type TexelArray, TexturePool } from "./texture_pool.ts";
import { type KernelTime, Timestamps } from "./timestamps.ts";

/** Uniform space for the dispatches between two submits. */
const UNIFORM_BYTES = 1 << 16;
const UNIFORM_ALIGNMENT = 256;

/** Where the scratch of a call comes from, by its number and size. */
interface Scratch {
  range(index: number, bytes: number): GpuRange;
  texels(index: number, rows: number): TexelArray;
}

/** A device on WebGPU. Opened by {@linkcode openDevice}. */
export class WebGpuDevice implements Device {
  readonly type = "webgpu";
  readonly description: string;
  readonly gpu: GPUDevice;
  readonly traits: GpuTraits;
  readonly pipelines: Pipelines;
  readonly #pool: BufferPool;
  readonly #textures: TexturePool;
  readonly #texelBytes: number;
  readonly #uniforms: GPUBuffer;
  readonly #uniformWords = new Uint32Array(UNIFORM_BYTES / 4);
  #uniformEnd = 0;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #failure: string | null = null;
  #lost = false;
  #closed = false;
  /** Set while {@linkcode profile} runs. */
  #timestamps: Timestamps | null = null;

  constructor(gpu: GPUDevice, { description, software, texelBytes }: AdapterFacts) {
    this.gpu = gpu;
    this.description = `${description}${software ? " (software)" : ""}`;
    const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = gpu.limits;
    this.traits = {
      software,
      maxWorkgroupInvocations: maxComputeInvocationsPerWorkgroup,
      maxWorkgroupStorage: maxComputeWorkgroupStorageSize,
    };
    this.pipelines = new Pipelines(gpu);
    this.#pool = new BufferPool(gpu);
    this.#textures = new TexturePool(gpu);
    this.#texelBytes = texelBytes;
    this.#uniforms = gpu.createBuffer({ size: UNIFORM_BYTES, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    gpu.lost?.then(({ message, reason }) => this.#noteLost(`${reason ?? "unknown"}: ${message}`));
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault?.();
      this.#noteError((event as GPUUncapturedErrorEvent).error);
    });
  }

  #noteLost(why: string): void {
    if (this.#closed || this.#lost) return;
    this.#lost = true;
    this.#failure = `the GPU device was lost (${why}); resume from the last checkpoint, or use --device cpu`;
  }

  #noteError(error: { readonly message: string }): void {
    const message = error.message.trim();
    if (/device is lost|device lost/i.test(message)) return this.#noteLost(message); // sometimes heard before `lost` is
    const memory = /memory/i.test(message) ||
      (typeof GPUOutOfMemoryError !== "undefined" && error instanceof GPUOutOfMemoryError);
    this.#failure ??= memory ? `out of GPU memory: use a smaller batch or model (${message})` : `internal: ${message}`;
  }

  allocate(bytes: number): Handle {
    this.#requireOpen();
    return this.#pool.take(bytes);
  }

  release(handle: Handle): void {
    if (!this.#closed) this.#pool.give(handle as GpuRange);
  }

  range(handle: Handle, byteOffset: number, bytes: number): Handle {
    const { buffer, offset } = handle as GpuRange;
    return new GpuRange(buffer, offset + byteOffset, Math.max(LEAST_BINDING, bytes));
  }

  write(handle: Handle, byteOffset: number, data: ArrayBufferView): void {
    this.#requireOpen();
    const { buffer, offset } = handle as GpuRange;
    this.flush(); // queue.writeBuffer overtakes commands that are recorded and not yet submitted
    this.gpu.queue.writeBuffer(
      buffer,
      offset + byteOffset,
      data.buffer as ArrayBuffer,
      data.byteOffset,
      data.byteLength,
    );
  }

  async read(handle: Handle, byteOffset: number, bytes: number): Promise<ArrayBuffer> {
    this.#requireOpen();
    const { buffer, offset } = handle as GpuRange;
    if (bytes === 0) return new ArrayBuffer(0);
    const staging = this.gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    this.#endPass();
    this.#encoder ??= this.gpu.createCommandEncoder();
    this.#encoder.copyBufferToBuffer(buffer, offset + byteOffset, staging, 0, bytes);
    this.flush();
    try {
      await staging.mapAsync(GPUMapMode.READ);
      const copy = staging.getMappedRange().slice(0);
      await this.#throwFailure();
      return copy;
    } catch (error) {
      this.#noteError(error as Error);
      await this.#throwFailure();
      throw error;
    } finally {
      staging.destroy();
    }
  }

  /** Everything a dispatch needs but its uniform: pipeline, and what it binds. */
  prepare(call: Call, scratch: Scratch): Prepared[] {
    const plan = call.kernel.webgpu(call.args, this.traits);
    const given = [...call.inputs, ...call.outputs].map((s) => s.handle as GpuRange);
    const bound: Bound[] = [
      ...given,
      ...(plan.scratch ?? []).map((bytes, i) =>
        this.#canBeTexture(plan, { index: given.length + i, bytes })
          ? scratch.texels(i, rowsOf({ size: bytes }))
          : scratch.range(i, bytes)
      ),
    ];
    return plan.dispatches.map((dispatch) => {
      const ranges = dispatch.bindings.map((b) => bound[b]);
      const { source, reads } = this.#sourceOf(dispatch, ranges);
      return { dispatch, ...this.#pipelineOf(dispatch, source), ranges, reads, call };
    });
  }

  /** Whether scratch can be a texture instead of a buffer: every dispatch only reads or only writes it, and it is worth it. */
  #canBeTexture({ dispatches }: GpuPlan, { index, bytes }: { index: number; bytes: number }): boolean {
    if (bytes < this.#texelBytes || rowsOf({ size: bytes }) > this.#textures.maxRows) return false;
    return dispatches.every(({ source, bindings }) => {
      const binding = bindings.indexOf(index);
      if (binding < 0) return true;
      const { reads, writes } = textureBindings(source);
      return reads.includes(binding) || writes.includes(binding);
    });
  }

  /** A dispatch's source, with textures for what it reads where that pays, and where it binds them anyway. */
  #sourceOf({ source }: Dispatch, bound: readonly Bound[]): { source: string; reads: readonly TexelRead[] } {
    if (this.#texelBytes === Infinity) return { source, reads: [] };
    const isTexture = (binding: number) => isTexels(bound[binding]);
    const stored = withTexelStores(source, isTexture);
    let free = this.#textures.maxBindings - bound.filter(isTexels).length;
    const fits = (binding: number) => rowsOf(bound[binding]) <= this.#textures.maxRows && free-- > 0;
    const all = withTexelReads(stored, (binding) => isTexture(binding) || fits(binding));
    const copied = all.reads.filter(({ binding }) => !isTexture(binding));
    const bytes = copied.reduce((sum, { binding }) => sum + bound[binding].size, 0);
    if (bytes >= this.#texelBytes) return { source: all.source, reads: copied };
    return { source: withTexelReads(stored, isTexture).source, reads: [] };
  }

  #pipelineOf(dispatch: Dispatch, source: string) {
    if (Math.max(...dispatch.grid) > 65535) {
      throw new RangeError(`internal: ${dispatch.label} has a grid of ${dispatch.grid}`);
    }
    return this.pipelines.get(source, dispatch.label);
  }

  /** Textures for what a dispatch reads as such, in the order of `reads`. */
  takeTexels({ reads, ranges }: Prepared): TexelArray[] {
    return reads.map(({ binding, format }) => this.#textures.take(format, rowsOf(ranges[binding])));
  }

  /** Takes textures back. */
  giveTexels(texels: Iterable<TexelArray>): void {
    if (!this.#closed) { for (const each of texels) this.#textures.give(each); }
  }

  /** Bind group of a dispatch whose uniform lies at `offset` of `uniforms`. */
  bindGroup(
    { dispatch, layout, ranges, reads }: Prepared,
    { uniforms, offset, texels }: { uniforms: GPUBuffer; offset: number; texels: readonly TexelArray[] },
  ): GPUBindGroup {
    const entries: GPUBindGroupEntry[] = ranges.map((bound, binding) => {
      if (isTexels(bound)) return { binding, resource: bound.view };
      const { buffer, offset, size } = bound;
      return { binding, resource: { buffer, offset, size } };
    });
    reads.forEach(({ binding }, i) => entries[binding] = { binding, resource: texels[i].view });
    if (dispatch.uniform !== undefined) {
      entries.push({
        binding: ranges.length,
        resource: { buffer: uniforms, offset, size: dispatch.uniform.byteLength },
      });
    }
    return this.gpu.createBindGroup({ layout, entries });
  }

  run(call: Call): void {
    this.#requireOpen();
    const ranges: GpuRange[] = [], texels: TexelArray[] = [];
    const scratch: Scratch = {
      range: (_, bytes) => kept(ranges, this.#pool.take(bytes)),
      texels: (_, rows) => kept(texels, this.#textures.take("rgba32float", rows)),
    };
    for (const prepared of this.prepare(call, scratch)) this.#enqueue(prepared);
    // scratch is free again for the next call: the queue keeps order
    for (const range of ranges) this.#pool.give(range);
    this.giveTexels(texels);
  }

  #enqueue(prepared: Prepared): void {
    const { dispatch, pipeline } = prepared;
    const bytes = dispatch.uniform?.byteLength ?? 0;
    if (this.#uniformEnd + bytes > UNIFORM_BYTES) this.flush();
    const at = this.#uniformEnd;
    if (dispatch.uniform !== undefined) {
      this.#uniformWords.set(dispatch.uniform, at / 4);
      this.#uniformEnd += Math.ceil(bytes / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT;
    }
    const texels = this.takeTexels(prepared);
    const group = this.bindGroup(prepared, { uniforms: this.#uniforms, offset: at, texels });
    this.#encoder ??= this.gpu.createCommandEncoder();
    if (texels.length > 0) {
      this.#endPass();
      for (const copy of copiesFor(prepared, texels)) copyToTexels(this.#encoder, copy);
      this.giveTexels(texels); // free again for the next dispatch: the queue keeps order
    }
    if (this.#timestamps !== null) this.#endPass();
    this.#pass ??= this.#encoder.beginComputePass(this.#timestamps?.next(prepared) ?? {});
    this.#pass.setPipeline(pipeline);
    this.#pass.setBindGroup(0, group);
    this.#pass.dispatchWorkgroups(...dispatch.grid);
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  /** Submits what is recorded. Uniforms are written first: their queue write lands before the commands that read them. */
  flush(): void {
    if (this.#encoder === null) return;
    this.#endPass();
    if (this.#uniformEnd > 0) {
      this.gpu.queue.writeBuffer(this.#uniforms, 0, this.#uniformWords, 0, this.#uniformEnd / 4);
    }
    this.gpu.queue.submit([this.#encoder.finish()]);
    this.#encoder = null;
    this.#uniformEnd = 0;
  }

  compile(calls: readonly Call[]): Program {
    this.#requireOpen();
    // scratch is shared by all calls of the program: the largest wish so far for each number
    const ranges: GpuRange[] = [], texels: TexelArray[] = [];
    const owned: GpuRange[] = [], ownedTexels: TexelArray[] = [];
    const scratch: Scratch = {
      range: (i, bytes) => ranges[i]?.size >= bytes ? ranges[i] : ranges[i] = kept(owned, this.#pool.take(bytes)),
      texels: (i, rows) =>
        texels[i]?.rows >= rows ? texels[i] : texels[i] = kept(ownedTexels, this.#textures.take("rgba32float", rows)),
    };
    const prepared = calls.flatMap((call) => this.prepare(call, scratch));
    return new WebGpuProgram(this, prepared, () => {
      for (const range of owned) if (!this.#closed) this.#pool.give(range);
      this.giveTexels(ownedTexels);
    });
  }

  async synchronize(): Promise<void> {
    this.#requireOpen();
    this.flush();
    await this.gpu.queue.onSubmittedWorkDone();
    await this.#throwFailure();
  }

  /** Throws what went wrong since the last await. */
  async #throwFailure(): Promise<void> {
    // errors are delivered as events: give them a turn of the event loop
    await new Promise((resolve) => setTimeout(resolve, 0));
    const report = this.#lost ? "" : await this.pipelines.check();
    if (report !== "" && !this.#lost) this.#failure = `internal: a shader does not compile: ${report}`;
    if (this.#failure !== null) throw new Error(`Cannot go on: ${this.#failure}`);
  }

  /** Runs `body` with a timestamp around every dispatch; null where the adapter has no timestamps. */
  async time(body: () => void | Promise<void>): Promise<KernelTime[] | null> {
    if (!this.gpu.features.has("timestamp-query")) return null;
    this.flush();
    this.#timestamps = new Timestamps(this.gpu);
    try {
      await body();
      this.flush();
      return await this.#timestamps.read();
    } finally {
      this.#timestamps.destroy();
      this.#timestamps = null;
    }
  }

  /** Timestamps for program passes while profiling. */
  get timestamps(): Timestamps | null {
    return this.#timestamps;
  }

  memory(): DeviceMemory {
    const memory = this.#pool.memory();
    return { ...memory, reserved: memory.reserved + this.#textures.bytes };
  }

  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#pool.close();
    this.#textures.close();
    this.#uniforms.destroy();
    this.gpu.destroy();
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error("Cannot use a device after close()");
    if (this.#failure !== null) throw new Error(`Cannot go on: ${this.#failure}`);
  }
}

/** Notes what has to be given back. */
function kept<T>(list: T[], item: T): T {
  list.push(item);
  return item;
}
