import assert from "node:assert/strict";
import { createFeatures } from "../../../data/features/mod.ts";

/** Noise of a linear congruential generator, so that other programs can make the same waveform. */
function noise(length: number): Float32Array {
  let x = 1;
  return Float32Array.from({ length }, () => {
    x = Number((BigInt(x) * 1103515245n + 12345n) % 2147483648n);
    return x / 2147483648 - 0.5;
  });
}

/** The same, its second half a hundred decibels lower: beyond what SpeechBrain's cut leaves. */
const fading = () => noise(3013).map((x, i) => i < 1500 ? x : x * 1e-5);

const speechbrain = (options: Record<string, unknown>) => ({ kind: "speechbrainFbank", ...options });

/**
 * Settings, frames and bands, and the values at indices floor((n - 1) i / 6), i = 0 … 6: of SpeechBrain's Fbank by its formula in float64
 * (torch.stft, pad_mode "constant"), of WeSpeaker's by torchaudio.compliance.kaldi.fbank.
 */
const rows: [string, Float32Array, string | Record<string, unknown>, number[], number[]][] = [
  ["80 bands", fading(), speechbrain({ nMels: 80 }), [19, 80], [
    ...[-5.521715, 8.781136, 7.148295, 10.09717, -56.62179, -56.62179, -56.62179],
  ]],
  ["24 bands, cut at 40 dB", fading(), speechbrain({ nMels: 24, topDb: 40 }), [19, 24], [
    ...[7.033241, 13.26501, 13.52678, 19.85683, -14.13665, -14.13665, -14.13665],
  ]],
  [
    "8 kHz, window shorter than the transform, edges",
    fading(),
    speechbrain({ sampleRate: 8000, nFft: 256, winLength: 200, nMels: 23, fMin: 100, fMax: 3500 }),
    [38, 23],
    [10.61688, 16.52823, 14.6856, 15.14832, -60.28465, -60.28465, -60.28465],
  ],
  ["preset speechbrain-ecapa80", fading(), "speechbrain-ecapa80", [19, 80], [
    ...[17.1373, 28.76341, 25.18319, 26.19387, -40.5051, -41.39673, -42.54749],
  ]],
  ["preset wespeaker80", noise(3013), "wespeaker80", [17, 80], [
    ...[0.7822993, -0.3342609, 0.08273866, -1.073399, -0.2426849, 0.6334263, 0.2025642],
  ]],
];

for (const [name, wave, settings, shape, values] of rows) {
  Deno.test(`features of other toolkits: ${name}`, () => {
    const { data, frames, channels } = createFeatures(settings).apply(wave);
    assert.deepEqual([frames, channels], shape);
    values.forEach((value, i) => {
      const found = data[Math.floor((data.length - 1) * i / 6)];
      assert.ok(Math.abs(found - value) <= 1e-4, `value ${i} is ${found}, wanted ${value}`);
    });
  });
}

Deno.test("SpeechBrain's cut is below the largest value of the recording, so a part's features differ", () => {
  const features = createFeatures(speechbrain({ nMels: 40 })), wave = fading();
  const whole = features.apply(wave), part = features.apply(wave.subarray(1760));
  const inside = (frame: number, { data }: { data: Float32Array }) => [...data.slice(frame * 40, (frame + 1) * 40)];
  const apart = (a: number[], b: number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i])));
  assert.ok(apart(inside(16, whole), inside(5, part)) > 10); // both are centred on sample 2560
  const uncut = createFeatures(speechbrain({ nMels: 40, topDb: null }));
  assert.ok(apart(inside(16, uncut.apply(wave)), inside(5, uncut.apply(wave.subarray(1760)))) < 1e-3);
});

Deno.test("silence in SpeechBrain's features is finite, and 0 after the mean is taken", () => {
  const silent = createFeatures("speechbrain-xvector24").apply(new Float32Array(1600));
  assert.ok(silent.data.every((x) => x === 0));
  const raw = createFeatures(speechbrain({})).apply(new Float32Array(1600));
  assert.ok(raw.data.every((x) => Math.abs(x + 100) < 1e-4));
});
