/// <reference lib="dom" />
/** Plays the recording, with a line that runs over its pictures. @module */
import type { Clip } from "./clip.ts";
import { part } from "./dom.ts";

/** The button "Play". */
export class Player {
  readonly #audio = new Audio();
  readonly #button = part("play", HTMLButtonElement);
  readonly #line = part("playhead", HTMLElement);
  #seconds = 0;

  /** Takes the button over. */
  constructor() {
    this.#button.addEventListener("click", () => this.#audio.paused ? this.#start() : this.#audio.pause());
    for (const name of ["play", "pause", "ended"]) this.#audio.addEventListener(name, () => this.#show());
  }

  /** What to play from now on; null for nothing. */
  load(clip: Clip | null): void {
    this.#audio.pause();
    if (this.#audio.src !== "") URL.revokeObjectURL(this.#audio.src);
    this.#audio.removeAttribute("src");
    if (clip !== null) this.#audio.src = URL.createObjectURL(clip.file);
    this.#seconds = clip?.seconds ?? 0;
    this.#button.disabled = clip === null;
    this.#show();
  }

  #start(): void {
    this.#audio.play().catch(() => this.#button.disabled = true); // no sound device, or none for this format
  }

  #show(): void {
    const { paused } = this.#audio;
    this.#button.textContent = paused ? "Play" : "Pause";
    this.#line.hidden = paused;
    if (!paused) this.#run();
  }

  #run(): void {
    if (this.#audio.paused) return;
    const width = this.#line.parentElement!.clientWidth;
    const share = this.#seconds === 0 ? 0 : Math.min(1, this.#audio.currentTime / this.#seconds);
    this.#line.style.transform = `translateX(${share * width}px)`;
    requestAnimationFrame(() => this.#run());
  }
}
