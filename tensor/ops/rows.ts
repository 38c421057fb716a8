/** Kernels that work on the rows of a contiguous matrix: the glue they share. @module */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import { packed } from "./copy.ts";
import { transpose } from "./views.ts";
import { normalizeAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { foldedGrid, requireTurns, uniform } from "./wgsl.ts";

/** A matrix of contiguous rows. */
export interface RowArgs {
  readonly rows: number;
  readonly columns: number;
}

/** Applies a kernel for the last axis to any axis, by moving that axis last and back. */
export function alongLastAxis(op: string, x: Tensor, dim: number, apply: (x: Tensor) => Tensor): Tensor {
  const axis = normalizeAxis(op, dim, x.ndim);
  if (axis === x.ndim - 1) return apply(packed(x));
  return transpose(apply(packed(transpose(x, axis, -1))), axis, -1);
}

/** Pieces of a row kernel's WGSL. */
export interface RowBody {
  readonly label: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** float32 words after rows and columns, read as `scalar0`, … */
  readonly scalars?: readonly number[];
  /**
   * Statements for one row: `base` is its first element, `row` its number, `columns` its length. Loops over columns are
   * written `FOR { … }` with index `j`; `SUM(x)` and `MAX(x)` combine a private value over the lanes that share the row.
   */
  readonly body: string;
}

/** Lanes that share a row on a real GPU; a software adapter runs a row a lane, which needs no barriers. */
const LANES = 64;

/** Longer rows are shared on a software adapter too, which leaves a loop early: see `requireTurns`. */
const LONGEST_ALONE = 8192;

/** Plans a row kernel: one lane a row on software adapters, one workgroup a row on a GPU. */
export function rowPlan({ rows, columns }: RowArgs, spec: RowBody, traits: GpuTraits): GpuPlan {
  const alone = columns < 16 || (traits.software && columns <= LONGEST_ALONE);
  requireTurns(spec.label, alone ? columns : 4 * Math.ceil(columns / LANES), traits);
  const words = uniform([rows, columns, ...(spec.scalars ?? []).map(() => 0)]);
  new Float32Array(words.data.buffer).set(spec.scalars ?? [], 2);
  const buffers = [...spec.inputs, ...spec.outputs];
  const declare = buffers.map((name, i) => {
    const [id, type = "f32"] = name.split(":");
    return `@group(0) @binding(${i}) var<storage, ${
      i < spec.inputs.length ? "read" : "read_write"
    }> ${id}: array<${type}>;`;
  });
  const body = spec.body
    .replaceAll("FOR", alone ? "for (var j = 0u; j < columns; j++)" : `for (var j = lane; j < columns; j += ${LANES}u)`)
    .replaceAll("FIRST", alone ? "true" : "lane == 0u")
    .replaceAll("SUM(", alone ? "(" : "sumOverLanes(lane, ")
    .replaceAll("MAX(", alone ? "(" : "maxOverLanes(lane, ");
  const combine = (name: string, fold: string) => `
fn ${name}(lane: u32, value: f32) -> f32 {
  part[lane] = value;
  workgroupBarrier();
  for (var half = ${LANES / 2}u; half > 0u; half = half / 2u) {
    if (lane < half) { let a = part[lane]; let b = part[lane + half]; part[lane] = ${fold}; }
    workgroupBarrier();
  }
  let result = part[0];
  workgroupBarrier();
  return result;
}`;
  const source = `
${declare.join("\n")}
${words.declare(buffers.length)}
${
    alone
      ? ""
      : `var<workgroup> part: array<f32, ${LANES}>;${combine("sumOverLanes", "a + b")}${
        combine("maxOverLanes", "max(a, b)")
      }`
  }
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = ${alone ? `(group.y * groups.x + group.x) * ${LANES}u + lane` : "group.y * groups.x + group.x"};
  if (row >= ${words.u(0)}) { return; }
  let columns = ${words.u(1)};
  let base = row * columns;
${(spec.scalars ?? []).map((_, i) => `  let scalar${i} = ${words.f(2 + i)};`).join("\n")}
${body}
}`;
  const grid = foldedGrid(rows, alone ? LANES : 1);
  return {
    dispatches: [{
      label: `${spec.label} ${rows}x${columns}`,
      source,
      bindings: buffers.map((_, i) => i),
      uniform: words.data,
      grid,
    }],
  };
}
