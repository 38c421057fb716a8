/**
 * What the matrix product kernels share: the words of their uniform, WGSL that reads them, bindings and epilogue.
 * @module
 */
import type { MatmulArgs } from "./matmul_kernel.ts";
import { floatBits, uniformLets } from "./wgsl.ts";

/** Names of the uniform's words, in order. */
const NAMES = [
  ..."m n k batch1 a0 aBatch0 aBatch1 aRow aCol b0 bBatch0 bBatch1 bRow bCol c0 cBatch0 cBatch1 cRow".split(" "),
  ..."bias0 alpha".split(" "),
];

/** Number of words of {@linkcode matmulWords}. */
export const MATMUL_WORDS = NAMES.length;

/** The words every kernel of the family begins its uniform with. */
export function matmulWords({ batch, m, n, k, a, b, c, alpha, bias }: MatmulArgs): number[] {
  return [
    ...[m, n, k, batch[1]],
    ...[a.offset, a.batch[0], a.batch[1], a.row, a.col],
    ...[b.offset, b.batch[0], b.batch[1], b.row, b.col],
    ...[c.offset, c.batch[0], c.batch[1], c.row],
    ...[bias ?? 0, floatBits(alpha)],
  ];
}

/** Storage bindings, and the uniform with `extra` words after the common ones. */
export function matmulBindings(args: MatmulArgs, extra = 0): string {
  const arrays = ["a", "b", ...(args.bias === null ? [] : ["bias"])];
  const last = arrays.length;
  return [
    ...arrays.map((name, i) => `@group(0) @binding(${i}) var<storage, read> ${name}: array<f32>;`),
    `@group(0) @binding(${last}) var<storage, read_write> c: array<f32>;`,
    `@group(0) @binding(${last + 1}) var<uniform> P: array<vec4<u32>, ${Math.ceil((MATMUL_WORDS + extra) / 4)}>;`,
  ].join("\n");
}

/** Indices of [A, B, bias?, C] among inputs and outputs of the call. */
export function matmulBindingIndices(args: MatmulArgs): number[] {
  return args.bias === null ? [0, 1, 2] : [0, 1, 2, 3];
}

/** `let` lines for the uniform's words. */
export function matmulLets(extra: readonly string[] = []): string {
  return uniformLets([...NAMES, ...extra], ["alpha"]);
}

/** The expression stored for the sum `acc` of column `col`. */
export function epilogue(args: MatmulArgs, acc: string, col: string): string {
  const scaled = args.alpha === 1 ? acc : `alpha * ${acc}`;
  const biased = args.bias === null ? scaled : `${scaled} + bias[bias0 + ${col}]`;
  return args.activation === "relu" ? `max(${biased}, 0.0)` : biased;
}

/** Sizes for profiles. */
export function matmulLabel(name: string, { batch, m, n, k }: MatmulArgs): string {
  const batches = batch[0] * batch[1];
  return `${name} ${batches > 1 ? `${batches}x` : ""}${m}x${n}x${k}`;
}
