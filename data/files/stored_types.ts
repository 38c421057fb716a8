/**
 * The element types that weight files are stored in, and how each becomes a float32 or int32 array.
 * All of them are little-endian, which both file formats prescribe and every machine that runs Deno is.
 */

/** Element types by their name in a safetensors header. */
export type StoredType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

interface TypeRow {
  /** Bytes an element. */
  readonly size: number;
  /** Converts `bytes`, which belong to nobody else and start at an offset that is a multiple of 8. */
  readonly decode: (bytes: Uint8Array, count: number) => Float32Array | Int32Array;
}

const ROWS: Record<StoredType, TypeRow> = {
  F64: { size: 8, decode: (b, n) => Float32Array.from(new Float64Array(b.buffer, b.byteOffset, n)) },
  F32: { size: 4, decode: (b, n) => new Float32Array(b.buffer, b.byteOffset, n) },
  F16: { size: 2, decode: (b, n) => decodeHalf(new Uint16Array(b.buffer, b.byteOffset, n)) },
  BF16: { size: 2, decode: (b, n) => decodeBfloat(new Uint16Array(b.buffer, b.byteOffset, n)) },
  I64: { size: 8, decode: (b, n) => decodeLong(new BigInt64Array(b.buffer, b.byteOffset, n)) },
  I32: { size: 4, decode: (b, n) => new Int32Array(b.buffer, b.byteOffset, n) },
  I16: { size: 2, decode: (b, n) => Int32Array.from(new Int16Array(b.buffer, b.byteOffset, n)) },
  I8: { size: 1, decode: (b, n) => Int32Array.from(new Int8Array(b.buffer, b.byteOffset, n)) },
  U32: { size: 4, decode: (b, n) => decodeUnsigned(new Uint32Array(b.buffer, b.byteOffset, n)) },
  U16: { size: 2, decode: (b, n) => Int32Array.from(new Uint16Array(b.buffer, b.byteOffset, n)) },
  U8: { size: 1, decode: (b, n) => Int32Array.from(b.subarray(0, n)) },
  BOOL: { size: 1, decode: (b, n) => Int32Array.from(b.subarray(0, n), (value) => value === 0 ? 0 : 1) },
};

/** True where `name` is an element type that can be read. */
export function isStoredType(name: unknown): name is StoredType {
  return typeof name === "string" && Object.hasOwn(ROWS, name);
}

/** Bytes an element of this type takes in a file. */
export function storedSize(type: StoredType): number {
  return ROWS[type].size;
}

/**
 * Converts stored bytes. Floating types become float32 (float64 is rounded), integers and booleans int32.
 *
 * @param type element type of the bytes
 * @param bytes exactly `count` elements; copied where they are not aligned, otherwise the result may share them
 * @param count number of elements
 * @returns the elements
 * @throws {RangeError} an integer does not fit into 32 bits; the message is the fact alone
 */
export function decodeStored(type: StoredType, bytes: Uint8Array, count: number): Float32Array | Int32Array {
  const row = ROWS[type];
  return row.decode(bytes.byteOffset % row.size === 0 ? bytes : bytes.slice(), count);
}

/** IEEE half precision, subnormals, infinities and NaN included. */
function decodeHalf(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = bits[i] & 0x8000 ? -1 : 1;
    const exponent = (bits[i] >> 10) & 31;
    const fraction = bits[i] & 0x3ff;
    if (exponent === 31) out[i] = fraction ? NaN : sign * Infinity;
    else if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else out[i] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return out;
}

/** bfloat16 is the upper half of a float32. */
function decodeBfloat(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (value) => value << 16).buffer);
}

function decodeLong(values: BigInt64Array): Int32Array {
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (value !== (value | 0)) throw new RangeError(`its integer ${values[i]} does not fit into 32 bits`);
    out[i] = value;
  }
  return out;
}

function decodeUnsigned(values: Uint32Array): Int32Array {
  for (const value of values) {
    if (value > 0x7fffffff) throw new RangeError(`its integer ${value} does not fit into 32 bits with a sign`);
  }
  return Int32Array.from(values);
}
