/**
 * Packing of numbers into the 32-bit words that kernels read as `array<vec4<u32>, N>`.
 * @module
 */
const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** The bits of a number as float32, for a uniform that WGSL reads with `bitcast<f32>`. */
export function floatBits(value: number): number {
  FLOAT[0] = value;
  return BITS[0];
}

/** Words of a uniform, padded to whole vec4; negative integers wrap as in two's complement. */
export function uniformWords(words: readonly number[]): Uint32Array {
  const padded = new Uint32Array(Math.ceil(words.length / 4) * 4);
  padded.set(words);
  return padded;
}

/** WGSL declarations of uniform fields, `P[0].x` onward: `const`-like functions cannot, so they become `let`s of `main`. */
export function uniformLets(names: readonly string[], floats: readonly string[] = []): string {
  return names.map((name, i) => {
    const word = `P[${i >> 2}].${"xyzw"[i & 3]}`;
    return `  let ${name} = ${floats.includes(name) ? `bitcast<f32>(${word})` : word};`;
  }).join("\n");
}

/** A grid of at least `count` workgroups over x and y, each within 65,535; `x` is the number in a row. */
export function foldGrid(count: number): [number, number, number] {
  const x = Math.max(1, Math.min(count, 65535));
  return [x, Math.ceil(count / x), 1];
}
