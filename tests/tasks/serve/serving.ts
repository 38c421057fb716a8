/** A server in this process, with a tiny model and a database of its own. @module */
import { join } from "node:path";
import { SpeakerStore } from "../../../data/speakers/speaker_store.ts";
import { Embedder } from "../../../train/verification/embedder.ts";
import { judgeOf } from "../../../train/verification/judge.ts";
import { loadModel } from "../../../train/model_file.ts";
import { SpeakerService } from "../../../train/verification/speaker_service.ts";
import { type ServerOptions, SpeakerServer } from "../../../tasks/serve/server.ts";
import { withFolder } from "../run.ts";
import { writeVerifier } from "../../train/verification/tiny_verifier.ts";

/** A server that runs. */
export interface Serving {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly port: number;
  readonly server: SpeakerServer;
  readonly store: SpeakerStore;
  readonly modelId: string;
  readonly dim: number;
  /** Faults that the log would have. */
  readonly faults: unknown[];
}

/** Runs a server for a test. */
export async function withServer(
  use: (serving: Serving) => Promise<void>,
  options: Partial<ServerOptions> & { readonly maxDatabaseBytes?: number } = {},
): Promise<void> {
  await withFolder(async (folder) => {
    const path = await writeVerifier(folder), loaded = await loadModel(path), embedder = new Embedder(loaded);
    using store = new SpeakerStore(join(folder, "speakers.db"), { create: true, maxBytes: options.maxDatabaseBytes });
    const judge = await judgeOf(path, { id: loaded.id });
    const service = new SpeakerService(store, { model: { id: loaded.id, name: path, dim: embedder.dim }, judge });
    const weights = await Deno.readFile(path), faults: unknown[] = [];
    const parts = { service, embedder, loaded, judge, weights, statics: null };
    const { limits = {}, ...rest } = options;
    const server = new SpeakerServer({
      ...parts,
      ...{ host: "127.0.0.1", port: 0, token: null, onFault: (error: unknown) => void faults.push(error) },
      limits: { rate: Infinity, ...limits },
      ...rest,
    });
    const { port } = server, url = `http://127.0.0.1:${port}`;
    try {
      await use({ url, port, server, store, modelId: loaded.id, dim: embedder.dim, faults });
    } finally {
      await server.stop();
    }
  });
}

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- whatever the API says is looked at
  readonly body: any;
  readonly headers: Headers;
}

/** Asks, and reads the answer; JSON where it is some. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init), text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
}

/** Posts a recording as it is. */
export function post(url: string, body: BodyInit, type = "audio/wav"): Promise<Answer> {
  return ask(url, { method: "POST", body, headers: { "content-type": type } });
}

/** A form with recordings. */
export function form(name: string | null, recordings: readonly Uint8Array<ArrayBuffer>[]): FormData {
  const form = new FormData();
  if (name !== null) form.set("name", name);
  recordings.forEach((bytes, i) => form.append("audio", new Blob([bytes]), `r${i}.wav`));
  return form;
}

/** A client that says exactly what it is told to, byte for byte. */
export class RawClient implements Disposable {
  readonly #connection: Deno.Conn;
  #said = "";

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects. */
  static async to(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends text or bytes. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Reads until an answer with JSON is there, or the server has closed. */
  async answer(): Promise<string> {
    const buffer = new Uint8Array(65536), decoder = new TextDecoder();
    while (!/\r\n\r\n.*\}(\r\n0\r\n\r\n)?$/s.test(this.#said)) {
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) break;
      this.#said += decoder.decode(buffer.subarray(0, count));
    }
    return this.#said;
  }

  /** Hangs up. */
  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // the server was quicker
    }
  }
}
