import assert from "node:assert/strict";
import {
  amplitudeToDb,
  createFeatures,
  featureKinds,
  LogMel,
  MelSpectrogram,
  resample,
  Resampler,
  Spectrogram,
  toChannelsFirst,
} from "../../../data/features/mod.ts";
import { logInPlace } from "../../../data/features/fast_log.ts";

const sine = (length: number, hz: number, rate: number) =>
  Float32Array.from({ length }, (_, i) => 0.5 * Math.sin(2 * Math.PI * hz * i / rate));

Deno.test("logInPlace is within a float32 rounding of Math.log", () => {
  const values = [1, 1 - 2 ** -24, 1 + 2 ** -23, 1e-37, 1e-9, 1e37, Math.SQRT1_2, Math.SQRT2, 2, 0.5];
  for (let i = 0; i < 100_000; i++) values.push(Math.exp(Math.random() * 160 - 80));
  const logs = Float32Array.from(values);
  logInPlace(logs);
  values.forEach((value, i) => {
    const wanted = Math.log(Math.fround(value)), error = Math.abs(logs[i] - wanted);
    assert.ok(error <= 1.2e-7 * Math.abs(wanted), `log ${value} is ${logs[i]}, wanted ${wanted}`);
  });
});

function variantsOf(kind: string) {
  if (kind === "waveform") return [{}, { normalize: "layer" }];
  if (kind === "speechbrainFbank") return [{}, { topDb: null }];
  return kind === "kaldiFbank" ? [{}, { snipEdges: false }] : [{}, { center: false }];
}

Deno.test("every kind gives frameCount(n) frames, for waveforms of any length from one sample", () => {
  for (const kind of featureKinds) {
    for (const options of variantsOf(kind)) {
      const features = createFeatures({ kind, ...options });
      for (const length of [1, 2, 159, 160, 199, 200, 201, 399, 400, 401, 799, 1601]) {
        const { data, frames, channels } = features.apply(sine(length, 440, 16000));
        assert.equal(frames, features.frameCount(length));
        assert.ok(frames >= 1 && channels === features.channels && data.length === frames * channels);
        assert.ok(data.every(Number.isFinite), `${kind} of ${length} samples is finite`);
      }
    }
  }
});

Deno.test("a waveform too short to mirror is continued with zeros", () => {
  const features = new Spectrogram({ nFft: 400, hopLength: 160 });
  const short = sine(150, 440, 16000), longer = new Float32Array(201);
  longer.set(short);
  const a = features.apply(short), b = features.apply(longer);
  assert.equal(a.frames, 1);
  assert.deepEqual(a.data, b.data.subarray(0, a.data.length));
});

Deno.test("features of a waveform do not depend on what was computed before", () => {
  const features = createFeatures("hw4"), wave = sine(3000, 300, 16000);
  const first = features.apply(wave).data;
  features.apply(sine(5001, 1234, 16000));
  assert.deepEqual(features.apply(wave).data, first);
});

Deno.test("an empty waveform and samples that are not finite are errors", () => {
  for (const kind of featureKinds) {
    const features = createFeatures({ kind });
    assert.throws(() => features.apply(new Float32Array(0)), {
      name: "RangeError",
      message: "Cannot compute features: the waveform is empty",
    });
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (const at of [0, 5, 1999, 2000, 2001]) {
        const wave = sine(2002, 440, 16000);
        wave[at] = bad;
        assert.throws(() => features.apply(wave), {
          name: "RangeError",
          message: `Cannot compute features: sample ${at} of 2002 is ${bad}`,
        });
      }
    }
  }
});

Deno.test("log-mel is the logarithm of the mel spectrogram, clamped or added to", () => {
  const options = { nFft: 400, hopLength: 160, nMels: 40 }, wave = sine(4000, 1000, 16000);
  const mel = new MelSpectrogram(options).apply(wave).data;
  const clamped = new LogMel({ ...options, logFloor: 1e-3 }).apply(wave).data;
  const added = new LogMel({ ...options, logFloor: 1e-3, logMode: "add" }).apply(wave).data;
  assert.ok(mel.some((x) => x < 1e-3));
  mel.forEach((x, i) => {
    assert.ok(Math.abs(clamped[i] - Math.log(Math.max(x, 1e-3))) < 1e-5);
    assert.ok(Math.abs(added[i] - Math.log(x + 1e-3)) < 1e-5);
  });
});

Deno.test("silence is the floor", () => {
  const { data } = createFeatures("hw4").apply(new Float32Array(1600));
  assert.ok(data.every((x) => x === Math.fround(Math.log(1e-9))));
});

Deno.test("a tone stands in the channel of its frequency", () => {
  const { data, channels, frames } = new Spectrogram().apply(sine(8000, 2000, 16000));
  const middle = data.subarray((frames >> 1) * channels, ((frames >> 1) + 1) * channels);
  assert.equal(middle.indexOf(Math.max(...middle)), 2000 / (16000 / 400));
});

Deno.test("toChannelsFirst transposes", () => {
  const out = toChannelsFirst({ data: Float32Array.of(1, 2, 3, 4, 5, 6), frames: 2, channels: 3 });
  assert.deepEqual([...out], [1, 4, 2, 5, 3, 6]);
});

Deno.test("resampling keeps a tone's pitch and level, and the length to the sample", () => {
  for (const [from, to] of [[8000, 16000], [44100, 16000], [16000, 16000], [16000, 11025], [96000, 16000]]) {
    const out = resample(sine(from / 10, 440, from), from, to), wanted = sine(out.length, 440, to);
    assert.equal(out.length, Math.ceil(from / 10 * to / from));
    for (let i = 50; i < out.length - 50; i++) {
      assert.ok(Math.abs(out[i] - wanted[i]) < 5e-3, `${from} to ${to}: ${out[i]} at ${i}, wanted ${wanted[i]}`);
    }
  }
});

Deno.test("resampling refuses rates and filters that are none", () => {
  for (const [from, to] of [[0, 16000], [16000, 0], [16000.5, 8000], [NaN, 8000], [1e9, 8000]]) {
    assert.throws(() => resample(new Float32Array(4), from, to), {
      name: "RangeError",
      message: /Cannot resample from/,
    });
  }
  assert.throws(() => new Resampler(2, 1, { rolloff: 0 }), { name: "RangeError", message: /rolloff 0/ });
});

Deno.test("amplitudeToDb: magnitude, reference and refusals", () => {
  const db = amplitudeToDb(Float32Array.of(10, 1, 0), { stype: "magnitude", ref: 10, amin: 1e-3 });
  assert.deepEqual([...db], [0, -20, -80]);
  assert.throws(() => amplitudeToDb(Float32Array.of(1), { amin: 0 }), { name: "RangeError" });
  assert.throws(() => amplitudeToDb(Float32Array.of(1), { topDb: -1 }), { name: "RangeError" });
});
