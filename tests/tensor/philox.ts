/**
 * Philox4x32-10 as published (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), in big integers.
 * @module
 */
const MASK = 0xffffffffn;

/** The four words of a counter of four words under a key of two. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const p0 = c0 * 0xd2511f53n;
    const p1 = c2 * 0xcd9e8d57n;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & MASK, (p0 >> 32n) ^ c3 ^ k1, p0 & MASK];
    k0 = (k0 + 0x9e3779b9n) & MASK;
    k1 = (k1 + 0xbb67ae85n) & MASK;
  }
  return [c0, c1, c2, c3].map(Number);
}

/** Random elements 16·block … 16·block + 15 of call `counter`, in [0, 1), for state [seedLo, seedHi, baseLo, baseHi]. */
export function randomBlock(block: number, counter: number, state: readonly number[]): number[] {
  const [key0, key1, base0, base1] = state.map((word) => word >>> 0);
  const lanes = [0, 1, 2, 3].map((lane) =>
    philox([(4 * block + lane) >>> 0, (base0 + counter) >>> 0, base1, 0], [key0, key1])
  );
  return Array.from({ length: 16 }, (_, j) => (lanes[j & 3][j >> 2] >>> 8) / 2 ** 24);
}
