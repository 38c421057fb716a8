import assert from "node:assert/strict";
import {
  createFeatures,
  featureKinds,
  featurePresets,
  framesOf,
  parseFeatureSettings,
  silenceOf,
} from "../../../data/features/mod.ts";

const EVERY = [
  ...featureKinds.map((kind) => ({ kind })),
  ...Object.values(featurePresets),
  { kind: "logMel", logMode: "add", logFloor: 1e-5 },
  { kind: "mfcc", topDb: null },
  { kind: "kaldiFbank", useEnergy: true, energyFloor: 0 },
  { kind: "kaldiFbank", useLogFbank: false, snipEdges: false },
].map(parseFeatureSettings);

Deno.test("silenceOf: the value of every channel of every frame of zeros, which is finite", () => {
  for (const settings of EVERY) {
    const silence = silenceOf(settings), { data, channels } = createFeatures(settings).apply(new Float32Array(4000));
    data.forEach((value, i) => {
      assert.ok(Number.isFinite(value));
      assert.equal(value, typeof silence === "number" ? silence : silence[i % channels], settings.kind);
    });
  }
});

Deno.test("silenceOf: known values", () => {
  assert.equal(silenceOf(null), -20);
  assert.equal(silenceOf(featurePresets.hw4), Math.fround(Math.log(1e-9)));
  assert.equal(silenceOf(featurePresets.sound64), Math.fround(Math.log(1e-5)));
  assert.equal(silenceOf(parseFeatureSettings({ kind: "mel" })), 0);
  assert.equal(silenceOf(parseFeatureSettings({ kind: "spectrogram" })), 0);
  assert.equal(silenceOf(parseFeatureSettings({ kind: "kaldiFbank" })), Math.fround(Math.log(2 ** -23)));
  const cepstrum = silenceOf(parseFeatureSettings({ kind: "mfcc", nMels: 64, nMfcc: 2 })) as Float32Array;
  assert.equal(cepstrum[0], -100 * Math.sqrt(64)); // all bands at −100 dB
  assert.ok(Math.abs(cepstrum[1]) < 1e-9);
});

Deno.test("features of a clip shorter than a window are finite, with silence where there is none of it", () => {
  for (const settings of EVERY) {
    for (const length of [1, 7, 100, 399]) {
      for (const level of [0, 1e-30, 1]) {
        const { data, frames } = createFeatures(settings).apply(new Float32Array(length).fill(level));
        assert.ok(frames >= 1 && data.every(Number.isFinite), `${settings.kind} of ${length} samples of ${level}`);
      }
    }
  }
});

Deno.test("framesOf: 401 frames of 4 s and 501 of 5 s in sound classification", () => {
  assert.equal(framesOf(4, featurePresets.sound64), 401);
  assert.equal(framesOf(5, featurePresets.sound64), 501);
  assert.equal(createFeatures("sound64").apply(new Float32Array(5 * 44100)).frames, 501);
  assert.equal(framesOf(1, parseFeatureSettings({ kind: "kaldiFbank" })), 98);
  for (const seconds of [0, -1, NaN, Infinity]) {
    assert.throws(() => framesOf(seconds, featurePresets.hw4), {
      name: "RangeError",
      message: `Cannot count the frames of ${seconds} s: wanted at least one sample`,
    });
  }
});
