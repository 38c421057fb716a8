/**
 * Comparing tensors with plain arrays.
 * @module
 */
import assert from "node:assert/strict";
import type { Tensor } from "../tensor/mod.ts";

/** Options of {@linkcode assertClose}. */
export interface CloseOptions {
  /** Greatest |difference|, relative to max(1, |wanted|). Default 2e-5; 0 for equality. */
  readonly tolerance?: number;
  /** Shape the tensor must have. Default: any. */
  readonly shape?: readonly number[];
  /** Begins the message. */
  readonly name?: string;
}

/** Fails where an element of `got` is not near that of `wanted`; NaN is near NaN. */
export async function assertClose(
  got: Tensor,
  wanted: ArrayLike<number>,
  { tolerance = 2e-5, shape = got.shape, name = "value" }: CloseOptions = {},
): Promise<void> {
  assert.deepEqual(got.shape, shape, name);
  const data = await got.data();
  assert.equal(data.length, wanted.length, `${name}: number of elements`);
  data.forEach((x, i) => {
    const y = wanted[i];
    const near = Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(y));
    assert.ok(near, `${name}: element ${i} is ${x}, wanted ${y}`);
  });
}

/** Row-major values of `f` over a shape: `f` is given the place along each axis. */
export function tabulate(shape: readonly number[], f: (...place: number[]) => number): number[] {
  const size = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: size }, (_, i) => {
    const place = new Array<number>(shape.length);
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      place[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return f(...place);
  });
}
