/** Hands the microphone's samples to the page as they come. Runs in the browser's audio thread. @module */
export {};

// of an AudioWorkletGlobalScope, which TypeScript's libraries leave out
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, type: new () => AudioWorkletProcessor): void;

/** Samples in a message: one of 128, as they come, would be a message every 3 ms. */
const PART = 2048;

class Microphone extends AudioWorkletProcessor {
  #part = new Float32Array(PART);
  #filled = 0;

  /** Called for every 128 samples; `inputs[0]` has one array a channel, none while nothing is connected. */
  process([[samples]]: readonly (readonly Float32Array[])[]): boolean {
    if (samples === undefined) return true;
    if (this.#filled + samples.length > PART) this.#send();
    this.#part.set(samples, this.#filled);
    this.#filled += samples.length;
    return true;
  }

  #send(): void {
    const part = this.#part.slice(0, this.#filled);
    this.port.postMessage(part, [part.buffer]);
    this.#filled = 0;
  }
}

registerProcessor("microphone", Microphone);
