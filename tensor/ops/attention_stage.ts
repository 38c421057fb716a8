/**
 * What the attention kernels for GPUs share: one row a thread in registers, rows of the other side staged through shared memory.
 * @module
 */
import { lines } from "./attention_code.ts";
import { attentionBackwardLets, attentionLets, declareBuffers } from "./attention_params.ts";
import { BIT_NAMES } from "./attention_bits.wgsl.ts";
import type { AttentionArgs } from "./attention_kernel.ts";

/** Rows of a workgroup, one a thread. */
export const THREADS = 64;
/** Rows of a stage; divides the 32 keys of a word of bits. Two staged arrays of 64 channels take 8 KiB. */
export const STAGE = 16;

interface Shader {
  readonly headDim: number;
  /** Whether rows of all buffers are read and written as vec4. */
  readonly vec4: boolean;
  /** Whether the uniform has the layouts of gradients. */
  readonly backward: boolean;
  /** Buffers as in {@linkcode declareBuffers}; `:head` stands for vec4 or f32, whichever rows are read as. */
  readonly buffers: readonly string[];
  /** Names of staged arrays. */
  readonly staged: readonly string[];
  readonly body: string;
}

/** A kernel whose workgroup has head `z` = (z0, z1) and rows `first` onward, this thread's being `row` (not below `rows`: none). */
export function stagedShader({ headDim, vec4, backward, buffers, staged, body }: Shader): string {
  const kind = vec4 ? ":vec4" : "";
  const width = Math.ceil(headDim / 4);
  const names = [...BIT_NAMES, "count", "tiles"];
  return `
${declareBuffers(buffers.map((buffer) => buffer.replace(":head", kind)))}
${staged.map((name) => `var<workgroup> ${name}Stage: array<vec4<f32>, ${STAGE * width}>;`).join("\n")}
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
${backward ? attentionBackwardLets(names) : attentionLets(names)}
  let index = group.y * grid.x + group.x;
  if (index >= count) { return; }
  let z = index / tiles;
  let z0 = z / heads;
  let z1 = z % heads;
  let row = (index % tiles) * ${THREADS}u + thread;
${body}
}
`;
}

/** Copies rows `from` … `from` + STAGE − 1 (repeating the last of `limit`) of `name`, laid out as `layout`, into its stage. */
export function stageRows(
  { headDim }: AttentionArgs,
  { name, layout = name, from, limit, vec4 }: {
    name: string;
    layout?: string;
    from: string;
    limit: string;
    vec4: boolean;
  },
): string {
  const width = Math.ceil(headDim / 4);
  const element = (e: number) =>
    headDim % 4 === 0 ? `${name}[at + ${e}u]` : `select(0.0, ${name}[at + ${e}u], c * 4u + ${e}u < ${headDim}u)`;
  const value = vec4 ? `${name}[at >> 2u]` : `vec4<f32>(${[0, 1, 2, 3].map(element).join(", ")})`;
  return `
    for (var quad = thread; quad < ${STAGE * width}u; quad += ${THREADS}u) {
      let c = quad % ${width}u;
      let time = min(${from} + quad / ${width}u, ${limit} - 1u);
      let at = ${layout}0 + z0 * ${layout}Batch + z1 * ${layout}Head + time * ${layout}Time + c * 4u;
      ${name}Stage[quad] = ${value};
    }`;
}

/** Reads staged row `t` into registers `{name}_0`…. */
export function readStaged(name: string, headDim: number): string {
  const width = Math.ceil(headDim / 4);
  return lines(width, (c) => `      let ${name}_${c} = ${name}Stage[t * ${width}u + ${c}u];`);
}
