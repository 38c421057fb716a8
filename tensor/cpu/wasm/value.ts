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

/** An expression of type `T`: instructions after those of its operands. */
export class Value<T extends Type> {
  readonly type: T;
  readonly #operands: readonly Value<Type>[];
  readonly #code: readonly number[];

  constructor(type: T, code: readonly number[], operands: readonly Value<Type>[] = []) {
    this.type = type;
    this.#code = code;
    this.#operands = operands;
  }

  /** Appends the bytes. */
  write(out: number[]): void {
    for (const operand of this.#operands) operand.write(out);
    for (const byte of this.#code) out.push(byte);
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

/** Instructions that leave nothing on the stack: a store, an assignment, a call without result. */
export class Statement {
  readonly #operands: readonly Value<Type>[];
  readonly #code: readonly number[];

  constructor(code: readonly number[], operands: readonly Value<Type>[]) {
    this.#code = code;
    this.#operands = operands;
  }

  /** Appends the bytes. */
  write(out: number[]): void {
    for (const operand of this.#operands) operand.write(out);
    for (const byte of this.#code) out.push(byte);
  }
}

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const out: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push(value % 128 | 0x80);
  out.push(value);
  return out;
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(value: number): number[] {
  const out: number[] = [];
  for (; value < -64 || value > 63; value >>= 7) out.push(value & 127 | 0x80);
  out.push(value & 127);
  return out;
}

/** Signed LEB128 of a 64-bit integer. */
export function signed64(value: bigint): number[] {
  const out: number[] = [];
  for (; value < -64n || value > 63n; value >>= 7n) out.push(Number(value & 127n) | 0x80);
  out.push(Number(value & 127n));
  return out;
}

/** Little-endian bytes of a float32. */
export function float32Bytes(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)];
}

/** Little-endian bytes of a float64. */
export function float64Bytes(value: number): number[] {
  return [...new Uint8Array(new Float64Array([value]).buffer)];
}
