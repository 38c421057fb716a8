import assert from "node:assert/strict";
import {
  createFeatures,
  featureKinds,
  featurePresets,
  normalizeFrames,
  parseFeatureSettings,
  silenceOf,
} from "../../../data/features/mod.ts";

/** Noise that grows louder, so that no two frames are alike. */
const wave = Float32Array.from({ length: 8000 }, (_, i) => Math.sin(i * i * 0.37) * i / 8000);

/** Mean and biased variance of a channel over time. */
function momentsOf({ data, frames, channels }: ReturnType<typeof normalizeFrames>, channel: number) {
  const values = Array.from({ length: frames }, (_, t) => data[t * channels + channel]);
  const mean = values.reduce((a, b) => a + b) / frames;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / frames };
}

Deno.test("normalizeFrames: known values, each channel over time", () => {
  const make = () => ({ data: Float32Array.of(1, 10, 2, 10, 6, 10), frames: 3, channels: 2 });
  assert.deepEqual([...normalizeFrames(make(), "none").data], [1, 10, 2, 10, 6, 10]);
  assert.deepEqual([...normalizeFrames(make(), "mean").data], [-2, 0, -1, 0, 3, 0]);
  const { data } = normalizeFrames(make(), "layer"); // variance 14/3; torch.nn.LayerNorm(3) on the transposed values
  [-0.9258191, 0, -0.4629095, 0, 1.3887286, 0].forEach((wanted, i) => assert.ok(Math.abs(data[i] - wanted) < 1e-6));
});

Deno.test("features of every kind are normalised as their settings say, and are the plain ones otherwise", () => {
  for (const kind of featureKinds) {
    if (kind === "waveform") continue; // has a rule of its own, see waveform_test.ts
    const plain = createFeatures({ kind }).apply(wave), last = plain.channels - 1, spread = momentsOf(plain, last);
    assert.deepEqual(createFeatures({ kind, normalize: "none" }).apply(wave), plain);
    const mean = createFeatures({ kind, normalize: "mean" }).apply(wave);
    const { variance } = momentsOf(mean, last), scale = Math.sqrt(spread.variance);
    assert.ok(Math.abs(momentsOf(mean, last).mean) < 1e-5 * scale, kind);
    assert.ok(Math.abs(variance / spread.variance - 1) < 1e-4, kind);
    const layer = momentsOf(createFeatures({ kind, normalize: "layer" }).apply(wave), last);
    assert.ok(Math.abs(layer.mean) < 1e-5, kind);
    const wanted = spread.variance / (spread.variance + 1e-5);
    assert.ok(Math.abs(layer.variance - wanted) < 1e-4, `${kind}: ${layer.variance} instead of ${wanted}`);
  }
});

Deno.test("subtracting the mean makes log-mel blind to loudness", () => {
  const features = createFeatures({ ...featurePresets.speaker80, logFloor: 1e-30 });
  const [loud, quiet] = [wave, wave.map((x) => x / 8)].map((samples) => features.apply(samples).data);
  assert.ok(loud.every((value, i) => Math.abs(value - quiet[i]) < 1e-3));
});

Deno.test("settings without normalisation, as older files have them, mean none; silence of normalised features is 0", () => {
  const { normalize: _, ...older } = featurePresets.hw4;
  assert.deepEqual(parseFeatureSettings(older), featurePresets.hw4);
  for (const name of ["speaker80", "s4-mel", "s4-spectrogram", "s4-mfcc"]) {
    assert.equal(silenceOf(parseFeatureSettings(name)), 0);
  }
  const channels = ["speaker80", "s4-mel", "s4-spectrogram", "s4-mfcc"].map((name) => createFeatures(name).channels);
  assert.deepEqual(channels, [80, 80, 201, 40]);
  assert.throws(() => parseFeatureSettings({ kind: "mel", normalize: "max" }), {
    name: "RangeError",
    message: 'Cannot use mel settings: normalize is "max", wanted one of "none", "mean", "layer"',
  });
});
