import assert from "node:assert/strict";
import { createFeatures, resample } from "../../../data/features/mod.ts";

/** Noise of a linear congruential generator, so that other programs can make the same waveform. */
function noise(length: number): Float32Array {
  let x = 1;
  return Float32Array.from({ length }, () => {
    x = Number((BigInt(x) * 1103515245n + 12345n) % 2147483648n);
    return x / 2147483648 - 0.5;
  });
}

/**
 * Computed by torchaudio 0.13.1 in float64 from noise(3013), for options that the golden cases leave out: kind, options,
 * shape, and the values at indices floor((n - 1) i / 6), i = 0 … 6.
 */
const rows: [string, Record<string, unknown>, number[], number[]][] = [
  ["spectrogram", { "nFft": 399, "hopLength": 100 }, [31, 200], [
    6.347798,
    41.73503,
    7.17724,
    77.54985,
    2.590276,
    17.3823,
    5.729396,
  ]],
  ["spectrogram", { "nFft": 512, "winLength": 401, "hopLength": 77, "power": 1 }, [40, 257], [
    2.523647,
    3.971796,
    3.010721,
    1.607147,
    1.701814,
    2.167003,
    2.543789,
  ]],
  ["spectrogram", { "nFft": 101, "window": "hamming", "center": false, "power": 3 }, [59, 51], [
    0.3478352,
    3.116076,
    16.34264,
    30.23945,
    1.518918,
    10.81743,
    0.805109,
  ]],
  ["mel", { "sampleRate": 11025, "nFft": 441, "nMels": 23, "fMin": 30, "fMax": 5000, "norm": "slaney" }, [14, 23], [
    0.6743814,
    0.4462863,
    0.312046,
    0.6196309,
    0.9893579,
    0.678374,
    0.6089014,
  ]],
  ["mel", { "sampleRate": 22050, "nFft": 1024, "nMels": 64, "melScale": "slaney", "power": 1 }, [6, 64], [
    9.869469,
    103.6713,
    114.7396,
    133.2987,
    135.5049,
    156.3757,
    134.4743,
  ]],
  ["mfcc", { "nMfcc": 13, "nFft": 512, "nMels": 40, "topDb": 80 }, [12, 13], [
    112.6433,
    1.966722,
    0.07423644,
    0.4515112,
    -0.4671103,
    5.168881,
    -4.20326,
  ]],
  ["kaldiFbank", {}, [17, 23], [-2.698553, 5.98772, 4.784435, 4.07359, 2.687823, -0.292117, 6.842506]],
  ["kaldiFbank", { "sampleRate": 8000, "nMels": 40, "snipEdges": false }, [38, 40], [
    -3.576914,
    2.246989,
    2.715015,
    5.443476,
    0.7647636,
    1.852931,
    3.784461,
  ]],
  ["kaldiFbank", { "useEnergy": true, "scale": 32768, "fMax": -400 }, [17, 24], [
    24.27793,
    26.56752,
    25.54217,
    24.75644,
    22.93736,
    19.62828,
    27.77135,
  ]],
  [
    "kaldiFbank",
    {
      "useEnergy": true,
      "rawEnergy": false,
      "energyFloor": 0,
      "window": "blackman",
      "roundToPowerOfTwo": false,
      "usePower": false,
      "useLogFbank": false,
      "removeDcOffset": false,
      "preemphasis": 0.5,
      "frameLength": 20,
      "frameShift": 7,
    },
    [25, 24],
    [2.131474, 1.659799, 4.084881, 10.18608, 21.93017, 40.0948, 53.86958],
  ],
  ["kaldiFbank", { "window": "hann", "frameShift": 30, "frameLength": 25, "snipEdges": false }, [6, 23], [
    -2.584563,
    6.912215,
    7.377768,
    7.583903,
    7.333112,
    7.208791,
    6.802756,
  ]],
  ["kaldiFbank", { "window": "rectangular", "sampleRate": 11025 }, [25, 23], [
    -0.04345001,
    1.154877,
    3.352949,
    4.874066,
    5.640198,
    7.192109,
    7.257496,
  ]],
  ["resample", { "from": 44100, "to": 48000 }, [3280], [
    0.01092199,
    0.2819117,
    -0.4081492,
    0.02407959,
    0.2889152,
    -0.22679,
    0.1504501,
  ]],
  ["resample", { "from": 11025, "to": 16000 }, [4373], [
    0.01092199,
    0.2819117,
    -0.3172083,
    0.08264543,
    -0.04459507,
    -0.1419378,
    0.1504501,
  ]],
  ["resample", { "from": 16000, "to": 16001 }, [3014], [
    0.01092199,
    0.1130947,
    -0.2994754,
    0.04147285,
    -0.08082144,
    -0.2862467,
    0.06662503,
  ]],
  ["resample", { "from": 16000, "to": 44100 }, [8305], [
    0.01092199,
    0.03333191,
    -0.4141079,
    0.08397254,
    0.3689025,
    0.01074164,
    0.07491031,
  ]],
  ["resample", { "from": 48000, "to": 8000 }, [503], [
    -0.01345974,
    0.1305414,
    -0.1005739,
    -0.087065,
    0.1812488,
    -0.1372682,
    -0.1367088,
  ]],
  ["resample", { "from": 22050, "to": 16000 }, [2187], [
    -0.02404618,
    0.2122957,
    0.1494332,
    0.08296874,
    0.01294637,
    -0.3611986,
    0.142319,
  ]],
];

function compute(kind: string, options: Record<string, unknown>): { data: Float32Array; shape: number[] } {
  const wave = noise(3013);
  if (kind === "resample") {
    const data = resample(wave, Number(options.from), Number(options.to));
    return { data, shape: [data.length] };
  }
  const { data, frames, channels } = createFeatures({ kind, ...options }).apply(wave);
  return { data, shape: [frames, channels] };
}

for (const [kind, options, shape, values] of rows) {
  Deno.test(`torchaudio's values: ${kind} ${JSON.stringify(options)}`, () => {
    const result = compute(kind, options);
    assert.deepEqual(result.shape, shape);
    values.forEach((value, i) => {
      const actual = result.data[Math.floor((result.data.length - 1) * i / 6)];
      assert.ok(Math.abs(actual - value) <= 2e-6 + 1e-6 * Math.abs(value), `value ${i} is ${actual}, wanted ${value}`);
    });
  });
}
