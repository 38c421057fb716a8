/**
 * The same values in every kind of memory layout, for kernels that read strided views; and gradients that arrive in such layouts.
 * @module
 */
import { type Tensor, tensor } from "../tensor/mod.ts";
import { tabulate } from "./close.ts";
import { gradcheck, type GradcheckOptions } from "./gradcheck.ts";

type Values = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Tensors of the given values and shape: contiguous, transposed, sliced (offset not 0), every second element, and flipped. */
export function layouts(values: Values, shape: readonly number[]): { name: string; x: Tensor }[] {
  const last = shape.length - 1;
  const place = (at: readonly number[]) => at.reduce((sum, k, axis) => sum * shape[axis] + k, 0);
  /** A tensor of another shape whose element at `p` is element `from(p)` of the values, or 99 where there is none. */
  const make = (other: readonly number[], from: (...p: number[]) => readonly number[]) => {
    const inside = (p: readonly number[]) => p.every((k, axis) => k >= 0 && k < shape[axis] && Number.isInteger(k));
    const list = tabulate(other, (...p) => inside(from(...p)) ? values[place(from(...p))] : 99);
    return tensor(values instanceof Float32Array ? Float32Array.from(list) : Int32Array.from(list), { shape: other });
  };
  const widened = (n: number) => shape.map((m, axis) => (axis === last ? n : m));
  const order = shape.map((_, axis) => last - axis);
  return [
    { name: "contiguous", x: tensor(values, { shape }) },
    { name: "transposed", x: make(shape.toReversed(), (...p) => p.toReversed()).permute(order) },
    {
      name: "sliced",
      x: make(widened(shape[last] + 3), (...p) => [...p.slice(0, -1), p[last] - 2]).slice(last, 2, shape[last] + 2),
    },
    {
      name: "every second",
      x: make(widened(2 * shape[last] + 1), (...p) => [...p.slice(0, -1), (p[last] - 1) / 2]).slice(
        last,
        1,
        Infinity,
        2,
      ),
    },
    {
      name: "flipped",
      x: make(shape, (...p) => p.map((k, axis) => shape[axis] - 1 - k)).flip(shape.map((_, axis) => axis)),
    },
  ];
}

/** {@linkcode gradcheck}, then the same with a gradient that arrives repeated (strides 0), transposed and flipped. */
export async function gradcheckLayouts(
  op: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options?: GradcheckOptions,
): Promise<void> {
  await gradcheck(op, inputs, options);
  await gradcheck((...x) => op(...x).sum(), inputs, options);
  await gradcheck((...x) => reversed(op(...x)), inputs, options);
  await gradcheck((...x) => flipped(op(...x)), inputs, options);
}

const reversed = (t: Tensor) => t.permute(t.shape.map((_, axis) => t.ndim - 1 - axis));
const flipped = (t: Tensor) => t.flip(t.shape.map((_, axis) => axis));
