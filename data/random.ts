/**
 * Random numbers for decisions on the host (splits, orders, crops): the same for a seed on every machine, with a state that
 * can be saved. Not for anything that needs secrecy. Dropout and initialisation have a generator of their own.
 * Algorithm: xoshiro128** 1.1 (Blackman and Vigna, https://prng.di.unimi.it), seeded by SplitMix32.
 */
export class Random {
  readonly #state: Uint32Array;

  /**
   * Starts a sequence.
   *
   * @param seed any integer; its lower 53 bits count
   * @param stream number of an independent sequence of the same seed; default 0
   */
  constructor(seed: number, stream = 0) {
    const mix = splitMix([seed, Math.floor(seed / 2 ** 32), stream, Math.floor(stream / 2 ** 32)]);
    this.#state = Uint32Array.of(mix(), mix(), mix(), mix());
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1; // the one state that it cannot leave
  }

  /** Continues a sequence from a saved `state`. */
  static from(state: readonly number[]): Random {
    if (state.length !== 4 || !state.some((word) => word !== 0)) {
      throw new RangeError(`Cannot continue random numbers: a state has 4 numbers that are not all 0`);
    }
    const random = new Random(0);
    random.#state.set(state);
    return random;
  }

  /** The position in the sequence: four 32-bit numbers, for {@linkcode Random.from}. */
  get state(): number[] {
    return [...this.#state];
  }

  /** The next 32 random bits, as a number from 0 to 2³² − 1. */
  bits(): number {
    const s = this.#state;
    const scrambled = rotate(Math.imul(s[1], 5), 7);
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 11);
    return Math.imul(scrambled, 9) >>> 0;
  }

  /** A number from [0, 1), a multiple of 2⁻³². */
  uniform(): number {
    return this.bits() / 2 ** 32;
  }

  /** A whole number from 0 to `count` − 1; `count` is at most 2³². */
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** Shuffles in place (Fisher and Yates) and returns the array. */
  shuffle<T extends { [index: number]: unknown; length: number }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    return items;
  }
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** SplitMix32 over several words, so that near seeds and streams give unrelated states. */
function splitMix(words: readonly number[]): () => number {
  let state = 0;
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  for (const word of words) state = (next() ^ word) | 0;
  return next;
}
