/**
 * Runs elementwise kernels: compiles each structure once and fills in the block of arguments.
 * @module
 */
import { type ElementwiseArgs, structureKey } from "../expr/expr.ts";
import { floatBits, type JobFunction, type Jobs, MAX_CHUNKS } from "./jobs.ts";
import type { CpuSlice } from "./runtime.ts";
import { ElementwiseLayout, elementwiseModule, RANDOM_BYTES, type StrideClass } from "./wasm/elementwise.ts";

/** Elements below which a kernel is not divided. */
const MIN_CHUNK = 16384;

/** What is known of a kernel before storages are: kept as long as its arguments. */
interface Prepared {
  readonly job: JobFunction;
  readonly layout: ElementwiseLayout;
  readonly chunks: number;
  /** The block of arguments, addresses missing. */
  readonly block: Int32Array;
}

/** Compiles and runs elementwise kernels. */
export class Elementwise {
  readonly #jobs: Jobs;
  readonly #compiled = new Map<string, JobFunction>();
  readonly #prepared = new WeakMap<ElementwiseArgs, Prepared>();

  constructor(jobs: Jobs) {
    this.#jobs = jobs;
  }

  run(args: ElementwiseArgs, inputs: readonly CpuSlice[], outputs: readonly CpuSlice[]): void {
    let prepared = this.#prepared.get(args);
    if (prepared === undefined) {
      prepared = this.#prepare(args);
      this.#prepared.set(args, prepared);
    }
    const { block, layout, job, chunks } = prepared;
    if (chunks === 0) return;
    args.outputs.forEach((o, i) => block[layout.outputs + i] = outputs[i].ptr + 4 * o.offset);
    args.inputs.forEach((o, i) => block[layout.inputs + i] = inputs[i].ptr + 4 * o.offset);
    if (layout.randomNodes.length > 0) this.#placeRandom(args, prepared);
    this.#jobs.run(job, block, chunks);
  }

  #placeRandom(args: ElementwiseArgs, { block, layout }: Prepared): void {
    layout.randomNodes.forEach((node, i) => {
      block[layout.randoms + 2 * i] = block[layout.inputs + node.state];
      block[layout.randoms + 2 * i + 1] = args.counters[node.counter];
    });
    const { ptr, stride } = this.#jobs.scratch(RANDOM_BYTES * layout.randomNodes.length);
    block[ElementwiseLayout.scratch] = ptr;
    block[ElementwiseLayout.scratchStride] = stride;
  }

  #prepare(args: ElementwiseArgs): Prepared {
    const layout = new ElementwiseLayout(args);
    const shape = args.shape.length === 0 ? [1] : args.shape;
    const total = shape.reduce((a, b) => a * b, 1);
    const chunk = Math.max(MIN_CHUNK, Math.ceil(total / MAX_CHUNKS / 16) * 16);
    const block = new Int32Array(layout.words);
    block[ElementwiseLayout.total] = total;
    block[ElementwiseLayout.chunk] = chunk;
    block[ElementwiseLayout.inner] = shape[shape.length - 1];
    block.set(shape.slice(0, -1), layout.sizes);
    args.inputs.forEach((input, i) => {
      const strides = args.shape.length === 0 ? [0] : input.strides;
      block.set(strides.map((s) => 4 * s), layout.strides + i * layout.axes);
    });
    block.set(args.scalars.map(floatBits), layout.scalars);
    return { job: this.#compile(args), layout, chunks: Math.ceil(total / chunk), block };
  }

  #compile(args: ElementwiseArgs): JobFunction {
    const classes = args.inputs.map((input) => strideClass(input.strides[args.shape.length - 1] ?? 0));
    const sizes = `${args.shape.length},${args.inputs.length},${args.scalars.length}`;
    const key = `${structureKey(args)}|${classes.join()}|${sizes}`;
    let job = this.#compiled.get(key);
    if (job === undefined) {
      job = this.#jobs.load(elementwiseModule(args, classes, this.#jobs.heap.target), ["run"]).run;
      this.#compiled.set(key, job);
    }
    return job;
  }
}

function strideClass(stride: number): StrideClass {
  return stride === 0 ? "repeat" : stride === 1 ? "next" : "any";
}
