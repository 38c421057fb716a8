/**
 * Runs a row of asynchronous jobs some places ahead of who takes their results, in order. This is how batches are ready
 * before the device asks for them.
 */
export class Ahead<T> {
  readonly #start: () => Promise<T> | undefined;
  readonly #depth: number;
  readonly #running: Promise<T>[] = [];

  /**
   * @param start starts the next job; undefined when there are no more
   * @param depth how many jobs may run or wait finished; at least 1
   */
  constructor(start: () => Promise<T> | undefined, depth: number) {
    if (!(Number.isInteger(depth) && depth >= 1)) {
      throw new RangeError(`Cannot prepare ${depth} batches ahead: wanted a whole number of at least 1`);
    }
    this.#start = start;
    this.#depth = depth;
  }

  /** The result of the next job, or undefined after the last. A failed job throws here, when its turn comes. */
  async take(): Promise<T | undefined> {
    this.#fill();
    const result = await this.#running.shift();
    this.#fill();
    return result;
  }

  #fill(): void {
    while (this.#running.length < this.#depth) {
      const job = this.#start();
      if (job === undefined) return;
      job.catch(() => {}); // reported by `take`; until then it must not count as unhandled
      this.#running.push(job);
    }
  }
}
