import { checkWaveform } from "./extractor.ts";
import { PairedPower } from "./paired_power.ts";
import type { SpectrogramSettings } from "./settings.ts";
import { makeWindow } from "./window.ts";

/** What a short-time transform depends on. */
export type FramingSettings = Pick<SpectrogramSettings, "nFft" | "winLength" | "hopLength" | "window" | "center">;

/** What stands before and behind a waveform whose frames are centred: its mirror images, or zeros. */
export type PadMode = "reflect" | "zeros";

/**
 * Power spectra of the windowed frames of a waveform, framed as `torch.stft` does: the window lies in the middle of the
 * nFft points, and with `center` the waveform is extended by nFft / 2 samples on both sides: mirrored ones or zeros.
 */
export class ShortTimePower {
  /** Number of frequencies, nFft / 2 + 1. */
  readonly bins: number;
  readonly #settings: FramingSettings;
  readonly #padMode: PadMode;
  /** The window's samples. */
  readonly window: Float64Array;
  readonly #power: PairedPower;
  readonly #a: Float64Array;
  readonly #b: Float64Array;

  constructor(settings: FramingSettings, padMode: PadMode = "reflect") {
    this.#settings = settings;
    this.#padMode = padMode;
    this.window = makeWindow(settings.window, settings.winLength);
    this.#power = new PairedPower(settings.nFft);
    this.bins = this.#power.bins;
    this.#a = new Float64Array(this.bins);
    this.#b = new Float64Array(this.bins);
  }

  /** Number of frames of a waveform of that many samples. */
  frameCount(samples: number): number {
    const { nFft, hopLength, center } = this.#settings;
    const covered = center ? samples + 2 * (nFft >> 1) : Math.max(samples, nFft);
    return 1 + Math.floor((covered - nFft) / hopLength);
  }

  /** The waveform with its ends extended, or at least as long as a frame: frame t starts at sample t * hopLength. */
  pad(samples: Float32Array): Float32Array {
    checkWaveform(samples);
    const { nFft, center } = this.#settings;
    if (!center) return atLeast(samples, nFft);
    return this.#padMode === "zeros" ? zeroEnds(samples, nFft >> 1) : mirrorEnds(samples, nFft >> 1);
  }

  /** Calls `visit` with each frame's number and power spectrum, which is valid until `visit` returns. */
  forEach(samples: Float32Array, visit: (frame: number, power: Float64Array) => void): void {
    const padded = this.pad(samples), frames = this.frameCount(samples.length), { hopLength } = this.#settings;
    for (let t = 0; t < frames; t += 2) {
      const start = t * hopLength, pair = t + 1 < frames;
      // A last frame without a partner is its own: the second result is not used.
      this.#load(padded, start, pair ? start + hopLength : start);
      this.#power.run(this.#a, this.#b);
      visit(t, this.#a);
      if (pair) visit(t + 1, this.#b);
    }
  }

  /** Windows the two frames that start at `a` and `b` into the transform's input. */
  #load(padded: Float32Array, a: number, b: number): void {
    const window = this.window, length = window.length, { first, second } = this.#power;
    const left = (first.length - length) >> 1;
    if (length < first.length) {
      for (const frame of [first, second]) frame.fill(0, 0, left).fill(0, left + length);
    }
    for (let i = 0, j = left; i < length; i++, j++) {
      const w = window[i];
      first[j] = padded[a + j] * w;
      second[j] = padded[b + j] * w;
    }
  }
}

/** The waveform, continued with zeros to at least `length` samples. */
function atLeast(samples: Float32Array, length: number): Float32Array {
  if (samples.length >= length) return samples;
  const longer = new Float32Array(length);
  longer.set(samples);
  return longer;
}

/** The waveform between `pad` zeros at either end. */
function zeroEnds(samples: Float32Array, pad: number): Float32Array {
  const out = new Float32Array(samples.length + 2 * pad);
  out.set(samples, pad);
  return out;
}

/** The waveform between `pad` samples mirrored at either end (the end itself is not repeated). */
function mirrorEnds(samples: Float32Array, pad: number): Float32Array {
  const source = atLeast(samples, pad + 1), n = source.length, out = new Float32Array(n + 2 * pad);
  out.set(source, pad);
  for (let i = 1; i <= pad; i++) {
    out[pad - i] = source[i];
    out[pad + n - 1 + i] = source[n - 1 - i];
  }
  return out;
}
