/** From recordings to embeddings. Nothing here or below touches files, so that it works in a browser. @module */
import { LARGEST_SAMPLE } from "../../data/audio/recording.ts";
import { evenWindows } from "../../data/batches/cuts.ts";
import { createFeatures, type FeatureExtractor, type FeatureSettings } from "../../data/features/mod.ts";
import { isSilent, windowSamples } from "../../data/features/silence.ts";
import type { LoadedModel } from "../model_from_bytes.ts";
import { FeatureEmbedder, type FeatureWindows } from "./feature_embedder.ts";

/** Options of {@linkcode Embedder}. */
export interface EmbedderOptions {
  /**
   * Longer recordings are embedded in equal windows of at most so many seconds, whose embeddings are averaged. Default 30; where the features
   * are waveforms at most 320,000 samples, 20 s at 16 kHz.
   */
  readonly windowSeconds?: number;
  /** Most windows a batch. Default 16; of long windows there are fewer. */
  readonly batchSize?: number;
}

/** A waveform that tells nothing about a voice. */
export class UnusableWave extends Error {
  /** For messages. */
  override name = "UnusableWave";
  /** What is wrong with it. */
  readonly reason: "short" | "silent" | "not finite";

  /** An error with a message for the user. */
  constructor(reason: "short" | "silent" | "not finite", message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Embeds waveforms with a trained classifier: its features, its model up to the head. Any architecture will do; one that was trained with a
 * margin on angles does best.
 *
 * @example
 * ```ts ignore
 * import { Embedder, loadModel, readAudio } from "https://…/mod.ts";
 *
 * const embedder = new Embedder(await loadModel("runs/ecapa"));
 * const { samples } = await readAudio("a.wav", { sampleRate: embedder.sampleRate });
 * const [embedding] = await embedder.embed([samples]);
 * ```
 */
export class Embedder {
  /** Numbers an embedding. */
  readonly dim: number;
  /** Samples a second that waveforms must have. */
  readonly sampleRate: number;
  readonly #extractor: FeatureExtractor;
  readonly #embedder: FeatureEmbedder;
  readonly #shortFault: (samples: number) => string | null;
  readonly #windowSamples: number;

  /**
   * An embedder on the device on which the model was loaded, which has to be the current one.
   *
   * @throws {Error} Where the model does not say how its features are made from recordings.
   * @throws {RangeError} For an option out of range.
   */
  constructor(loaded: LoadedModel, { windowSeconds = 30, batchSize }: EmbedderOptions = {}) {
    if (loaded.featureSettings === null) {
      throw new Error(
        "Cannot embed recordings: the model was trained on features whose settings are not known; " +
          "train on recordings, or on a data set that deno task preprocess made",
      );
    }
    if (!(windowSeconds >= 0.1 && windowSeconds <= 3600)) {
      throw new RangeError(`Cannot embed windows of ${windowSeconds} s: wanted 0.1 to 3600`);
    }
    this.#extractor = createFeatures(loaded.featureSettings);
    this.#embedder = new FeatureEmbedder(loaded, { batchSize });
    this.dim = this.#embedder.dim;
    this.sampleRate = loaded.featureSettings.sampleRate;
    this.#shortFault = (samples) => this.#embedder.shortFault(this.#extractor.frameCount(samples));
    this.#windowSamples = windowWithin(
      this.#extractor,
      Math.round(windowSeconds * this.sampleRate),
      this.#embedder.mostFrames,
    );
    const shortest = Math.floor(this.#windowSamples / 2); // of a recording that is a little longer than one window
    const fault = this.#shortFault(shortest);
    if (fault === null) return;
    throw new RangeError(`Cannot embed windows of ${windowSeconds} s, some of which are half as long: ${fault}`);
  }

  /** How features are made. */
  get settings(): FeatureSettings {
    return this.#extractor.settings;
  }

  /**
   * One embedding of length 1 for each waveform, in order. All are in memory at once, with their features: hand over many recordings in
   * portions.
   *
   * @param waves mono, `sampleRate` samples a second
   * @throws {UnusableWave} As {@linkcode Embedder.prepare}.
   * @throws {Error} Where the model gives what is no number, or the device is lost.
   */
  async embed(waves: readonly Float32Array[]): Promise<Float32Array[]> {
    return await this.embedFeatures(waves.map((wave) => this.prepare(wave)));
  }

  /**
   * Features of one waveform, for {@linkcode Embedder.embedFeatures}: to be computed when a recording arrives, before several are embedded
   * together. A long one is cut into equal windows first; windows that are silent say nothing and are left out.
   *
   * @param wave mono, `sampleRate` samples a second
   * @param options `name`: what to call it in errors
   * @throws {UnusableWave} Where it is shorter than the window of one frame or than the model can take, silent (no sample is further from 0 than 2⁻¹⁵), or has a
   * sample that is NaN, infinite or beyond 2³².
   */
  prepare(wave: Float32Array, { name }: { readonly name?: string } = {}): FeatureWindows {
    this.#check(wave, name === undefined ? "the recording" : JSON.stringify(name));
    const windows = evenWindows(wave.length, this.#windowSamples)
      .map(({ start, length }) => wave.subarray(start, start + length));
    return windows.filter((window) => !isSilent(window)).map((window) => this.#extractor.apply(window));
  }

  /** One embedding of length 1 for each recording that {@linkcode Embedder.prepare} has prepared, in order. */
  async embedFeatures(prepared: readonly FeatureWindows[]): Promise<Float32Array[]> {
    return await this.#embedder.embed(prepared);
  }

  #check(wave: Float32Array, name: string): void {
    const least = windowSamples(this.settings);
    if (wave.length < least) {
      const [has, wanted] = [wave.length, least].map((n) => (n / this.sampleRate * 1000).toFixed(0));
      throw new UnusableWave("short", `Cannot embed ${name}: it is ${has} ms long, wanted at least ${wanted} ms`);
    }
    const fault = this.#shortFault(wave.length);
    if (fault !== null) throw new UnusableWave("short", `Cannot embed ${name}: ${fault}`);
    const at = wave.findIndex((x) => !(Math.abs(x) <= LARGEST_SAMPLE));
    if (at >= 0) {
      const scale = Number.isFinite(wave[at]) ? ", far beyond full scale, which is 1" : "";
      throw new UnusableWave("not finite", `Cannot embed ${name}: sample ${at} is ${wave[at]}${scale}`);
    }
    if (isSilent(wave)) throw new UnusableWave("silent", `Cannot embed ${name}: it is silent`);
  }
}

/** The window in samples, or a shorter one where the model cannot take as many frames. */
function windowWithin(extractor: FeatureExtractor, samples: number, mostFrames: number): number {
  if (extractor.settings.kind === "waveform") return Math.min(samples, mostFrames);
  let within = samples;
  while (within > 1 && extractor.frameCount(within) > mostFrames) within = Math.floor(within * 0.98);
  return within;
}
