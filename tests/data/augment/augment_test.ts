import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { lengthBefore } from "../../../data/augment/change_speed.ts";
import {
  addNoise,
  changeSpeed,
  changeVolume,
  makeNoise,
  makeRoom,
  mixBabble,
  noiseColors,
  reverberate,
} from "../../../data/augment/mod.ts";
import { Fft } from "../../../data/features/mod.ts";

const sampleRate = 16000;
const tone = (frequency: number, length = 16000) =>
  Float32Array.from({ length }, (_, i) => 0.3 * Math.sin(2 * Math.PI * frequency * i / sampleRate));
const power = (x: Float32Array) => x.reduce((sum, value) => sum + value * value, 0) / x.length;
const decibels = (ratio: number) => 10 * Math.log10(ratio);

/** The power of each frequency, in steps of sampleRate / length. */
function spectrum(x: Float32Array): Float64Array {
  const re = Float64Array.from(x), im = new Float64Array(x.length);
  new Fft(x.length).forward(re, im);
  return re.subarray(0, x.length / 2).map((value, k) => value * value + im[k] * im[k]);
}

Deno.test("noise: the measured ratio is the one asked for, whatever the noise", () => {
  const speech = tone(300);
  for (const color of noiseColors) {
    for (const snr of [-5, 0, 12.5]) {
      for (const length of [700, 16000, 20000]) { // repeated, as it is, cut
        const noisy = addNoise(speech, makeNoise(color, length, { seed: 4 }), { snr });
        const added = noisy.map((x, i) => x - speech[i]);
        ok(Math.abs(decibels(power(speech) / power(added)) - snr) < 1e-3, `${color} ${snr} ${length}`);
      }
    }
  }
});

Deno.test("noise: silence has no ratio to noise and stays as it is; silent noise adds nothing", () => {
  const [silence, noise] = [new Float32Array(100), makeNoise("white", 100, { seed: 1 })];
  deepStrictEqual(addNoise(silence, noise, { snr: 5 }), silence);
  deepStrictEqual(addNoise(noise, silence, { snr: 5 }), noise);
  deepStrictEqual(addNoise(silence, silence, { snr: 5 }), silence);
  throws(() => addNoise(noise, new Float32Array(0), { snr: 5 }), {
    name: "RangeError",
    message: "Cannot add noise: it has no samples",
  });
  throws(() => addNoise(noise, noise, { snr: NaN }), /^RangeError: Cannot add noise: the ratio is NaN dB/);
});

Deno.test("noise: white is flat, pink falls by 3 and brown by 6 dB an octave", () => {
  const wanted = { white: 0, pink: -3, brown: -6 };
  for (const color of noiseColors) {
    const powers = spectrum(makeNoise(color, 1 << 16, { seed: 2 }));
    const band = (hz: number) => {
      const [from, to] = [hz, 2 * hz].map((f) => Math.round(f * (1 << 16) / sampleRate));
      return powers.subarray(from, to).reduce((a, b) => a + b) / (to - from);
    };
    for (const hz of [100, 200, 400, 800]) {
      const slope = decibels(band(2 * hz) / band(hz));
      ok(Math.abs(slope - wanted[color]) < 0.9, `${color} at ${hz} Hz: ${slope} dB`);
    }
  }
  deepStrictEqual(makeNoise("pink", 99, { seed: 3 }), makeNoise("pink", 99, { seed: 3 }));
  notDeepStrictEqual(makeNoise("pink", 99, { seed: 3 }), makeNoise("pink", 99, { seed: 4 }));
});

Deno.test("babble: every voice is equally loud, silent ones are not heard", () => {
  const mixed = mixBabble([tone(500), tone(900).map((x) => x / 100), new Float32Array(16000)]);
  const powers = spectrum(mixed);
  ok(Math.abs(decibels(powers[500] / powers[900])) < 0.01);
  strictEqual(mixBabble([]).length, 0);
});

Deno.test("rooms: the power left after t falls by 60 dB in the RT60, and direct sound is as strong as asked for", () => {
  for (const rt60 of [0.2, 0.6]) {
    for (const direct of [-3, 6]) {
      const response = makeRoom({ sampleRate, rt60, direct, seed: 7 });
      strictEqual(response[0], 1);
      const tail = response.subarray(1), energy = power(tail) * tail.length;
      ok(Math.abs(decibels(1 / energy) - direct) < 1e-3);
      // Schroeder's backward integral between −5 and −25 dB
      const left = new Float64Array(tail.length);
      tail.reduceRight((sum, x, i) => left[i] = sum + x * x, 0);
      const at = (level: number) => left.findIndex((x) => decibels(x / left[0]) < level);
      const found = 3 * (at(-25) - at(-5)) / sampleRate;
      ok(Math.abs(found / rt60 - 1) < 0.1, `${found} s instead of ${rt60} s`);
    }
  }
  for (const rt60 of [0, NaN, 1e9]) {
    throws(() => makeRoom({ sampleRate, rt60, seed: 1 }), /^RangeError: Cannot make a room with an RT60 of/);
  }
});

Deno.test("reverberate: equals the convolution from the direct sound on, as loud as before", () => {
  const dry = tone(440, 500).map((x, i) => i < 250 ? x : 0);
  const response = Float32Array.from({ length: 90 }, (_, i) => i === 5 ? 1 : i < 5 ? 0.1 : 0.5 * Math.sin(i * i) / i);
  const slow = dry.map((_, n) => {
    let sum = 0;
    for (let k = 5; k < response.length && k - 5 <= n; k++) sum += response[k] * dry[n - k + 5];
    return sum;
  });
  const wet = reverberate(dry, response), factor = Math.sqrt(power(dry) / power(slow));
  strictEqual(wet.length, dry.length);
  ok(wet.every((x, i) => Math.abs(x - factor * slow[i]) < 1e-6));
  ok(Math.abs(power(wet) / power(dry) - 1) < 1e-5);
  ok(reverberate(new Float32Array(50), response).every((x) => x === 0));
  const longer = reverberate(dry, makeRoom({ sampleRate, rt60: 1, seed: 1 })); // a response longer than the waveform
  ok(longer.length === 500 && longer.every(Number.isFinite));
  for (const silent of [new Float32Array(0), new Float32Array(9)]) {
    throws(() => reverberate(dry, silent), { message: "Cannot reverberate: the impulse response is silent" });
  }
});

Deno.test("speed: a tone's pitch and length change by the factor", () => {
  for (const factor of [0.9, 1.1, 1.25, 0.93]) {
    const heard = lengthBefore(16000, factor, { sampleRate });
    const fast = changeSpeed(tone(400, heard), factor, { sampleRate });
    ok(fast.length >= 16000 && fast.length <= 16001 + 1 / factor, `${factor}: ${fast.length}`);
    const powers = spectrum(fast.subarray(0, 16000));
    const peak = powers.indexOf(powers.reduce((a, b) => Math.max(a, b)));
    ok(Math.abs(peak - 400 * factor) <= 1, `${factor}: ${peak} Hz`);
  }
  deepStrictEqual(changeSpeed(tone(400), 1, { sampleRate }), tone(400));
  throws(() => changeSpeed(tone(400), 0, { sampleRate }), /^RangeError: Cannot change the speed by 0: wanted a factor/);
});

Deno.test("volume: the gain is in decibels of power", () => {
  for (const gain of [-12, 0, 6]) {
    ok(Math.abs(decibels(power(changeVolume(tone(300), gain)) / power(tone(300))) - gain) < 1e-4);
  }
});
