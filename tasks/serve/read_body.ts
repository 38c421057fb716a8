/** Bodies of requests: bounded in bytes and in time. @module */
import { ApiError, overloaded } from "./api_error.ts";
import type { Limits } from "./limits.ts";

/** Bodies that are in memory, and those on their way there. */
export class Uploads {
  readonly #limits: Pick<Limits, "maxUploads" | "maxHeldBytes" | "uploadSeconds" | "idleSeconds">;
  readonly #stopped: AbortSignal;
  #receiving = 0;
  #held = 0;

  /**
   * Room for uploads; none is taken yet.
   *
   * @param limits of all together
   * @param stopped those that are under way when it is aborted are given up
   */
  constructor(
    limits: Pick<Limits, "maxUploads" | "maxHeldBytes" | "uploadSeconds" | "idleSeconds">,
    stopped: AbortSignal,
  ) {
    this.#limits = limits;
    this.#stopped = stopped;
  }

  /** Bytes in memory. */
  get held(): number {
    return this.#held;
  }

  /**
   * Receives the body of a request, works on it, and forgets it.
   *
   * @throws {ApiError} 413 where it is too long, whatever its header says, or comes in crumbs; 408 where it takes too long; 400 where it
   * ends early; 503 where there are too many.
   */
  async receive<T>(request: Request, maxBytes: number, work: (body: Uint8Array) => Promise<T>): Promise<T> {
    const declared = Number(request.headers.get("content-length") ?? 0);
    if (!(declared <= maxBytes)) throw tooLarge(maxBytes);
    if (this.#receiving >= this.#limits.maxUploads) throw overloaded("too many uploads at a time");
    const body = new Body();
    try {
      this.#receiving++;
      try {
        for await (const part of this.#parts(request)) {
          this.#held += part.length;
          body.add(part);
          if (body.size > maxBytes) throw tooLarge(maxBytes);
          if (this.#held > this.#limits.maxHeldBytes) throw overloaded("too much is being uploaded at a time");
        }
      } finally {
        this.#receiving--;
      }
      return await work(body.bytes);
    } finally {
      this.#held -= body.size;
    }
  }

  /** The parts of a body as they come; ends with an error where they do not come in time. */
  async *#parts({ body }: Request): AsyncGenerator<Uint8Array> {
    if (body === null) return;
    const reader = body.getReader(), end = performance.now() + this.#limits.uploadSeconds * 1000;
    try {
      while (true) {
        const patience = Math.min(end - performance.now(), this.#limits.idleSeconds * 1000);
        const { done, value } = await this.#inTime(reader.read(), patience);
        if (done) return;
        yield value;
      }
    } finally {
      reader.cancel().catch(() => {}); // what still comes is of no interest
    }
  }

  async #inTime<T>(reading: Promise<T>, milliseconds: number): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const isLate = () =>
      reject(new ApiError(408, "too_slow", "Cannot take the request: its body did not come in time"));
    const isStopping = () => reject(overloaded("the server is stopping"));
    const timer = setTimeout(isLate, Math.max(0, milliseconds));
    this.#stopped.addEventListener("abort", isStopping);
    if (this.#stopped.aborted) isStopping();
    try {
      return await Promise.race([reading.catch(throwIncomplete), late]);
    } finally {
      clearTimeout(timer);
      this.#stopped.removeEventListener("abort", isStopping);
    }
  }
}

function throwIncomplete(): never {
  throw new ApiError(400, "incomplete_body", "Cannot take the request: its body ends too early");
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(413, "too_large", `Cannot take the request: its body is longer than ${maxBytes} bytes`);
}

/** Parts of any size that a body may have, and bytes that every further one has to bring on the average. */
const FREE_PARTS = 4096, BYTES_A_PART = 256;

/**
 * A body as it grows. Parts are copied at once: kept, one of a single byte would take half a kilobyte. Each also costs a turn of the event
 * loop, so that there may not be too many for what they bring.
 */
class Body {
  #bytes = new Uint8Array(0);
  #size = 0;
  #parts = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  /** @throws {ApiError} 413 */
  add(part: Uint8Array): void {
    const at = this.#size;
    this.#size += part.length;
    if (++this.#parts > FREE_PARTS + this.#size / BYTES_A_PART) {
      throw new ApiError(413, "too_many_parts", "Cannot take the request: its body comes in too many small parts");
    }
    if (this.#size > this.#bytes.length) {
      this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(Math.max(2 * this.#bytes.length, this.#size)));
    }
    this.#bytes.set(part, at);
  }
}
