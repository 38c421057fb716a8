/** Cosine of the angle between vectors. @module */
import type { Tensor } from "../tensor.ts";
import { normalize } from "./statistics.ts";

/** x·y / (|x| |y|) along an axis (default −1); each length is at least eps (default 1e-8). Operands broadcast. */
export function cosineSimilarity(
  x: Tensor,
  y: Tensor,
  { dim = -1, eps = 1e-8 }: { dim?: number; eps?: number } = {},
): Tensor {
  return normalize(x, { dim, eps }).mul(normalize(y, { dim, eps })).sum(dim);
}
