/**
 * Typed WebAssembly expressions as data: an expression is the bytes that push its value on the stack.
 *
 * Writing WASM with functions of TypeScript (`i32.add(x, 4)`) keeps kernels readable, needs no compiler and no committed binaries, and
 * lets kernels be specialised at run time.
 * @module
 */

/** The value types of WebAssembly that kernels use. */
export type Type = "i32" | "i64" | "f32" | "f64" | "v128";

/** The byte that stands for a value type. */
export const TYPE_CODE: Readonly<Record<Type, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** An expression of type `T`. */
export class Value<T extends Type> {
  readonly type: T;
  readonly bytes: readonly number[];

  constructor(type: T, bytes: readonly number[]) {
    this.type = type;
    this.bytes = bytes;
  }
}

/** A local variable or parameter; used as a value it reads itself. */
export class Local<T extends Type> extends Value<T> {
  readonly index: number;

  constructor(type: T, index: number) {
    super(type, [0x20, ...unsigned(index)]);
    this.index = index;
  }
}

/** Bytes that leave nothing on the stack: a store, an assignment, a call without result. */
export interface Statement {
  readonly statement: readonly number[];
}

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const out: number[] = [];
  for (;;) {
    const low = value % 128;
    value = Math.floor(value / 128);
    if (value === 0) return [...out, low];
    out.push(low | 0x80);
  }
}

/** Signed LEB128 of a 32-bit or 64-bit integer. */
export function signed(value: number | bigint): number[] {
  let rest = BigInt(value);
  const out: number[] = [];
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    if ((rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0)) return [...out, low];
    out.push(low | 0x80);
  }
}

/** Little-endian bytes of a float32. */
export function float32Bytes(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)];
}

/** Little-endian bytes of a float64. */
export function float64Bytes(value: number): number[] {
  return [...new Uint8Array(new Float64Array([value]).buffer)];
}
