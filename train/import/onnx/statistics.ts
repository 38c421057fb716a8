/** Mean and deviation over time, as exporters write them. @module */
import type { Value, Walker } from "./walker.ts";

/** Arithmetic of a variance over n − 1 and its root. */
const VARIANCE = { ops: ["ReduceMean", "Sub", "Div"], also: ["Mul", "Add", "Pow", "ReduceSum"] };

/** Goes past √(variance over n − 1, plus `eps`) and says what `eps` is. RangeError-like mismatch for a variance over n. */
export function deviation(walker: Walker, from: Value, eps: readonly number[]): { value: Value; eps: number } {
  const found = walker.constants.filter((n) => n !== 2 && n !== 1);
  const value = walker.plain("Sqrt", from, { ...VARIANCE, constants: [...eps, 1, 2] });
  return { value, eps: found[0] ?? 0 };
}
