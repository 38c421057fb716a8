import type { UtteranceFeatures } from "./utterances.ts";

/** Keeps what was used last, up to a number of bytes; the least recently used goes first. */
export class FeatureCache {
  readonly #limit: number;
  readonly #held = new Map<string, UtteranceFeatures>(); // in the order of last use
  #bytes = 0;

  /** @param limit most bytes of features to hold; 0 holds nothing */
  constructor(limit: number) {
    if (!(limit >= 0)) throw new RangeError(`Cannot make a cache of ${limit} bytes: wanted 0 or more`);
    this.#limit = limit;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Finds features and marks them as used. */
  get(key: string): UtteranceFeatures | undefined {
    const found = this.#held.get(key);
    if (found !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, found);
    }
    return found;
  }

  /** Keeps features, if need be in the place of others. */
  put(key: string, features: UtteranceFeatures): void {
    if (this.#held.has(key) || features.data.byteLength > this.#limit) return;
    this.#bytes += features.data.byteLength;
    this.#held.set(key, features);
    for (const [oldest, { data }] of this.#held) {
      if (this.#bytes <= this.#limit) break;
      this.#held.delete(oldest);
      this.#bytes -= data.byteLength;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#held.clear();
    this.#bytes = 0;
  }
}
