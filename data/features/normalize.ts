/**
 * Takes a recording's level and colour out of its features: each channel over all frames of the recording.
 */
import type { FeatureFrames } from "./extractor.ts";
import type { FeatureSettings } from "./settings.ts";

/** What is added to a variance before its root is taken, as in torch's LayerNorm. */
const EPSILON = 1e-5;

/**
 * Normalises each channel over time, in place. "mean" subtracts the channel's mean (cepstral mean normalisation: of a
 * logarithm it takes what a microphone and a distance multiply), "layer" also divides by its standard deviation,
 * √(variance + 1e-5), which is a LayerNorm over the frames without weights, "none" does nothing.
 *
 * @returns what it was given
 */
export function normalizeFrames(features: FeatureFrames, mode: FeatureSettings["normalize"]): FeatureFrames {
  if (mode === "none") return features;
  const { data, frames, channels } = features;
  const means = new Float64Array(channels), factors = new Float64Array(channels).fill(1);
  forEachValue(data, channels, (value, c) => means[c] += value);
  for (let c = 0; c < channels; c++) means[c] /= frames;
  if (mode === "layer") {
    const sums = new Float64Array(channels);
    forEachValue(data, channels, (value, c) => sums[c] += (value - means[c]) ** 2);
    for (let c = 0; c < channels; c++) factors[c] = 1 / Math.sqrt(sums[c] / frames + EPSILON);
  }
  forEachValue(data, channels, (value, c, i) => data[i] = (value - means[c]) * factors[c]);
  return features;
}

function forEachValue(data: Float32Array, channels: number, visit: (value: number, c: number, i: number) => void) {
  for (let i = 0, c = 0; i < data.length; i++) {
    visit(data[i], c, i);
    if (++c === channels) c = 0;
  }
}
