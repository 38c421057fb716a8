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
   * @throws {ApiError} 413 where it is too long, whatever its header says; 408 where it takes too long; 400 where it ends early; 503 where
   * there are too many.
   */
  async receive<T>(request: Request, maxBytes: number, work: (body: Uint8Array) => Promise<T>): Promise<T> {
    const declared = Number(request.headers.get("content-length") ?? 0);
    if (!(declared <= maxBytes)) throw tooLarge(maxBytes);
    if (this.#receiving >= this.#limits.maxUploads) throw overloaded("too many uploads at a time");
    const parts: Uint8Array[] = [];
    let size = 0;
    try {
      this.#receiving++;
      try {
        for await (const part of this.#parts(request)) {
          size += part.length;
          this.#held += part.length;
          if (size > maxBytes) throw tooLarge(maxBytes);
          if (this.#held > this.#limits.maxHeldBytes) throw overloaded("too much is being uploaded at a time");
          parts.push(part);
        }
      } finally {
        this.#receiving--;
      }
      return await work(join(parts, size));
    } finally {
      this.#held -= size;
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

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
