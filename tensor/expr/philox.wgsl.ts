/**
 * Philox4x32-10 in WGSL (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): random numbers that are a
 * function of a key and a counter, so both devices draw the same ones in any order.
 * @module
 */

/**
 * WGSL functions without bindings. `philox` gives the four words of counter (c0, c1, c2, 0). `randomAt` gives the uniform number
 * in [0, 1) of element `index` in call `counter`: element i lies in block b = i >> 4 at j = i & 15, and is word j >> 2 of
 * counter 4·b + (j & 3). `randomFloat` turns a word into a number in [0, 1), a multiple of 2^-24.
 */
export const PHILOX_WGSL = `
fn philoxHigh(a: u32, low: u32, high: u32) -> u32 {
  let x = a & 0xffffu;
  let y = a >> 16u;
  let middle = y * low + ((x * low) >> 16u);
  return y * high + (middle >> 16u) + ((x * high + (middle & 0xffffu)) >> 16u);
}
fn philox(c0: u32, c1: u32, c2: u32, key0: u32, key1: u32) -> vec4<u32> {
  var x = vec4<u32>(c0, c1, c2, 0u);
  var k0 = key0;
  var k1 = key1;
  for (var round = 0; round < 10; round++) {
    let high0 = philoxHigh(x.x, 0x1f53u, 0xd251u);
    let high1 = philoxHigh(x.z, 0x8d57u, 0xcd9eu);
    x = vec4<u32>(high1 ^ x.y ^ k0, x.z * 0xcd9e8d57u, high0 ^ x.w ^ k1, x.x * 0xd2511f53u);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return x;
}
fn randomFloat(word: u32) -> f32 {
  return f32(word >> 8u) * 5.9604644775390625e-8;
}
fn randomAt(index: u32, counter: u32, key0: u32, key1: u32, base0: u32, base1: u32) -> f32 {
  let words = philox((index >> 4u) * 4u + (index & 3u), base0 + counter, base1, key0, key1);
  let j = (index >> 2u) & 3u;
  return randomFloat(select(select(words.w, words.z, j == 2u), select(words.y, words.x, j == 0u), j < 2u));
}
`;
