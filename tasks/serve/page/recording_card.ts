/// <reference lib="dom" />
/** The first half of the page: record, choose or drop a recording, see and hear it. @module */
import type { FeatureFrames } from "../../../data/features/mod.ts";
import { joinParts } from "../../../data/audio/recording.ts";
import type { ServedModel } from "./api.ts";
import { type Clip, type ClipLimits, clipOfFile, clipOfSamples } from "./clip.ts";
import { busyWith, part } from "./dom.ts";
import { pictureFeatures } from "./features_picture.ts";
import { messageOf } from "./message.ts";
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
  /** What is known of the model: how it makes features, and how long recordings may be. */
  model: Pick<ServedModel, "featureSettings" | keyof ClipLimits> | null = null;
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
    const clip = await clipOfFile(files[0], this.model ?? { maxSeconds: 60, maxBytes: 2 ** 24 });
    await this.#takeOff(); // the file is wanted instead
    this.#show(clip);
  }

  async #toggleTake(): Promise<void> {
    if (this.#take !== null) return await this.#endTake();
    const button = part("record", HTMLButtonElement);
    await busyWith(button, async () => { // until the browser's question is answered
      this.#heard = [];
      this.#clip = null;
      this.#features = null;
      this.#player.load(null);
      this.#events.onChange();
      this.#take = await record((samples) => this.#hear(samples));
      button.setAttribute("aria-pressed", "true");
      part("record-label", HTMLElement).textContent = "Stop";
      this.#draw();
    });
  }

  #hear(samples: Float32Array): void {
    if (this.#take === null) return;
    this.#heard.push(samples);
    const seconds = this.#heard.reduce((sum, { length }) => sum + length, 0) / this.#take.sampleRate;
    part("source", HTMLElement).textContent = `Recording: ${seconds.toFixed(1)} s`;
    drawWaveform(part("waveform", HTMLCanvasElement), joinParts(this.#heard));
    if (seconds >= Math.min(LONGEST_TAKE, this.model?.maxSeconds ?? Infinity) - 0.1) {
      this.#trying(() => this.#endTake());
    }
  }

  async #endTake(): Promise<void> {
    const taken = await this.#takeOff();
    if (taken === null) return;
    part("source", HTMLElement).textContent = "";
    if (taken.samples.length === 0) throw new Error("The microphone gave nothing: try again");
    this.#show(clipOfSamples("Your recording", taken.samples, taken.sampleRate));
  }

  /** Turns the microphone off: what it gave; null where it was not on. */
  async #takeOff(): Promise<{ readonly samples: Float32Array; readonly sampleRate: number } | null> {
    const take = this.#take;
    if (take === null) return null;
    this.#take = null;
    part("record", HTMLButtonElement).setAttribute("aria-pressed", "false");
    part("record-label", HTMLElement).textContent = "Record";
    return { samples: await take.stop(), sampleRate: take.sampleRate };
  }

  #show(clip: Clip): void {
    this.#clip = clip;
    this.#features = pictureFeatures(clip, this.model?.featureSettings ?? null);
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
