/**
 * Central-difference gradients: the oracle of every backward pass.
 * @module
 */
import assert from "node:assert/strict";
import { scope, type Tensor, tensor } from "../tensor/mod.ts";

/** Options of {@linkcode gradcheck}. */
export interface GradcheckOptions {
  /** Half the distance of the two evaluations. Default 0.01: float32 wants a large one. */
  readonly step?: number;
  /** Greatest |difference|, relative to max(1, |gradient|). Default 0.005. */
  readonly tolerance?: number;
}

/** Numbers in [low, high) that are the same in every run. */
export function sequence(seed: number, count: number, low = -1, high = 1): Float32Array<ArrayBuffer> {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return low + (high - low) * ((state >>> 8) / 2 ** 24);
  });
}

/** A tensor of {@linkcode sequence}. */
export function drawn(seed: number, shape: readonly number[], low = -1, high = 1): Tensor {
  return tensor(sequence(seed, shape.reduce((a, b) => a * b, 1), low, high), { shape });
}

/**
 * Compares the gradients of Σ out × cot, cot fixed and random, with central differences at every element of every input. The sum is taken in
 * float64.
 *
 * @throws AssertionError where one differs, naming input and element.
 */
export async function gradcheck(
  op: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { step = 0.01, tolerance = 0.005 }: GradcheckOptions = {},
): Promise<void> {
  const values = await Promise.all(inputs.map((t) => t.data()));
  const leaves = inputs.map((t, i) => tensor(values[i], { shape: t.shape, requiresGrad: true }));
  const out = op(...leaves);
  const cot = sequence(77, out.size);
  out.backward({ gradient: tensor(cot, { shape: out.shape }) });
  const analytic = await Promise.all(leaves.map((leaf) => leaf.grad?.data()));

  /** The loss with element j of input i moved. */
  const loss = async (i: number, j: number, by: number): Promise<number> => {
    const moved = values.map((v, k) => (k === i ? v.map((x, m) => (m === j ? x + by : x)) : v));
    const result = scope(() => op(...moved.map((v, k) => tensor(v, { shape: inputs[k].shape }))));
    const data = await result.data();
    result.dispose();
    return cot.reduce((total, c, m) => total + c * data[m], 0);
  };
  const checks = values.flatMap((v, i) =>
    Array.from(v, async (x, j) => {
      const [up, down] = await Promise.all([loss(i, j, step), loss(i, j, -step)]);
      const width = Math.fround(x + step) - Math.fround(x - step); // what float32 made of it
      const [numeric, ours] = [(up - down) / width, analytic[i]?.[j] ?? NaN];
      const bound = tolerance * Math.max(1, Math.abs(numeric));
      assert.ok(Math.abs(numeric - ours) <= bound, `input ${i}, element ${j}: gradient ${ours}, wanted ${numeric}`);
    })
  );
  await Promise.all(checks);
}
