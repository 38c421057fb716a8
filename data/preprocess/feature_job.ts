import { readAudio } from "../audio/mod.ts";
import { createFeatures } from "../features/create.ts";
import { isSilent, windowSamples } from "../features/silence.ts";
import { parseFeatureSettings } from "../features/settings.ts";
import { ownBuffer } from "../threads/own_buffer.ts";

/** Features of a recording, or why there are none. */
export type FeatureReply = RecordingFeatures | { readonly reason: string };

/** Features of a recording. */
export interface RecordingFeatures {
  /** frames × channels values. */
  readonly data: Float32Array<ArrayBuffer>;
  readonly frames: number;
  /** Length of the recording in seconds. */
  readonly seconds: number;
  /** Whether no sample is further from 0 than one step of 16 bits. */
  readonly isSilent: boolean;
  /** Whether it is shorter than the window of one frame. */
  readonly isShort: boolean;
}

/**
 * A function that reads a recording and computes its features. It never throws for a bad recording, it says why.
 *
 * @param settings feature settings, checked
 */
export function featureJob(settings: unknown): (path: string) => Promise<FeatureReply> {
  const parsed = parseFeatureSettings(settings);
  const features = createFeatures(parsed), window = windowSamples(parsed);
  return async (path) => {
    try {
      const { samples, seconds } = await readAudio(path, { sampleRate: parsed.sampleRate });
      const { data, frames } = features.apply(samples);
      if (frames === 0) throw new Error("it is too short for one frame");
      if (!allFinite(data)) throw new Error("a feature is not finite");
      const isShort = samples.length < window;
      return { data: ownBuffer(data), frames, seconds, isSilent: isSilent(samples), isShort };
    } catch (error) {
      return { reason: explain(path, error) };
    }
  };
}

function allFinite(data: Float32Array): boolean {
  let zero = 0;
  for (let i = 0; i < data.length; i++) zero += data[i] * 0; // NaN once a value is NaN or infinite
  return zero === 0;
}

/** Every reason names the recording; those of `readAudio` do already. */
function explain(path: string, error: unknown): string {
  const fact = error instanceof Error ? error.message : String(error);
  return fact.includes(path) ? fact : `Cannot use ${JSON.stringify(path)}: ${fact}`;
}
