import { type ArrayDict, writeSafetensors } from "../files/safetensors.ts";

/** Packs features into safetensors files of a given size, `PREFIX-0000.safetensors` and so on. */
export class ShardWriter {
  readonly #folder: string;
  readonly #prefix: string;
  readonly #options: { channels: number; shardBytes: number; metadata: Record<string, string> };
  #pending: [string, { shape: number[]; data: Float32Array }][] = [];
  #bytes = 0;
  #shards = 0;

  /**
   * @param folder where the files go
   * @param prefix how their names start
   * @param options values a frame, size from which on a file is written, and what is said in every file
   */
  constructor(
    folder: string,
    prefix: string,
    options: { channels: number; shardBytes: number; metadata: Record<string, string> },
  ) {
    this.#folder = folder;
    this.#prefix = prefix;
    this.#options = options;
  }

  /**
   * Adds the features of one recording.
   *
   * @returns the feature path for metadata.json
   */
  async add(name: string, { data, frames }: { data: Float32Array; frames: number }): Promise<string> {
    const path = `${this.#fileName()}#${name}`;
    this.#pending.push([name, { shape: [frames, this.#options.channels], data }]);
    this.#bytes += data.byteLength;
    if (this.#bytes >= this.#options.shardBytes) await this.flush();
    return path;
  }

  /** Writes what has been added since the last file. */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const arrays: ArrayDict = Object.fromEntries(this.#pending);
    await writeSafetensors(`${this.#folder}/${this.#fileName()}`, arrays, this.#options.metadata);
    this.#pending = [];
    this.#bytes = 0;
    this.#shards++;
  }

  #fileName(): string {
    return `${this.#prefix}-${String(this.#shards).padStart(4, "0")}.safetensors`;
  }
}
