/** The log-mel of a recording as it is drawn. @module */
import {
  createFeatures,
  type FeatureFrames,
  featurePresets,
  type FeatureSettings,
  resample,
} from "../../../data/features/mod.ts";
import type { Clip } from "./clip.ts";

/** More columns than this nobody sees. */
const MOST_FRAMES = 2000;

/**
 * The model's own log-mel, or the usual one where it is given something else: before normalisation, which would make silent bands look loud,
 * and with frames further apart where the recording is long.
 */
export function pictureFeatures({ samples, sampleRate }: Clip, settings: FeatureSettings | null): FeatureFrames {
  const wanted = settings?.kind === "logMel" ? settings : featurePresets.speaker80;
  const rate = wanted.sampleRate;
  const wave = sampleRate === rate ? samples : resample(samples, sampleRate, rate);
  const hopLength = Math.max(wanted.hopLength, Math.ceil(wave.length / MOST_FRAMES));
  return createFeatures({ ...wanted, hopLength, normalize: "none" }).apply(wave);
}
