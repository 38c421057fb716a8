/**
 * Compute pipelines by their full source text, so that a stale cache key cannot happen.
 * @module
 */

/** A pipeline and the layout of its only bind group. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compiles sources once. Failures are kept and reported by {@linkcode Pipelines.check}. */
export class Pipelines {
  readonly #gpu: GPUDevice;
  readonly #made = new Map<string, Pipeline>();
  readonly #unchecked: { label: string; source: string; module: GPUShaderModule }[] = [];

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** The pipeline of a source; compiled on first use. */
  get(source: string, label: string): Pipeline {
    let made = this.#made.get(source);
    if (made === undefined) {
      const module = this.#gpu.createShaderModule({ code: source, label });
      this.#unchecked.push({ label, source, module });
      const pipeline = this.#gpu.createComputePipeline({
        layout: "auto",
        compute: { module, entryPoint: "main" },
        label,
      });
      made = { pipeline, layout: pipeline.getBindGroupLayout(0) };
      this.#made.set(source, made);
    }
    return made;
  }

  /** Number of pipelines compiled so far. */
  get size(): number {
    return this.#made.size;
  }

  /** Messages about sources that did not compile, with line and text; empty if all did. */
  async check(): Promise<string> {
    const reports: string[] = [];
    for (const { label, source, module } of this.#unchecked.splice(0)) {
      const { messages } = await module.getCompilationInfo();
      for (const { type, lineNum, message } of messages) {
        if (type === "error") {
          reports.push(`${label}, line ${lineNum}: ${message.trim()}\n${source.split("\n")[lineNum - 1] ?? source}`);
        }
      }
    }
    return reports.join("\n");
  }
}
