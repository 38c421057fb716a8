/** How many requests each client may make: a token bucket. @module */
import { ApiError } from "./api_error.ts";

interface Bucket {
  tokens: number;
  /** When `tokens` was right, in milliseconds. */
  at: number;
}

/** Clients remembered at a time. */
const MOST_CLIENTS = 10_000;

/** Buckets of requests, which fill at a rate. */
export class RateLimiter {
  readonly #rate: number;
  readonly #burst: number;
  readonly #now: () => number;
  /** The longest unseen first. */
  readonly #buckets = new Map<string, Bucket>();

  /**
   * A limiter that has seen nobody.
   *
   * @param options `rate` requests a second in the long run (Infinity: no limit), `burst` at once; `now` in milliseconds
   */
  constructor({ rate, burst, now = () => performance.now() }: { rate: number; burst: number; now?: () => number }) {
    this.#rate = rate;
    this.#burst = burst;
    this.#now = now;
  }

  /** Clients that are remembered. */
  get clients(): number {
    return this.#buckets.size;
  }

  /**
   * Counts a request.
   *
   * @throws {ApiError} 429 where the client's bucket is empty, with the seconds to wait.
   */
  count(client: string): void {
    if (this.#rate === Infinity) return;
    const now = this.#now(), bucket = this.#buckets.get(client) ?? { tokens: this.#burst, at: now };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) / 1000 * this.#rate);
    bucket.at = now;
    this.#buckets.delete(client); // to the end of the order
    this.#buckets.set(client, bucket);
    if (this.#buckets.size > MOST_CLIENTS) this.#buckets.delete(this.#buckets.keys().next().value!);
    if (bucket.tokens < 1) {
      const wait = Math.ceil((1 - bucket.tokens) / this.#rate);
      const message = `Cannot take the request: more than ${this.#rate} requests a second; wait ${wait} s`;
      throw new ApiError(429, "too_many_requests", message, { "retry-after": String(wait) });
    }
    bucket.tokens--;
  }
}

/** What counts as one client: an address, of IPv6 the network of 64 bits, all of whose addresses one machine may have. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1];
  if (!address.includes(":")) return address;
  const [head, tail] = address.split("::"), groups = head.split(":").filter(Boolean);
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter(Boolean).length;
  return [...groups, ...Array(missing).fill("0"), ...(tail ?? "").split(":")].slice(0, 4).join(":");
}
