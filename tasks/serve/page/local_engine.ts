/// <reference lib="dom" />
/** The page's end of the engine's thread. @module */
import type { DeviceChoice } from "../../../tensor/mod.ts";
import type { Clip } from "./clip.ts";
import type { EngineFacts } from "./engine.ts";
import type { Answer, Question } from "./engine_worker.ts";

type Facts = Extract<Answer, { facts: EngineFacts }>;

/** An engine in this browser with a model loaded. */
export class LocalEngine {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { take: (answer: Facts) => void; fail: (error: Error) => void }>();
  #serial = 0;
  #facts: EngineFacts | null = null;

  private constructor() {
    this.#worker = new Worker(new URL("./engine_worker.ts", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.#hear(data));
    this.#worker.addEventListener("error", (event) => this.#failAll(event.message || "its modules do not load"));
  }

  /**
   * Starts the thread and loads a model.
   *
   * @throws Error where this browser cannot run it.
   */
  static async open(weights: Uint8Array<ArrayBuffer>, device: DeviceChoice): Promise<LocalEngine> {
    const engine = new LocalEngine();
    try {
      await engine.#ask({ weights, device });
      return engine;
    } catch (error) {
      engine.close();
      throw error;
    }
  }

  /** What it computes on. */
  get facts(): EngineFacts {
    if (this.#facts === null) throw new Error("internal: the engine is asked before it is open");
    return this.#facts;
  }

  /** The embedding of a recording. */
  async embed({ samples, sampleRate }: Clip): Promise<Float32Array> {
    const { embedding } = await this.#ask({ samples, sampleRate });
    if (embedding === undefined) throw new Error("internal: the engine answers without an embedding");
    return embedding;
  }

  /** Ends the thread and frees its memory. */
  close(): void {
    this.#worker.terminate();
    this.#failAll("it was closed");
  }

  async #ask(question: WithoutId<Question>): Promise<Facts> {
    const id = this.#serial++;
    const answer = await new Promise<Facts>((take, fail) => {
      this.#waiting.set(id, { take, fail });
      this.#worker.postMessage({ id, ...question });
    });
    this.#facts = answer.facts;
    return answer;
  }

  #hear(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.fail(new Error(answer.error));
    else waiting?.take(answer);
  }

  #failAll(why: string): void {
    for (const { fail } of this.#waiting.values()) fail(new Error(`Cannot compute on this device: ${why}`));
    this.#waiting.clear();
  }
}

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;
