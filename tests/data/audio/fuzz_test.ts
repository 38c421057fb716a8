import assert from "node:assert/strict";
import { decodeAudio, UnreadableRecording } from "../../../data/audio/mod.ts";
import { buildWav, chunk, type WavParts } from "./wav_builder.ts";

/** Repeatable choices (mulberry32). */
function chooser(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % limit;
  };
}

function damage(source: Uint8Array, choose: (limit: number) => number): Uint8Array {
  const bytes = source.slice(0, choose(3) === 0 ? choose(source.length + 1) : source.length);
  for (let flips = choose(6); flips > 0 && bytes.length > 0; flips--) {
    // Half of the damage goes to the header, where it matters.
    const at = choose(choose(2) === 0 ? Math.min(64, bytes.length) : bytes.length);
    bytes[at] = choose(3) === 0 ? 255 : choose(256);
  }
  return bytes;
}

/** Decodes what may be damaged; anything but a recording or a clear error fails the test. */
async function survives(bytes: Uint8Array, what: string): Promise<boolean> {
  try {
    const { samples, sampleRate, seconds } = await decodeAudio(bytes, { name: "a.wav", maxSeconds: 600 });
    assert.ok(samples.every(Number.isFinite) && sampleRate >= 100 && seconds <= 600, what);
    return true;
  } catch (error) {
    assert.ok(error instanceof UnreadableRecording, `${what}: ${error}`);
    assert.match(error.message, /^Cannot read "a\.wav": /, what);
    return false;
  }
}

const data = Uint8Array.from({ length: 240 }, (_, i) => i * 37 & 255);
const kinds: WavParts[] = [
  { data },
  { data, bits: 8, channels: 2 },
  { data, bits: 24, channels: 5, extensible: true },
  { data, code: 3, bits: 32, before: [chunk("LIST", [1, 2, 3])] },
  { data, code: 3, bits: 64, extensible: true, after: [chunk("fact", [1, 2, 3, 4])] },
  { data, dataSize: 0xffffffff, riffSize: 0xffffffff },
];

Deno.test("damaged WAV files give samples or a clear error, 12,000 times", async () => {
  const choose = chooser(1);
  let readable = 0;
  for (let round = 0; round < 2000; round++) {
    for (const [i, parts] of kinds.entries()) {
      if (await survives(damage(buildWav(parts), choose), `round ${round}, kind ${i}`)) readable++;
    }
  }
  assert.ok(readable > 1000 && readable < 11_000, `${readable} of 12000 were still readable`);
});

Deno.test("damaged FLAC, MP3 and Ogg files give samples or a clear error", async () => {
  const choose = chooser(2), folder = new URL("../../fixtures/audio/", import.meta.url), print = console.error;
  // The decoders print to the console what they stumble over.
  console.error = () => {};
  try {
    for (const name of ["digit.flac", "digit_flac.ogg", "digit.mp3", "digit_vorbis.ogg", "digit_opus.ogg"]) {
      const source = await Deno.readFile(new URL(name, folder));
      for (let round = 0; round < 60; round++) await survives(damage(source, choose), `${name}, round ${round}`);
    }
  } finally {
    console.error = print;
  }
});
