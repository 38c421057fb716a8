import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { decodeAudio, encodeWav, readAudio } from "../../../data/audio/mod.ts";
import { resample } from "../../../data/features/mod.ts";
import { oggFlac, oggPage } from "./ogg_builder.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/audio/${name}`, import.meta.url));
const original = fileURLToPath(new URL("../../../data/samples/theo/7_theo_12.wav", import.meta.url));

/** Largest correlation of `b` with `a` over shifts up to `most` samples. */
function bestCorrelation(a: Float32Array, b: Float32Array, most: number): number {
  const dot = (x: Float32Array, y: Float32Array, shift: number) =>
    x.reduce((sum, value, i) => sum + value * (y[i + shift] ?? 0), 0);
  const energy = Math.sqrt(dot(a, a, 0) * dot(b, b, 0));
  return Array.from({ length: 2 * most + 1 }, (_, i) => dot(a, b, i - most) / energy).reduce((x, y) => Math.max(x, y));
}

Deno.test("FLAC, plain and in Ogg, gives the samples of the WAV file exactly", async () => {
  const wav = await readAudio(original);
  assert.deepEqual([wav.sampleRate, wav.channels, wav.samples.length], [8000, 1, 1965]);
  for (const name of ["digit.flac", "digit_flac.ogg"]) assert.deepEqual(await readAudio(fixture(name)), wav, name);
});

const lossy: [string, number, number][] = [
  ["digit.mp3", 8000, 0.9],
  ["digit_untagged.mp3", 8000, 0.9],
  ["digit_vorbis.ogg", 8000, 0.9],
  ["digit_opus.ogg", 48000, 0.9],
];

for (const [name, rate, least] of lossy) {
  Deno.test(`${name} sounds like the WAV file`, async () => {
    const wav = await readAudio(original), found = await readAudio(fixture(name));
    assert.deepEqual([found.sampleRate, found.channels], [rate, 1]);
    const delay = name.endsWith(".mp3") ? 1500 : 200;
    const correlation = bestCorrelation(wav.samples, resample(found.samples, rate, 8000), delay);
    assert.ok(correlation > least, `correlation ${correlation}`);
    if (name.endsWith(".ogg")) assert.ok(Math.abs(found.seconds - wav.seconds) < 1e-6, `${found.seconds} s`);
  });
}

Deno.test("readAudio resamples", async () => {
  const own = await readAudio(original), twice = await readAudio(original, { sampleRate: 16000 });
  assert.deepEqual(twice.samples, resample(own.samples, 8000, 16000));
  assert.deepEqual([twice.sampleRate, twice.channels, twice.seconds], [16000, 1, own.seconds]);
  await assert.rejects(readAudio(original, { sampleRate: 0.5 }), { name: "RangeError", message: /Cannot resample/ });
});

Deno.test("the format is told by content, whatever the name", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.copyFile(fixture("digit.flac"), `${folder}/a.wav`);
    assert.equal((await readAudio(`${folder}/a.wav`)).samples.length, 1965);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const truncations: [string, number, RegExp][] = [
  ["digit.flac", 0.6, /8 kHz recording is truncated after 0\.\d+ s of 0\.\d+ s$/],
  ["digit.flac", 0.01, /recording is truncated in its FLAC header$/],
  ["digit_flac.ogg", 0.6, /8 kHz recording is truncated after 0\.0 s: its end-of-stream page is missing$/],
  ["digit.mp3", 0.6, /8 kHz recording is truncated after 0\.\d+ s of 0\.\d+ s$/],
  ["digit.mp3", 0.99, /8 kHz recording is truncated after 0\.\d+ s of 0\.\d+ s$/],
  ["digit_untagged.mp3", 0.6, /8 kHz recording is truncated after 0\.2 s: its last frame is incomplete$/],
  ["digit_vorbis.ogg", 0.97, /8 kHz recording is truncated after 0\.0 s: its end-of-stream page is missing$/],
  ["digit_opus.ogg", 0.6, /48 kHz recording is truncated after 0\.0 s: its end-of-stream page is missing$/],
  ["digit_opus.ogg", 0.02, /recording is truncated or damaged: no whole Ogg page$/],
  ["silence_200s.flac", 0.5, /8 kHz recording is truncated after \d+\.\d s of 200\.0 s$/],
];

for (const [name, share, message] of truncations) {
  Deno.test(`${name} cut after ${share * 100} % is refused`, async () => {
    const bytes = await Deno.readFile(fixture(name));
    await assert.rejects(decodeAudio(bytes.subarray(0, Math.floor(bytes.length * share)), { name }), (error: Error) => {
      assert.ok(error.message.startsWith(`Cannot read "${name}": `));
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("damage in the middle of an Ogg file is refused", async () => {
  for (const name of ["digit_vorbis.ogg", "digit_opus.ogg", "digit_flac.ogg"]) {
    const bytes = await Deno.readFile(fixture(name));
    bytes[Math.floor(bytes.length * 0.8)] ^= 0x10;
    await assert.rejects(decodeAudio(bytes, { name }), { message: /^Cannot read ".*": .*(damaged|truncated)/ });
  }
});

Deno.test("few bytes that stand for much audio are refused before they are decoded", async () => {
  const bytes = await Deno.readFile(fixture("silence_200s.flac"));
  assert.ok(bytes.length < 1000);
  const message = 'Cannot read "a": recording is 200.0 s long, above the limit of 60 s; raise maxSeconds';
  await assert.rejects(decodeAudio(bytes, { name: "a", maxSeconds: 60 }), { message });
  // A header that hides the length does not help.
  bytes.fill(0, 22, 26);
  bytes[21] &= 0xf0;
  await assert.rejects(decodeAudio(bytes, { name: "a", maxSeconds: 60 }), { message });
  assert.equal((await decodeAudio(bytes, { maxSeconds: 200 })).seconds, 200);
});

/** The silent frames of a FLAC file, 13 bytes each. */
function silentFrames(flac: Uint8Array, count: number): Uint8Array[] {
  const first = flac.findIndex((byte, i) => byte === 0xff && flac[i + 1] === 0xf8 && flac[i + 2] === 0x74);
  return Array.from({ length: count }, (_, i) => flac.subarray(first + i % 24 * 13, first + i % 24 * 13 + 13));
}

Deno.test("a page of an Ogg file that stands for much audio is refused before it is decoded", async () => {
  const flac = await Deno.readFile(fixture("silence_200s.flac")),
    few = silentFrames(flac, 24),
    many = silentFrames(flac, 250);
  const { seconds } = await decodeAudio(oggFlac(flac, few, 24 * 65535), { maxSeconds: 200 });
  assert.equal(seconds, 24 * 65535 / 8000, "the made-up file is a good one");
  const bytes = oggFlac(flac, many, 1), before = Deno.memoryUsage().rss;
  assert.ok(bytes.length < 4000);
  const message = /recording is 2048\.0 s long, above the limit of 2000 s; raise maxSeconds$/;
  await assert.rejects(decodeAudio(bytes, { maxSeconds: 2000 }), { kind: "too long", message });
  assert.ok(Deno.memoryUsage().rss - before < 30e6, "decoded it would have 65 MB");
});

Deno.test("frames that have more channels than their stream says are counted with them", async () => {
  const flac = await Deno.readFile(fixture("silence_200s.flac")), [frame] = silentFrames(flac, 1);
  frame[3] = 0x78; // eight channels of 16 bits
  frame[7] = [...frame.subarray(0, 7)].reduce(crc8, 0);
  const message = /recording has 12800000 samples in 8 channels, above the limit of 2000000; raise maxSamples$/;
  await assert.rejects(decodeAudio(flac, { maxSamples: 2e6 }), { kind: "too long", message });
});

/** CRC-8 with the polynomial x^8 + x^2 + x + 1, one byte further. */
function crc8(crc: number, byte: number): number {
  crc ^= byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? (crc << 1 ^ 0x07) & 0xff : crc << 1;
  return crc;
}

Deno.test("every format heeds maxSeconds", async () => {
  for (
    const name of [
      "digit.flac",
      "digit_flac.ogg",
      "digit.mp3",
      "digit_untagged.mp3",
      "digit_vorbis.ogg",
      "digit_opus.ogg",
    ]
  ) {
    await assert.rejects(readAudio(fixture(name), { maxSeconds: 0.1 }), {
      kind: "too long",
      message: /recording is 0\.\d s long, above the limit of 0\.1 s; raise maxSeconds$/,
    });
    await assert.rejects(decodeAudio(await Deno.readFile(fixture(name)), { maxSamples: 1000 }), {
      kind: "too long",
      message: /recording has \d{4,} samples in 1 channels, above the limit of 1000; raise maxSamples$/,
    });
  }
});

const bytes = (...parts: (string | number)[]) =>
  Uint8Array.from(parts.flatMap((p) => typeof p === "string" ? [...p].map((c) => c.charCodeAt(0)) : [p]));
const notAudio: [string, Uint8Array, string][] = [
  ["nothing", bytes(), "it is empty"],
  ["text", new TextEncoder().encode("path\tlabel\nä.wav\tAnna\n"), "it is text, not a recording"],
  ["a web page", bytes("<!DOCTYPE html><html>"), "it is text, not a recording"],
  [
    "zeros",
    new Uint8Array(1000),
    "its format is not known; wav, flac, mp3 and ogg (Vorbis, Opus, FLAC) are read; convert it with: ffmpeg -i IN OUT.wav",
  ],
  ["AIFF", bytes("FORM", 0, 0, 0, 9, "AIFFCOMM"), "it is an AIFF recording; convert it with: ffmpeg -i IN OUT.wav"],
  ["raw AAC", bytes(0xff, 0xf1, 0x50, 0x80), "it is raw AAC; convert it with: ffmpeg -i IN OUT.wav"],
  ["a zip file", bytes("PK", 3, 4), "it is an archive; unpack it first"],
  [
    "a Git LFS pointer",
    bytes("version https://git-lfs.github.com/spec/v1\n"),
    "it is a Git LFS pointer, not the recording; run: git lfs pull",
  ],
  ["a tag alone", bytes("ID3", 4, 0, 0, 0, 0, 0, 2, 0, 0), "recording is truncated: it has a tag, but no audio"],
];

for (const [name, content, problem] of notAudio) {
  Deno.test(`${name} is refused`, async () => {
    await assert.rejects(decodeAudio(content, { name: "a.wav" }), {
      name: "Error",
      message: `Cannot read "a.wav": ${problem}`,
    });
  });
}

Deno.test("m4a is refused with what to do", async () => {
  const path = fixture("digit.m4a");
  await assert.rejects(readAudio(path), {
    message: `Cannot read "${path}": it is MPEG-4 audio or video (m4a, mp4); convert it with: ffmpeg -i IN OUT.wav`,
  });
});

Deno.test("files that are none are refused", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await assert.rejects(readAudio(`${folder}/a.wav`), { message: `Cannot read "${folder}/a.wav": no such file` });
    await assert.rejects(readAudio(folder), { message: `Cannot read "${folder}": it is a folder, wanted a recording` });
    if (Deno.build.os !== "windows") {
      const message = 'Cannot read "/dev/null": it is a device, wanted a recording';
      await assert.rejects(readAudio("/dev/null"), { message }, "others, such as /dev/zero, never end");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("importing loads no decoder and asks for nothing; a WAV file needs no decoder", async () => {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  const module = new URL("../../../data/audio/mod.ts", import.meta.url).href;
  await Deno.writeTextFile(
    path,
    `import { decodeAudio, encodeWav } from "${module}";
    console.log((await decodeAudio(encodeWav(Float32Array.of(0.5), 8000))).samples[0]);`,
  );
  try {
    const args = ["run", "--no-prompt", "--no-npm", "--no-config", "--no-lock", path];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    assert.equal(new TextDecoder().decode(stdout), "0.5\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("an Ogg file of pages within pages, or of very many streams, is refused at once", async () => {
  const nested = new Uint8Array(300_000), page = new Uint8Array(27).fill(0xff);
  page.set(new TextEncoder().encode("OggS"));
  for (let at = 0; at + 27 < nested.length; at += 27) nested.set(page, at);
  const start = performance.now();
  await assert.rejects(
    decodeAudio(nested),
    /Cannot read the recording: recording is damaged: its Ogg pages are broken$/,
  );
  assert.ok(performance.now() - start < 500, "each would be checked over 65 kB");

  const opus = new TextEncoder().encode("OpusHead\x01\x01\0\0\x80>\0\0\0\0\0");
  const stream = oggPage([opus], { sequence: 0, flags: 6, granule: 0 });
  const many = Uint8Array.from(Array.from({ length: 300 }, () => [...stream]).flat());
  await assert.rejects(decodeAudio(many), /it has more than 256 Ogg streams$/);
});

Deno.test("what a decoder says of broken frames, without end, is not printed", async () => {
  const flac = await Deno.readFile(fixture("digit.flac"));
  const said: unknown[] = [], { error: say } = console;
  console.error = (line) => said.push(line);
  try {
    // a frame that is whole by both its checksums, but whose subframe is of a reserved type
    const frame = [0xff, 0xf8, 0x60, 0x08, 0x00, 0x00, 0xbb, 0x02, 0xff, 0x81, 0x49], head = flac.slice(0, 42);
    head.fill(0, 21, 26)[4] = 0x80; // the length is not known, and no more metadata follow
    const broken = Uint8Array.from([...head, ...Array.from({ length: 20 }, () => frame).flat()]);
    await assert.rejects(decodeAudio(broken), /Cannot read the recording: .* truncated/);
  } finally {
    console.error = say;
  }
  assert.deepEqual(said, []);
});

Deno.test("a subarray of a larger buffer is read by its own bounds", async () => {
  const wav = encodeWav(Float32Array.of(0.25, -0.25), 8000), padded = new Uint8Array(wav.length + 7);
  padded.set(wav, 5);
  assert.deepEqual([...(await decodeAudio(padded.subarray(5, 5 + wav.length))).samples], [0.25, -0.25]);
});
