/** Keeps a device busy without running far ahead of it. @module */
import type { Device } from "../tensor/mod.ts";

/** Milliseconds of work that may be enqueued beyond what is done. */
const AHEAD_MS = 50;
/** Milliseconds after which timers and signals get a turn. */
const TURN_MS = 50;

/**
 * Lets steps be enqueued up to some tens of milliseconds ahead. A GPU is never asked about each step: the answer takes longer than the step.
 * On the CPU, where a step is done when it returns, it only gives timers and signals a turn.
 */
export class Pace {
  readonly #device: Device;
  #limit = 1;
  #steps = 0;
  #fence: Promise<void> = Promise.resolve();
  #fenceStart = performance.now();
  #turn = performance.now();

  constructor(device: Device) {
    this.#device = device;
  }

  /** To be awaited after each step. */
  async step(): Promise<void> {
    if (this.#device.type === "cpu") return await this.#takeTurn();
    if (++this.#steps < this.#limit) return;
    await this.#fence; // the window before last is done; the last one is still running
    const now = performance.now();
    const stepMs = (now - this.#fenceStart) / this.#steps;
    this.#limit = Math.max(1, Math.min(2 * this.#limit, Math.round(AHEAD_MS / Math.max(stepMs, 0.01))));
    [this.#steps, this.#fenceStart] = [0, now];
    this.#fence = this.#device.synchronize();
    this.#fence.catch(() => {}); // reported by the next await
  }

  async #takeTurn(): Promise<void> {
    if (performance.now() - this.#turn < TURN_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#turn = performance.now();
  }
}
