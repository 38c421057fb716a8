import type { FeatureFrames } from "./extractor.ts";
import { logInPlace } from "./fast_log.ts";
import { type FilterBank, melFilters } from "./filters.ts";
import type { LogMelSettings, MelSettings } from "./settings.ts";
import { type PadMode, ShortTimePower } from "./short_time_power.ts";
import { raise } from "./spectrogram.ts";
import { WasmMel } from "./wasm_mel.ts";

type MelParts = Omit<MelSettings, "kind">;

/** How a logarithm is taken, if one is. */
export interface LogOptions {
  floor: number;
  mode: LogMelSettings["logMode"];
}

/** What {@linkcode MelBands} can do otherwise. */
export interface MelBandsOptions {
  /** Takes logarithms. Default: none. */
  log?: LogOptions;
  /** In place of torchaudio's triangles. */
  filters?: FilterBank;
  /** Default "reflect". */
  padMode?: PadMode;
  /** Asks for the plain loops. Default false. */
  plain?: boolean;
}

/**
 * Mel bands of waveforms or their logarithms: eight frames at a time in WebAssembly where that has code for the
 * settings, else by plain loops in float64. `plain` asks for the loops, which are the oracle of the other.
 */
export class MelBands {
  readonly #settings: MelParts;
  readonly #log: LogOptions | undefined;
  readonly #stft: ShortTimePower;
  readonly #filters: FilterBank;
  readonly #wasm: WasmMel | undefined;

  constructor(settings: MelParts, { log, filters = melFilters(settings), padMode, plain }: MelBandsOptions = {}) {
    this.#settings = settings;
    this.#log = log;
    this.#stft = new ShortTimePower(settings, padMode);
    this.#filters = filters;
    const { window } = this.#stft;
    if (!plain && settings.power === 2) this.#wasm = WasmMel.make({ ...settings, window, filters, log });
  }

  /** Number of frames of a waveform of that many samples. */
  frameCount(samples: number): number {
    return this.#stft.frameCount(samples);
  }

  /** Bands of a mono waveform, frame after frame. */
  apply(samples: Float32Array): FeatureFrames {
    const channels = this.#settings.nMels, frames = this.frameCount(samples.length);
    const data = new Float32Array(frames * channels);
    if (this.#wasm) this.#wasm.apply(this.#stft.pad(samples), frames, data);
    else this.#applyPlain(samples, data);
    return { data, frames, channels };
  }

  #applyPlain(samples: Float32Array, data: Float32Array): void {
    const { power, nMels } = this.#settings;
    this.#stft.forEach(samples, (t, spectrum) => {
      raise(spectrum, power / 2);
      this.#filters.apply(spectrum, data, t * nMels);
    });
    if (!this.#log) return;
    const { floor, mode } = this.#log;
    if (mode === "add") { for (let i = 0; i < data.length; i++) data[i] += floor; }
    else for (let i = 0; i < data.length; i++) data[i] = data[i] > floor ? data[i] : floor;
    logInPlace(data);
  }
}
