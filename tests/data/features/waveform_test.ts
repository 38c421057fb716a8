import assert from "node:assert/strict";
import {
  createFeatures,
  featurePresets,
  framesOf,
  parseFeatureSettings,
  Waveform,
} from "../../../data/features/mod.ts";
import { windowSamples } from "../../../data/features/silence.ts";

const wave = Float32Array.from({ length: 1001 }, (_, i) => 0.1 + Math.sin(i * i * 0.37) * i / 3000);

Deno.test("a waveform is its own features: one sample a frame, one channel, not a copy", () => {
  const features = createFeatures("waveform"), { data, frames, channels } = features.apply(wave);
  assert.ok(data === wave && frames === 1001 && channels === 1 && features.channels === 1);
  assert.equal(framesOf(3, featurePresets.waveform), 48000);
  assert.equal(framesOf(1, parseFeatureSettings({ kind: "waveform", sampleRate: 8000 })), 8000);
  assert.equal(windowSamples(featurePresets.waveform), 1);
});

Deno.test("waveform-normalized: mean 0 and variance v / (v + 1e-7) over n, and what was given stays as it is", () => {
  const before = wave.slice(), { data } = createFeatures("waveform-normalized").apply(wave);
  assert.deepEqual(wave, before);
  const momentsOf = (x: Float32Array) => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    return { mean, variance: x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length };
  };
  const { mean, variance } = momentsOf(data);
  assert.ok(Math.abs(mean) < 1e-6 && Math.abs(variance - 1) < 1e-4);
  // a variance of 1e-7 itself is halved by the 1e-7 that is added: 1e-5 or none would give 0.01 or 1
  const quiet = Float32Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : -1) * Math.sqrt(1e-7));
  assert.ok(Math.abs(momentsOf(new Waveform({ normalize: "layer" }).apply(quiet).data).variance - 0.5) < 1e-5);
  assert.deepEqual([...new Waveform({ normalize: "layer" }).apply(new Float32Array(3)).data], [0, 0, 0]);
});
