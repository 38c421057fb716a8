/**
 * The instructions that kernels use, as functions from expressions to expressions. Plain numbers stand for constants.
 * Opcodes: WebAssembly 3.0 core specification, chapter 5 "Binary format", https://webassembly.github.io/spec/core/binary/instructions.html
 * @module
 */
import { float32Bytes, float64Bytes, signed, signed64, Statement, type Type, unsigned, Value } from "./value.ts";

/** An i32 expression or a constant. */
export type I32 = Value<"i32"> | number;
/** An i64 expression. */
export type I64 = Value<"i64">;
/** An f32 expression or a constant. */
export type F32 = Value<"f32"> | number;
/** An f64 expression or a constant. */
export type F64 = Value<"f64"> | number;
/** A vector of 128 bits. */
export type V128 = Value<"v128">;

const int = (x: I32): Value<"i32"> => typeof x === "number" ? new Value("i32", [0x41, ...signed(x | 0)]) : x;
const single = (x: F32): Value<"f32"> => typeof x === "number" ? new Value("f32", [0x43, ...float32Bytes(x)]) : x;
const double = (x: F64): Value<"f64"> => typeof x === "number" ? new Value("f64", [0x44, ...float64Bytes(x)]) : x;

function make<T extends Type>(type: T, operands: readonly Value<Type>[], code: readonly number[]): Value<T> {
  return new Value(type, code, operands);
}

/** Alignment hint (log2) and offset of a memory access. */
const access = (align: number, offset: number): number[] => [align, ...unsigned(offset)];

const int2 = (code: number) => (a: I32, b: I32): Value<"i32"> => make("i32", [int(a), int(b)], [code]);

/** 32-bit integers and addresses. */
export const i32 = {
  const: (value: number): Value<"i32"> => int(value),
  eqz: (a: I32): Value<"i32"> => make("i32", [int(a)], [0x45]),
  eq: int2(0x46),
  ne: int2(0x47),
  ltS: int2(0x48),
  ltU: int2(0x49),
  gtS: int2(0x4a),
  gtU: int2(0x4b),
  leS: int2(0x4c),
  leU: int2(0x4d),
  geS: int2(0x4e),
  geU: int2(0x4f),
  add: int2(0x6a),
  sub: int2(0x6b),
  mul: int2(0x6c),
  divS: int2(0x6d),
  divU: int2(0x6e),
  remU: int2(0x70),
  and: int2(0x71),
  or: int2(0x72),
  xor: int2(0x73),
  shl: int2(0x74),
  shrS: int2(0x75),
  shrU: int2(0x76),
  load: (p: I32, offset = 0): Value<"i32"> => make("i32", [int(p)], [0x28, ...access(2, offset)]),
  store: (p: I32, value: I32, offset = 0): Statement => store([int(p), int(value)], [0x36, ...access(2, offset)]),
  /** The smaller of two signed numbers; both expressions are evaluated twice. */
  minS: (a: I32, b: I32): Value<"i32"> => make("i32", [int(a), int(b), i32.ltS(a, b)], [0x1b]),
  /** `whenTrue` where the condition is not 0. */
  select: (whenTrue: I32, whenFalse: I32, condition: I32): Value<"i32"> =>
    make("i32", [int(whenTrue), int(whenFalse), int(condition)], [0x1b]),
} as const;

function store(operands: readonly Value<Type>[], code: readonly number[]): Statement {
  return new Statement(code, operands);
}

const single2 = (code: number) => (a: F32, b: F32): Value<"f32"> => make("f32", [single(a), single(b)], [code]);
const compare2 = (code: number) => (a: F32, b: F32): Value<"i32"> => make("i32", [single(a), single(b)], [code]);

/** Single floats. */
export const f32 = {
  const: (value: number): Value<"f32"> => single(value),
  add: single2(0x92),
  sub: single2(0x93),
  mul: single2(0x94),
  div: single2(0x95),
  min: single2(0x96),
  max: single2(0x97),
  eq: compare2(0x5b),
  ne: compare2(0x5c),
  lt: compare2(0x5d),
  gt: compare2(0x5e),
  le: compare2(0x5f),
  ge: compare2(0x60),
  sqrt: (a: F32): Value<"f32"> => make("f32", [single(a)], [0x91]),
  fromI32: (a: I32): Value<"f32"> => make("f32", [int(a)], [0xb2]),
  fromF64: (a: F64): Value<"f32"> => make("f32", [double(a)], [0xb6]),
  load: (p: I32, offset = 0): Value<"f32"> => make("f32", [int(p)], [0x2a, ...access(2, offset)]),
  store: (p: I32, value: F32, offset = 0): Statement => store([int(p), single(value)], [0x38, ...access(2, offset)]),
  select: (whenTrue: F32, whenFalse: F32, condition: I32): Value<"f32"> =>
    make("f32", [single(whenTrue), single(whenFalse), int(condition)], [0x1b]),
} as const;

const double2 = (code: number) => (a: F64, b: F64): Value<"f64"> => make("f64", [double(a), double(b)], [code]);

/** Double floats. */
export const f64 = {
  const: (value: number): Value<"f64"> => double(value),
  add: double2(0xa0),
  sub: double2(0xa1),
  mul: double2(0xa2),
  div: double2(0xa3),
  fromF32: (a: F32): Value<"f64"> => make("f64", [single(a)], [0xbb]),
  load: (p: I32, offset = 0): Value<"f64"> => make("f64", [int(p)], [0x2b, ...access(3, offset)]),
  store: (p: I32, value: F64, offset = 0): Statement => store([int(p), double(value)], [0x39, ...access(3, offset)]),
} as const;

const simd = (code: number): number[] => [0xfd, ...unsigned(code)];
const vector1 = (code: number) => (a: V128): V128 => make("v128", [a], simd(code));
const vector2 = (code: number) => (a: V128, b: V128): V128 => make("v128", [a, b], simd(code));
const vector3 = (code: number) => (a: V128, b: V128, c: V128): V128 => make("v128", [a, b, c], simd(code));
const shift = (code: number) => (a: V128, by: I32): V128 => make("v128", [a, int(by)], simd(code));
const loadVector = (code: number, align: number) => (p: I32, offset = 0): V128 =>
  make("v128", [int(p)], [...simd(code), ...access(align, offset)]);

/** Vectors whatever their lanes. */
export const v128 = {
  load: loadVector(0x00, 4),
  /** Four copies of a 32-bit word. */
  load32Splat: loadVector(0x09, 2),
  /** Two words, then zeros. */
  load64Zero: loadVector(0x5d, 3),
  /** Two doubles, or two pairs of words. */
  load64Splat: loadVector(0x0a, 3),
  /** Replaces one 32-bit lane by a word of memory. */
  load32Lane: (p: I32, vector: V128, lane: number, offset = 0): V128 =>
    make("v128", [int(p), vector], [...simd(0x56), ...access(2, offset), lane]),
  store: (p: I32, value: V128, offset = 0): Statement => store([int(p), value], [...simd(0x0b), ...access(4, offset)]),
  store32Lane: (p: I32, value: V128, lane: number, offset = 0): Statement =>
    store([int(p), value], [...simd(0x5a), ...access(2, offset), lane]),
  /** Stores the lower two words. */
  store64Lane: (p: I32, value: V128, lane: number, offset = 0): Statement =>
    store([int(p), value], [...simd(0x5b), ...access(3, offset), lane]),
  not: vector1(0x4d),
  and: vector2(0x4e),
  andNot: vector2(0x4f),
  or: vector2(0x50),
  xor: vector2(0x51),
  /** Bits of `a` where the mask is set, of `b` elsewhere. */
  bitselect: vector3(0x52),
  anyTrue: (a: V128): Value<"i32"> => make("i32", [a], simd(0x53)),
  const: (words: readonly number[]): V128 =>
    new Value("v128", [...simd(0x0c), ...new Uint8Array(new Int32Array(words).buffer)]),
  /** Words picked from (a0…a3, b0…b3) by number. */
  shuffle: (a: V128, b: V128, words: readonly [number, number, number, number]): V128 =>
    make("v128", [a, b], [...simd(0x0d), ...words.flatMap((w) => [0, 1, 2, 3].map((byte) => 4 * w + byte))]),
} as const;

/** Four 32-bit integers. */
export const i32x4 = {
  splat: (a: I32): V128 => make("v128", [int(a)], simd(0x11)),
  lane: (a: V128, lane: number): Value<"i32"> => make("i32", [a], [...simd(0x1b), lane]),
  eq: vector2(0x37),
  ne: vector2(0x38),
  lt: vector2(0x39),
  gt: vector2(0x3b),
  le: vector2(0x3d),
  ge: vector2(0x3f),
  abs: vector1(0xa0),
  neg: vector1(0xa1),
  shl: shift(0xab),
  shrS: shift(0xac),
  shrU: shift(0xad),
  add: vector2(0xae),
  sub: vector2(0xb1),
  mul: vector2(0xb5),
  min: vector2(0xb6),
  max: vector2(0xb8),
  bitmask: (a: V128): Value<"i32"> => make("i32", [a], simd(0xa4)),
  /** Truncation of floats towards zero, saturating, 0 for NaN. */
  fromFloat: vector1(0xf8),
  /** Truncation of two doubles, then zeros. */
  fromDoubleZero: vector1(0xfc),
} as const;

/** Two 64-bit integers. */
export const i64x2 = {
  splat: (a: bigint): V128 => new Value("v128", [0x42, ...signed64(a), ...simd(0x12)]),
  add: vector2(0xce),
  sub: vector2(0xd1),
  shl: shift(0xcb),
  shrU: shift(0xcd),
  /** Products of the unsigned words 0 and 1. */
  mulLowWords: vector2(0xde),
  /** Products of the unsigned words 2 and 3. */
  mulHighWords: vector2(0xdf),
} as const;

/** Four single floats. */
export const f32x4 = {
  const: (a: number): V128 => v128.const([0, 0, 0, 0].map(() => new Int32Array(new Float32Array([a]).buffer)[0])),
  splat: (a: F32): V128 => make("v128", [single(a)], simd(0x13)),
  lane: (a: V128, lane: number): Value<"f32"> => make("f32", [a], [...simd(0x1f), lane]),
  eq: vector2(0x41),
  ne: vector2(0x42),
  lt: vector2(0x43),
  gt: vector2(0x44),
  le: vector2(0x45),
  ge: vector2(0x46),
  ceil: vector1(0x67),
  floor: vector1(0x68),
  trunc: vector1(0x69),
  nearest: vector1(0x6a),
  abs: vector1(0xe0),
  neg: vector1(0xe1),
  sqrt: vector1(0xe3),
  add: vector2(0xe4),
  sub: vector2(0xe5),
  mul: vector2(0xe6),
  div: vector2(0xe7),
  min: vector2(0xe8),
  max: vector2(0xe9),
  /** b < a ? b : a, one instruction on x64. */
  pmin: vector2(0xea),
  /** a < b ? b : a, one instruction on x64. */
  pmax: vector2(0xeb),
  fromInt: vector1(0xfa),
  /** Two doubles rounded, then zeros. */
  fromDoubleZero: vector1(0x5e),
  /** a·b + c, rounded once or twice as the machine likes; needs relaxed SIMD. */
  relaxedMadd: vector3(0x105),
} as const;

/** Two double floats. */
export const f64x2 = {
  const: (a: number): V128 => {
    const [low, high] = new Int32Array(new Float64Array([a]).buffer);
    return v128.const([low, high, low, high]);
  },
  eq: vector2(0x47),
  lt: vector2(0x49),
  gt: vector2(0x4a),
  add: vector2(0xf0),
  sub: vector2(0xf1),
  mul: vector2(0xf2),
  div: vector2(0xf3),
  pmin: vector2(0xf6),
  pmax: vector2(0xf7),
  nearest: vector1(0x94),
  lane: (a: V128, lane: number): Value<"f64"> => make("f64", [a], [...simd(0x21), lane]),
  /** The lower two floats, widened. */
  fromFloatLow: vector1(0x5f),
} as const;
