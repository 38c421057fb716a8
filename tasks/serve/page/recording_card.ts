/// <reference lib="dom" />
/** The first half of the page: record, choose or drop a recording, see and hear it. @module */
import type { FeatureFrames, FeatureSettings } from "../../../data/features/mod.ts";
import { joinParts } from "../../../data/audio/recording.ts";
import { type Clip, clipOfFile, clipOfSamples } from "./clip.ts";
import { messageOf, part } from "./dom.ts";
import { pictureFeatures } from "./features_picture.ts";
import { record, type Take } from "./microphone.ts";
import { drawFeatures, drawWaveform } from "./picture.ts";
import { Player } from "./player.ts";

/** Longest take, in seconds; then it ends by itself. */
const LONGEST_TAKE = 30;

/** Whom the card tells. */
export interface RecordingEvents {
  /** What did not work, in plain words; "" before something is tried. */
  onError(message: string): void;
  /** There is another recording, or none while one is made. */
  onChange(): void;
}

/** Holds the current recording. */
export class RecordingCard {
  /** How the model makes features, once it is known. */
  settings: FeatureSettings | null = null;
  readonly #events: RecordingEvents;
  readonly #player = new Player();
  #clip: Clip | null = null;
  #features: FeatureFrames | null = null;
  #take: Take | null = null;
  #heard: Float32Array[] = [];

  /** Takes the card over. */
  constructor(events: RecordingEvents) {
    this.#events = events;
    this.#listen();
    this.#draw();
  }

  /** The recording; null before there is one. */
  get clip(): Clip | null {
    return this.#clip;
  }

  #listen(): void {
    const file = part("file", HTMLInputElement);
    part("record", HTMLButtonElement).addEventListener("click", () => this.#trying(() => this.#toggleTake()));
    part("choose", HTMLButtonElement).addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      file.value = ""; // the same file may be chosen again
      if (chosen !== undefined) this.#trying(() => this.#open([chosen]));
    });
    this.#acceptDrops(part("drop", HTMLElement));
    new ResizeObserver(() => this.#draw()).observe(part("waveform", HTMLCanvasElement));
    document.addEventListener("theme", () => this.#draw());
  }

  #acceptDrops(place: HTMLElement): void {
    // a file dropped beside the place would make the browser leave the page
    for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
    place.addEventListener("dragover", () => place.classList.add("over"));
    place.addEventListener("dragleave", () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => {
      place.classList.remove("over");
      const files = [...event.dataTransfer?.files ?? []];
      if (files.length > 0) this.#trying(() => this.#open(files));
    });
  }

  async #trying(work: () => Promise<void>): Promise<void> {
    this.#events.onError("");
    try {
      await work();
    } catch (error) {
      this.#events.onError(messageOf(error));
    }
  }

  async #open(files: readonly File[]): Promise<void> {
    if (files.length > 1) throw new Error(`These are ${files.length} files: one recording at a time`);
    this.#show(await clipOfFile(files[0]));
  }

  async #toggleTake(): Promise<void> {
    if (this.#take !== null) return await this.#endTake();
    const button = part("record", HTMLButtonElement);
    button.disabled = true; // until the browser's question is answered
    try {
      this.#heard = [];
      this.#clip = null;
      this.#features = null;
      this.#player.load(null);
      this.#events.onChange();
      this.#take = await record((samples) => this.#hear(samples));
    } finally {
      button.disabled = false;
    }
    button.setAttribute("aria-pressed", "true");
    part("record-label", HTMLElement).textContent = "Stop";
    this.#draw();
  }

  #hear(samples: Float32Array): void {
    if (this.#take === null) return;
    this.#heard.push(samples);
    const seconds = this.#heard.reduce((sum, { length }) => sum + length, 0) / this.#take.sampleRate;
    part("source", HTMLElement).textContent = `Recording: ${seconds.toFixed(1)} s`;
    drawWaveform(part("waveform", HTMLCanvasElement), joinParts(this.#heard));
    if (seconds >= LONGEST_TAKE) this.#trying(() => this.#endTake());
  }

  async #endTake(): Promise<void> {
    const take = this.#take;
    if (take === null) return;
    this.#take = null;
    part("record", HTMLButtonElement).setAttribute("aria-pressed", "false");
    part("record-label", HTMLElement).textContent = "Record";
    const samples = await take.stop();
    part("source", HTMLElement).textContent = "";
    if (samples.length === 0) throw new Error("The microphone gave nothing: try again");
    this.#show(clipOfSamples("Your recording", samples, take.sampleRate));
  }

  #show(clip: Clip): void {
    this.#clip = clip;
    this.#features = pictureFeatures(clip, this.settings);
    this.#player.load(clip);
    this.#events.onChange();
    const seconds = clip.seconds.toFixed(1);
    part("source", HTMLElement).textContent = `${clip.name}: ${seconds} s at ${clip.sampleRate / 1000} kHz`;
    part("axis-end", HTMLElement).textContent = `${seconds} s`;
    part("waveform", HTMLCanvasElement).ariaLabel = `Waveform of ${clip.name}, ${seconds} s`;
    part("log-mel", HTMLCanvasElement).ariaLabel = `Log-mel spectrogram of ${clip.name}, ${seconds} s`;
    this.#draw();
  }

  #draw(): void {
    drawWaveform(part("waveform", HTMLCanvasElement), this.#clip?.samples ?? joinParts(this.#heard));
    drawFeatures(part("log-mel", HTMLCanvasElement), this.#features);
  }
}
