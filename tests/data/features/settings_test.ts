import assert from "node:assert/strict";
import { createFeatures, featureKinds, featurePresets, parseFeatureSettings } from "../../../data/features/mod.ts";

Deno.test("settings are complete, survive JSON and give the same features", () => {
  for (const kind of featureKinds) {
    const settings = createFeatures({ kind }).settings;
    const again = parseFeatureSettings(JSON.parse(JSON.stringify(settings)));
    assert.deepEqual(again, settings);
    assert.equal(settings.sampleRate, 16000);
  }
});

Deno.test("presets are those of the recipes", () => {
  const { kind, sampleRate, nFft, winLength, hopLength, nMels, logFloor, logMode } = featurePresets.hw4;
  assert.deepEqual([kind, sampleRate, nFft, winLength, hopLength, nMels, logFloor, logMode], [
    "logMel",
    16000,
    512,
    400,
    160,
    40,
    1e-9,
    "clamp",
  ]);
  assert.equal(createFeatures("ecapa80").channels, 80);
  assert.equal(createFeatures("sound64").settings.sampleRate, 44100);
  assert.deepEqual(parseFeatureSettings("hw4"), featurePresets.hw4);
});

Deno.test("defaults follow other settings", () => {
  assert.partialDeepStrictEqual(parseFeatureSettings({ kind: "mel", sampleRate: 8000, nFft: 256 }), {
    winLength: 256,
    hopLength: 128,
    fMax: 4000,
  });
  assert.partialDeepStrictEqual(parseFeatureSettings({ kind: "mfcc", nMels: 13 }), { nMfcc: 13 });
});

const refused: [unknown, string, RegExp][] = [
  [{ kind: "logMel", nmel: 40 }, "TypeError", /"nmel" is no key of logMel; did you mean "nMels"/],
  [{ kind: "logMel", quux: 40 }, "TypeError", /"quux" is no key of logMel; known are sampleRate, nFft, /],
  [{ kind: "logmel" }, "TypeError", /"logmel" is no kind; did you mean "logMel"/],
  [{}, "TypeError", /known are spectrogram, mel, logMel, mfcc, kaldiFbank, waveform, speechbrainFbank$/],
  ["hw5", "TypeError", /"hw5" is no preset; did you mean "hw4"/],
  [null, "TypeError", /wanted an object or a preset's name, found null/],
  [[1], "TypeError", /found an array/],
  [{ kind: "mel", nMels: "40" }, "TypeError", /mel settings: nMels is "40", wanted a whole number from 1 to 4096/],
  [{ kind: "mel", nMels: 0 }, "RangeError", /nMels is 0, wanted a whole number from 1/],
  [{ kind: "mel", nMels: 2.5 }, "RangeError", /nMels is 2.5/],
  [{ kind: "mel", nFft: null }, "TypeError", /nFft is null/],
  [{ kind: "mel", nFft: NaN }, "RangeError", /nFft is NaN/],
  [{ kind: "mel", nFft: 400, winLength: 401 }, "RangeError", /winLength is 401, wanted a whole number from 1 to 400/],
  [{ kind: "mel", fMin: 5000, fMax: 400 }, "RangeError", /fMax is 400, wanted a number from 5001 to 8000/],
  [{ kind: "mel", norm: "area" }, "RangeError", /norm is "area", wanted one of null, "slaney"/],
  [{ kind: "mfcc", nMfcc: 60, nMels: 40 }, "RangeError", /nMfcc is 60, wanted a whole number from 1 to 40/],
  [{ kind: "logMel", logFloor: 0 }, "RangeError", /logFloor is 0/],
  [{ kind: "kaldiFbank", fMax: -7990 }, "RangeError", /fMax is -7990, wanted a frequency above 20/],
  [{ kind: "waveform", nFft: 400 }, "TypeError", /"nFft" is no key of waveform; known are sampleRate, normalize/],
  [{ kind: "waveform", normalize: "mean" }, "RangeError", /normalize is "mean", wanted one of "none", "layer"/],
  [{ kind: "kaldiFbank", snipEdges: 1 }, "TypeError", /snipEdges is 1, wanted true or false/],
];

for (const [settings, name, message] of refused) {
  Deno.test(`settings are refused: ${JSON.stringify(settings)}`, () => {
    assert.throws(() => parseFeatureSettings(settings), { name, message });
  });
}
