/// <reference lib="dom" />
/** What the page asks of its server. @module */
import type { FeatureSettings } from "../../../data/features/mod.ts";

/** The model that the server uses. */
export interface ServedModel {
  /** SHA-256 of its file. */
  readonly id: string;
  readonly architecture: string;
  /** Numbers an embedding. */
  readonly dim: number;
  /** Samples a second. */
  readonly sampleRate: number;
  readonly featureSettings: FeatureSettings;
  /** Scores from here on say "the same speaker". */
  readonly threshold: number;
  /** Equal error rate on the trials that the threshold was chosen on, 0 to 1; missing where somebody gave the threshold. */
  readonly eer?: number;
  /** Whether the server gives the model away. */
  readonly isShared: boolean;
  /** Bytes of its file, where it would be given away if it were smaller. */
  readonly oversize?: number;
  /** Bytes that a file may have to be given away. */
  readonly maxSharedBytes?: number;
  /** Longest recording, in seconds. */
  readonly maxSeconds: number;
  /** Largest file, in bytes. */
  readonly maxBytes: number;
}

/** Somebody who is enrolled. */
export interface Speaker {
  readonly name: string;
  readonly recordings: number;
  readonly seconds: number;
  /** When, in ISO 8601. */
  readonly enrolled: string;
}

/** What is known of somebody from now on. */
export interface Enrolment {
  readonly name: string;
  /** Recordings that were new. */
  readonly added: number;
  /** All there are. */
  readonly recordings: number;
}

/** Whether a recording is of a person. */
export interface Verification {
  readonly name: string;
  readonly score: number;
  readonly threshold: number;
  readonly same: boolean;
}

/** Whose recording it is. */
export interface Identification {
  /** Null for nobody who is enrolled. */
  readonly best: string | null;
  readonly threshold: number;
  /** Highest score first. */
  readonly ranking: readonly { readonly name: string; readonly score: number }[];
}

/** A voice as it is sent: a recording, or what was computed from it here. */
export type Voice =
  | { readonly audio: Blob }
  | { readonly embedding: Float32Array; readonly model: string; readonly seconds: number };

/** An answer that is none: refused by the server, or never come. */
export class ServerError extends Error {
  override name = "ServerError";
  /** HTTP's number; 0 where the server did not answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The server that the page came from. */
export class Server {
  /** What it wants in order to answer at all; null where it wants nothing. */
  token: string | null = null;

  /** The model that it uses. */
  async model(): Promise<ServedModel> {
    return await this.#json("api/model") as ServedModel;
  }

  /** Everybody who is enrolled. */
  async speakers(): Promise<readonly Speaker[]> {
    const { speakers } = await this.#json("api/speakers") as { speakers: readonly Speaker[] };
    return speakers;
  }

  /** Enrols a voice under a name. */
  async enrol(name: string, voice: Voice): Promise<Enrolment> {
    return await this.#post("api/enroll", voice, name) as Enrolment;
  }

  /** Compares a voice with a person's. */
  async verify(name: string, voice: Voice): Promise<Verification> {
    return await this.#post("api/verify", voice, name) as Verification;
  }

  /** Compares a voice with everybody's. */
  async identify(voice: Voice): Promise<Identification> {
    return await this.#post("api/identify", voice) as Identification;
  }

  /** Forgets a person. */
  async forget(name: string): Promise<void> {
    await this.#ask(`api/speakers/${encodeURIComponent(name)}`, { method: "DELETE" });
  }

  /** The model's file; `onProgress` is told the share that has come. */
  async weights(onProgress: (share: number) => void): Promise<Uint8Array<ArrayBuffer>> {
    const response = await this.#ask("api/model/weights");
    const size = Number(response.headers.get("content-length") ?? 0);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let come = 0;
    const reader = response.body!.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      parts.push(next.value);
      come += next.value.length;
      if (size > 0) onProgress(Math.min(1, come / size));
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }

  async #post(path: string, voice: Voice, name?: string): Promise<unknown> {
    if ("audio" in voice) {
      const query = name === undefined ? "" : `?name=${encodeURIComponent(name)}`;
      const headers = { "content-type": voice.audio.type || "application/octet-stream" };
      return await this.#json(path + query, { method: "POST", body: voice.audio, headers });
    }
    const body = JSON.stringify({ name, ...voice, embedding: [...voice.embedding] });
    return await this.#json(path, { method: "POST", body, headers: { "content-type": "application/json" } });
  }

  async #json(path: string, init?: RequestInit): Promise<unknown> {
    return await (await this.#ask(path, init)).json();
  }

  async #ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== null) headers.set("authorization", `Bearer ${this.token}`);
    const response = await fetch(`/${path}`, { ...init, headers }).catch(() => {
      throw new ServerError(0, "The server does not answer: is it still running?");
    });
    if (response.ok) return response;
    const answer = await response.json().catch(() => null) as { error?: { message?: string } } | null;
    throw new ServerError(response.status, answer?.error?.message ?? `The server answers ${response.status}`);
  }
}
