/** Element types. @module */

/** The element types of tensors: 4 bytes each. */
export type DType = "float32" | "int32";

/** The type that two operands are computed in: int32 only where both are. */
export function promote(a: DType, b: DType): DType {
  return a === "int32" && b === "int32" ? "int32" : "float32";
}
