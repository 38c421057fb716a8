import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { cutWave, storeWave } from "../../../data/waveforms/stored_wave.ts";

Deno.test("stored waveforms: 16-bit values take two bytes, all others four, and nothing is lost", () => {
  const sixteen = Float32Array.of(0, -1, 32767 / 32768, 1 / 32768, -0.5);
  ok(storeWave(sixteen) instanceof Int16Array);
  deepStrictEqual([...cutWave(storeWave(sixteen))], [...sixteen]);
  for (const odd of [1, -1.1, 0.3, 1 / 65536]) {
    const floats = Float32Array.of(0.5, odd);
    ok(storeWave(floats) instanceof Float32Array, String(odd));
    deepStrictEqual([...cutWave(storeWave(floats))], [...floats]);
  }
});

Deno.test("stored waveforms: a cut within, and one that goes round", () => {
  const wave = storeWave(Float32Array.from({ length: 5 }, (_, i) => i / 8));
  const eighths = (start: number, length: number) => [...cutWave(wave, { start, length })].map((x) => x * 8);
  deepStrictEqual(eighths(1, 3), [1, 2, 3]);
  deepStrictEqual(eighths(2, 3), [2, 3, 4]);
  deepStrictEqual(eighths(0, 12), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]);
  deepStrictEqual(eighths(3, 4), [3, 4, 0, 1]);
  strictEqual(eighths(0, 5).length, 5);
});
