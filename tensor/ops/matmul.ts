/** Matrix products. @module */
import { track } from "../autograd.ts";
import { allocate, run } from "../memory.ts";
import { broadcastShapes, broadcastStrides, collapse, type Shape, show, sizeOf } from "../shape.ts";
import { requireSameDevice, Tensor } from "../tensor.ts";
import { contiguous } from "./copy.ts";
import { type MatmulArgs, matmulKernel, type MatrixLayout } from "./matmul_kernel.ts";
import { reshape, squeeze, transpose, unsqueeze } from "./views.ts";

/**
 * What happens to a product before it is stored: times alpha, plus bias, activation.
 *
 * @ignore
 */
export interface Epilogue {
  /** Factor of the product. Default 1. */
  readonly alpha?: number;
  /** A vector as long as a row of the result. */
  readonly bias?: Tensor | null;
  /** Applied last. Default "none". */
  readonly activation?: "none" | "relu";
}

/** Batch axes of both operands merged to at most two, or null where strides do not allow it. */
function batchLayout(
  a: Tensor,
  b: Tensor,
  batch: Shape,
): { sizes: [number, number]; a: [number, number]; b: [number, number] } | null {
  const strides = (t: Tensor) => broadcastStrides(t.shape.slice(0, -2), t.strides.slice(0, -2), batch);
  const merged = collapse(batch, [strides(a), strides(b)]);
  if (merged.shape.length > 2) return null;
  const pair = (list: readonly number[], fill: number): [number, number] => [list.at(-2) ?? fill, list.at(-1) ?? fill];
  return { sizes: pair(merged.shape, 1), a: pair(merged.operands[0], 0), b: pair(merged.operands[1], 0) };
}

/**
 * Runs the kernel on operands with at least two axes: (…, m, k) by (…, k, n); not tracked.
 *
 * @ignore
 */
export function multiply(a: Tensor, b: Tensor, { alpha = 1, bias = null, activation = "none" }: Epilogue = {}): Tensor {
  const batch = broadcastShapes("matmul", [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const layout = batchLayout(a, b, batch);
  if (layout === null) return multiply(contiguous(a), contiguous(b), { alpha, bias, activation });
  const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!];
  const shape = [...batch, m, n];
  const out = new Tensor(allocate(a.device, 4 * sizeOf(shape)), shape, "float32");
  const matrix = (t: Tensor, strides: [number, number]): MatrixLayout => ({
    offset: t.offset,
    batch: strides,
    row: t.strides.at(-2)!,
    col: t.strides.at(-1)!,
  });
  const args: MatmulArgs = {
    ...{ batch: layout.sizes, m, n, k, alpha, activation },
    a: matrix(a, layout.a),
    b: matrix(b, layout.b),
    c: { offset: 0, batch: [layout.sizes[1] * m * n, m * n], row: n, col: 1 },
    bias: bias === null ? null : bias.offset,
  };
  const inputs = [a.storage, b.storage, ...(bias === null ? [] : [bias.storage])];
  if (out.size > 0) run({ kernel: matmulKernel, args, inputs, outputs: [out.storage] });
  return out;
}

/** Gradient of the shared right operand: one product over all batches instead of one for each and a sum. */
function rightGradient(a: Tensor, g: Tensor, b: Tensor): Tensor {
  if (b.ndim === 2 && a.ndim > 2) {
    return multiply(transpose(reshape(a, [-1, a.shape.at(-1)!]), 0, 1), reshape(g, [-1, g.shape.at(-1)!]));
  }
  return multiply(transpose(a, -1, -2), g);
}

function product(a: Tensor, b: Tensor): Tensor {
  const left = b.ndim === 2 && a.ndim > 2 && a.isContiguous ? reshape(a.detach(), [-1, a.shape.at(-1)!]) : a.detach();
  const flat = multiply(left, b.detach());
  const out = flat.ndim === 2 && a.ndim > 2 ? reshape(flat, [...a.shape.slice(0, -1), b.shape[1]]) : flat;
  return track("matmul", [a, b], out, (g, needs) => [
    needs[0] ? multiply(g, transpose(b.detach(), -1, -2)) : null,
    needs[1] ? rightGradient(a.detach(), g, b) : null,
  ]);
}

/**
 * Matrix product with PyTorch's rules: vectors are padded to matrices and the padding removed, leading axes are batches and broadcast.
 *
 * @throws TypeError if inner sizes differ or an operand has no axes.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  requireSameDevice("matmul", [a, b]);
  if (a.ndim === 0 || b.ndim === 0) {
    throw new TypeError(`Cannot matmul ${show(a.shape)} by ${show(b.shape)}: use mul for a number`);
  }
  const [inner, other] = [a.shape.at(-1)!, b.shape.at(b.ndim === 1 ? 0 : -2)!];
  if (inner !== other) {
    throw new TypeError(`Cannot matmul ${show(a.shape)} by ${show(b.shape)}: inner sizes ${inner} and ${other} differ`);
  }
  if (a.dtype !== "float32" || b.dtype !== "float32") {
    throw new TypeError(`Cannot matmul ${a.dtype} by ${b.dtype}: both must be float32`);
  }
  if (a.ndim > 2 && b.ndim > 2) {
    const op = `matmul ${show(a.shape)} by ${show(b.shape)} with batches`;
    broadcastShapes(op, [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  }
  const out = product(a.ndim === 1 ? unsqueeze(a, 0) : a, b.ndim === 1 ? unsqueeze(b, 1) : b);
  const rows = a.ndim === 1 ? squeeze(out, -2) : out;
  return b.ndim === 1 ? squeeze(rows, -1) : rows;
}
