import assert from "node:assert/strict";
import { melFilters } from "../../../data/features/filters.ts";
import { MelBands } from "../../../data/features/mel_bands.ts";
import { resolveSettings } from "../../../data/features/settings.ts";
import { makeWindow } from "../../../data/features/window.ts";
import { WasmMel } from "../../../data/features/wasm_mel.ts";

const noise = (length: number) => Float32Array.from({ length }, () => Math.random() - 0.5);

function settingsOf(options: Record<string, unknown>) {
  const { kind: _, ...settings } = resolveSettings("mel", options);
  return settings;
}

/** Sizes with every radix alone and together, odd ones, windows of every remainder by four, a hop beyond the frame. */
const cases: Record<string, number>[] = [
  { nFft: 2, nMels: 1 },
  { nFft: 3, nMels: 1 },
  { nFft: 5, nMels: 2 },
  { nFft: 8, nMels: 3 },
  { nFft: 9, nMels: 3 },
  { nFft: 25, nMels: 4, hopLength: 60 },
  { nFft: 60, nMels: 7, hopLength: 7 },
  { nFft: 240, winLength: 201, nMels: 30 },
  { nFft: 400, hopLength: 160, nMels: 80 },
  { nFft: 405, winLength: 402, nMels: 40 },
  { nFft: 512, winLength: 400, hopLength: 160, nMels: 40 },
  { nFft: 512, winLength: 403, hopLength: 1, nMels: 128 },
  { nFft: 1024, hopLength: 441, nMels: 64 },
  { nFft: 4096, nMels: 40, hopLength: 5000 },
];

for (const options of cases) {
  Deno.test(`WASM mel bands equal the plain ones: ${JSON.stringify(options)}`, () => {
    const settings = settingsOf(options),
      fast = new MelBands(settings),
      plain = new MelBands(settings, { plain: true });
    for (const frames of [1, 7, 8, 9, 300]) {
      const wave = noise(Math.max(1, (frames - 1) * settings.hopLength + 3)),
        a = fast.apply(wave),
        b = plain.apply(wave);
      assert.equal(a.frames, b.frames);
      const largest = b.data.reduce((x, y) => Math.max(x, y));
      b.data.forEach((value, i) => {
        assert.ok(Math.abs(a.data[i] - value) <= 1e-6 * largest, `value ${i} is ${a.data[i]}, wanted ${value}`);
      });
    }
  });
}

for (const mode of ["clamp", "add"] as const) {
  Deno.test(`WASM log-mel equals the plain one: ${mode}`, () => {
    const settings = settingsOf({ nFft: 400, hopLength: 160, nMels: 40 }), log = { floor: 1e-3, mode };
    const wave = noise(16000).map((x, i) => i < 8000 ? x : 0);
    const a = new MelBands(settings, { log }).apply(wave), b = new MelBands(settings, { log, plain: true }).apply(wave);
    assert.ok(b.data.some((x) => x === Math.fround(Math.log(1e-3))));
    b.data.forEach((value, i) => assert.ok(Math.abs(a.data[i] - value) < 2e-5, `value ${i}: ${a.data[i]}, ${value}`));
  });
}

Deno.test("a long waveform leaves nothing in the memory that a short one would see", () => {
  const settings = settingsOf({ nFft: 400, hopLength: 160, nMels: 40 }), bands = new MelBands(settings);
  const short = noise(1000), first = bands.apply(short).data;
  bands.apply(noise(100_000).map((x) => x * 1e6));
  assert.deepEqual(bands.apply(short).data, first);
});

Deno.test("sizes without code fall back to the plain form", () => {
  for (const nFft of [401, 441, 16384]) {
    const settings = settingsOf({ nFft, hopLength: 160, nMels: 20 }), window = makeWindow("hann", nFft);
    assert.equal(WasmMel.make({ ...settings, window, filters: melFilters(settings) }), undefined);
    assert.equal(new MelBands(settings).apply(noise(3000)).channels, 20);
  }
  const amplitude = settingsOf({ power: 1 }), wave = noise(2000);
  const plain = new MelBands(amplitude, { plain: true });
  assert.deepEqual(new MelBands(amplitude).apply(wave), plain.apply(wave));
});
