/**
 * The kernel behind matrix products: C = activation(alpha · A·B + bias) over two batch axes and any strides.
 * @module
 */
import type { Kernel } from "../device/kernel.ts";
import { matmulGpu } from "./matmul.wgsl.ts";

/** How a matrix operand lies in its storage, in elements; a batch stride of 0 repeats it. */
export interface MatrixLayout {
  readonly offset: number;
  readonly batch: readonly [number, number];
  readonly row: number;
  readonly col: number;
}

/** Sizes and layouts of one (batched) product. Inputs are [A, B] or [A, B, bias]; the output is C. */
export interface MatmulArgs {
  readonly batch: readonly [number, number];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: MatrixLayout;
  readonly b: MatrixLayout;
  /** `col` is 1. */
  readonly c: MatrixLayout;
  readonly alpha: number;
  /** Element offset of a contiguous vector of n, or null without bias. */
  readonly bias: number | null;
  readonly activation: "none" | "relu";
}

/** C = activation(alpha · A·B + bias). */
export const matmulKernel: Kernel<MatmulArgs> = {
  name: "matmul",
  cpu(args, inputs, [c], runtime) {
    runtime.gemm({
      ...args,
      a: { ...args.a, slice: inputs[0] },
      b: { ...args.b, slice: inputs[1] },
      c: { ...args.c, slice: c },
      bias: args.bias === null ? undefined : { slice: inputs[2], offset: args.bias },
    });
  },
  webgpu: matmulGpu,
  flops: ({ batch, m, n, k }) => 2 * batch[0] * batch[1] * m * n * k,
  sizes: ({ batch, m, n, k }) => [...batch.filter((b) => b > 1), m, n, k].join("x"),
};
