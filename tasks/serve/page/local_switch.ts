/// <reference lib="dom" />
/** The switch that keeps the voice on this device: the model comes to the voice instead. @module */
import type { DeviceChoice } from "../../../tensor/mod.ts";
import type { ServedModel, Server, Voice } from "./api.ts";
import type { Clip } from "./clip.ts";
import { busyWith, part } from "./dom.ts";
import { LocalEngine } from "./local_engine.ts";
import { messageOf } from "./message.ts";

const OFF = "Off: the recording is sent to the server, which computes on it and does not keep it.";

/** Turns recordings into what is sent. */
export class LocalSwitch {
  readonly #server: Server;
  readonly #input = part("local", HTMLInputElement);
  readonly #progress = part("download", HTMLProgressElement);
  #engine: LocalEngine | null = null;
  /** Settled while nothing is being turned on. */
  #opening: Promise<void> = Promise.resolve();

  /** Takes the switch over. */
  constructor(server: Server) {
    this.#server = server;
    this.#input.checked = false; // some browsers keep it over a reload
    this.#input.addEventListener("change", () => {
      if (this.#input.ariaDisabled === "true") this.#input.checked = true; // it is being turned on
      else if (this.#input.checked) this.#opening = busyWith(this.#input, () => this.#turnOn());
      else this.#turnOff();
    });
  }

  /** Says that there is nothing to turn on: the model is too large to send, or the server keeps it to itself. */
  forbid({ oversize, maxSharedBytes = 0 }: Pick<ServedModel, "oversize" | "maxSharedBytes">): void {
    this.#input.disabled = true;
    const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
    const why = oversize === undefined
      ? "this server does not give its model away"
      : `the model has ${megabytes(oversize)}, and a browser is sent ${megabytes(maxSharedBytes)} at most`;
    this.#note(`Off: ${why}, so recordings are sent to the server.`);
  }

  /**
   * The recording itself, or its embedding, computed here, where the switch is on.
   *
   * @throws Error where it cannot be computed here: the recording is not given away instead.
   */
  async voiceOf(clip: Clip): Promise<Voice> {
    if (!this.#input.checked) return { audio: clip.file };
    await this.#opening;
    if (this.#engine === null) throw new Error("The recording was not sent: this device cannot compute on it");
    const embedding = await this.#engine.embed(clip);
    this.#note(this.#onText()); // a lost GPU has been replaced
    return { embedding, model: this.#engine.facts.model, seconds: clip.seconds };
  }

  async #turnOn(): Promise<void> {
    this.#progress.hidden = false;
    this.#progress.value = 0;
    try {
      if (!globalThis.isSecureContext) {
        throw new Error("browsers compute only for pages from https:// or from this machine");
      }
      this.#note("The model is being downloaded …");
      const weights = await this.#server.weights((share) => this.#progress.value = share);
      this.#note("The model is being made ready …");
      this.#engine = await LocalEngine.open(weights, wantedDevice());
      this.#note(this.#onText());
    } catch (error) {
      this.#input.checked = false;
      this.#note(`Still off: ${messageOf(error)}`);
    } finally {
      this.#progress.hidden = true;
    }
  }

  #turnOff(): void {
    this.#engine?.close();
    this.#engine = null;
    this.#note(OFF);
  }

  #onText(): string {
    const { type, description, problem } = this.#engine!.facts;
    const place = type === "webgpu" ? "the graphics card" : "this processor";
    const why = problem === null ? description : `${description}; ${problem}`;
    return `On: your voice stays here. Only an embedding is sent, a list of numbers that ${place} computes (${why}).`;
  }

  #note(text: string): void {
    part("local-note", HTMLElement).textContent = text;
  }
}

/** `?device=cpu` in the page's address asks for another device than the best one. */
function wantedDevice(): DeviceChoice {
  const device = new URLSearchParams(location.search).get("device");
  return device === "cpu" || device === "webgpu" ? device : "auto";
}
