import { checkWaveform, type FeatureExtractor, type FeatureFrames } from "./extractor.ts";
import { type FilterBank, kaldiFilters } from "./filters.ts";
import { normalizeFrames } from "./normalize.ts";
import { PairedPower } from "./paired_power.ts";
import { type FeatureOptions, type KaldiFbankSettings, resolveSettings } from "./settings.ts";
import { raise } from "./spectrogram.ts";
import { makeWindow } from "./window.ts";

/** What Kaldi's float32 code adds nothing to, but clamps at, before a logarithm. */
const EPSILON = 2 ** -23;

/**
 * Log filter bank energies as Kaldi computes them, equal to `torchaudio.compliance.kaldi.fbank` without dither (random
 * noise, which would make features differ from call to call).
 */
export class KaldiFbank implements FeatureExtractor {
  /** The complete settings. */
  readonly settings: KaldiFbankSettings;
  /** Values a frame. */
  readonly channels: number;
  readonly #length: number;
  readonly #shift: number;
  readonly #window: Float64Array;
  readonly #power: PairedPower;
  readonly #filters: FilterBank;

  /**
   * Makes the tables; what is left out of the options takes its default.
   *
   * @throws TypeError or RangeError for settings that `parseFeatureSettings` would refuse.
   */
  constructor(options: FeatureOptions<"kaldiFbank"> = {}) {
    const settings = this.settings = resolveSettings("kaldiFbank", options);
    const { sampleRate, nMels, fMin, blackmanCoeff } = settings;
    this.#length = Math.floor(sampleRate * settings.frameLength / 1000);
    this.#shift = Math.floor(sampleRate * settings.frameShift / 1000);
    const nFft = settings.roundToPowerOfTwo ? 2 ** Math.ceil(Math.log2(this.#length)) : this.#length;
    this.#window = makeWindow(settings.window, this.#length, { periodic: false, blackmanCoeff });
    this.#power = new PairedPower(nFft);
    const fMax = settings.fMax > 0 ? settings.fMax : settings.fMax + sampleRate / 2;
    this.#filters = kaldiFilters({ sampleRate, nFft, nMels, fMin, fMax });
    this.channels = nMels + (settings.useEnergy ? 1 : 0);
  }

  /** Number of frames that a waveform of `samples` samples gives. */
  frameCount(samples: number): number {
    if (!this.settings.snipEdges) return Math.max(1, Math.floor((samples + (this.#shift >> 1)) / this.#shift));
    return 1 + Math.floor((Math.max(samples, this.#length) - this.#length) / this.#shift);
  }

  /** Features of a mono waveform; see `FeatureExtractor.apply`. */
  apply(samples: Float32Array): FeatureFrames {
    checkWaveform(samples);
    const { channels } = this, frames = this.frameCount(samples.length), data = new Float32Array(frames * channels);
    const wave = this.#extend(samples, frames), power = this.#power;
    const a = new Float64Array(power.bins), b = new Float64Array(power.bins);
    for (let t = 0; t < frames; t += 2) {
      const energyA = this.#load(wave, t * this.#shift, power.first);
      const last = t + 1 === frames;
      if (last) power.second.fill(0);
      const energyB = last ? 0 : this.#load(wave, (t + 1) * this.#shift, power.second);
      power.run(a, b);
      this.#write(a, energyA, data, t * channels);
      if (!last) this.#write(b, energyB, data, (t + 1) * channels);
    }
    return normalizeFrames({ data, frames, channels }, this.settings.normalize);
  }

  /** The samples under all frames: zeros after a short waveform, or the ends mirrored if edges are not snipped. */
  #extend(samples: Float32Array, frames: number): Float32Array {
    const n = samples.length, length = (frames - 1) * this.#shift + this.#length;
    if (this.settings.snipEdges && n >= length) return samples;
    const left = this.settings.snipEdges ? 0 : (this.#length >> 1) - (this.#shift >> 1);
    return Float32Array.from({ length }, (_, i) => {
      const at = i - left;
      if (this.settings.snipEdges) return at < n ? samples[at] : 0;
      // Mirrored with the end repeated, as often as needed: period 2n.
      const folded = ((at % (2 * n)) + 2 * n) % (2 * n);
      return samples[folded < n ? folded : 2 * n - 1 - folded];
    });
  }

  /** Fills `frame` with one processed frame; returns its log energy, or 0 where no energy is wanted. */
  #load(wave: Float32Array, start: number, frame: Float64Array): number {
    const { scale, removeDcOffset, preemphasis, useEnergy, rawEnergy } = this.settings;
    const length = this.#length, window = this.#window;
    let sum = 0;
    for (let i = 0; i < length; i++) sum += frame[i] = wave[start + i] * scale;
    const mean = removeDcOffset ? sum / length : 0;
    for (let i = 0; i < length; i++) frame[i] -= mean;
    const energy = useEnergy && rawEnergy ? this.#logEnergy(frame) : 0;
    for (let i = length - 1; i >= 0; i--) frame[i] = (frame[i] - preemphasis * frame[i > 0 ? i - 1 : 0]) * window[i];
    frame.fill(0, length);
    return useEnergy && !rawEnergy ? this.#logEnergy(frame) : energy;
  }

  #logEnergy(frame: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < this.#length; i++) sum += frame[i] * frame[i];
    const energy = Math.log(Math.max(sum, EPSILON)), { energyFloor } = this.settings;
    return energyFloor > 0 ? Math.max(energy, Math.log(energyFloor)) : energy;
  }

  #write(power: Float64Array, energy: number, data: Float32Array, offset: number): void {
    const { usePower, useLogFbank, useEnergy, nMels } = this.settings, at = offset + (useEnergy ? 1 : 0);
    if (!usePower) raise(power, 0.5);
    this.#filters.apply(power, data, at);
    if (useLogFbank) { for (let m = at; m < at + nMels; m++) data[m] = Math.log(Math.max(data[m], EPSILON)); }
    if (useEnergy) data[offset] = energy;
  }
}
