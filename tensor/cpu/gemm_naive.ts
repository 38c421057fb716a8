/**
 * The plain triple loop: the oracle for the fast matrix product.
 * @module
 */
import type { Gemm } from "./runtime.ts";

/** C[b0,b1] = activation(alpha · A·B + bias), summed in double precision. */
export function naiveGemm(g: Gemm): void {
  for (let b0 = 0; b0 < g.batch[0]; b0++) {
    for (let b1 = 0; b1 < g.batch[1]; b1++) {
      const [a, b, c] = [g.a, g.b, g.c].map((v) => v.offset + b0 * v.batch[0] + b1 * v.batch[1]);
      for (let i = 0; i < g.m; i++) {
        for (let j = 0; j < g.n; j++) g.c.slice.f32[c + i * g.c.row + j * g.c.col] = element(g, a + i * g.a.row, b, j);
      }
    }
  }
}

function element(g: Gemm, a: number, b: number, j: number): number {
  let sum = 0;
  const [left, right] = [g.a.slice.f32, g.b.slice.f32];
  for (let k = 0; k < g.k; k++) sum += left[a + k * g.a.col] * right[b + k * g.b.row + j * g.b.col];
  sum = sum * (g.alpha ?? 1) + (g.bias === undefined ? 0 : g.bias.slice.f32[g.bias.offset + j]);
  return g.activation === "relu" && sum < 0 ? 0 : sum;
}
