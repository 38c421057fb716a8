/**
 * Reads whole small files. From a disk cache or an SSD that is a matter of microseconds, and reading at once costs a third of
 * the processor time of asking another thread; from a slow disk waiting would hold everything up, and many reads at the same
 * time are faster. So files are read at once as long as that is quick.
 */
export class PatientReader {
  readonly #patience: number;
  #slow = 0;

  /** @param patience milliseconds from which on a read counts as slow; default 2 */
  constructor(patience = 2) {
    this.#patience = patience;
  }

  /** Whether reads have been slow lately. */
  get isSlow(): boolean {
    return this.#slow >= 4;
  }

  /** Reads a file. */
  async read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    if (this.isSlow) return await Deno.readFile(path);
    const start = performance.now();
    const bytes = Deno.readFileSync(path);
    // One slow read may be chance; four of them without sixteen quick ones between any two are the disk.
    this.#slow = performance.now() - start > this.#patience
      ? Math.ceil(this.#slow) + 1
      : Math.max(0, this.#slow - 1 / 16);
    return bytes;
  }
}
