import assert from "node:assert/strict";
import { decodeAudio, encodeWav } from "../../../data/audio/mod.ts";
import { buildWav, chunk, type WavParts } from "./wav_builder.ts";

const decode = (parts: WavParts, maxSeconds?: number) => decodeAudio(buildWav(parts), { name: "a.wav", maxSeconds });

function bytesOf(
  values: number[],
  size: number,
  write: (view: DataView, at: number, value: number) => void,
): Uint8Array {
  const bytes = new Uint8Array(values.length * size), view = new DataView(bytes.buffer);
  values.forEach((value, i) => write(view, i * size, value));
  return bytes;
}

const int16 = (...values: number[]) => bytesOf(values, 2, (view, at, value) => view.setInt16(at, value, true));
const values = [0, 0.5, -0.5, -1, 0.25];
const widths: [string, Omit<WavParts, "data">, (values: number[]) => Uint8Array][] = [
  ["8 bits", { bits: 8 }, (v) => Uint8Array.from(v, (x) => x * 128 + 128)],
  ["16 bits", { bits: 16 }, (v) => int16(...v.map((x) => x * 32768))],
  ["24 bits", { bits: 24 }, (v) =>
    bytesOf(v, 3, (view, at, x) => {
      view.setUint8(at, 0);
      view.setInt16(at + 1, x * 32768, true);
    })],
  [
    "24 bits in 4 bytes",
    { bits: 24, blockAlign: 4 },
    (v) => bytesOf(v, 4, (view, at, x) => view.setInt32(at, x * 2 ** 31, true)),
  ],
  ["32 bits", { bits: 32 }, (v) => bytesOf(v, 4, (view, at, x) => view.setInt32(at, x * 2 ** 31, true))],
  ["float32", { bits: 32, code: 3 }, (v) => bytesOf(v, 4, (view, at, x) => view.setFloat32(at, x, true))],
  ["float64", { bits: 64, code: 3 }, (v) => bytesOf(v, 8, (view, at, x) => view.setFloat64(at, x, true))],
];

for (const [name, parts, encode] of widths) {
  for (const extensible of [false, true]) {
    Deno.test(`WAV of ${name}${extensible ? ", extensible" : ""}`, async () => {
      const found = await decode({ ...parts, extensible, data: encode(values) });
      assert.deepEqual(found, {
        samples: Float32Array.from(values),
        sampleRate: 16000,
        channels: 1,
        seconds: 5 / 16000,
      });
    });
  }
  Deno.test(`WAV of ${name}: three channels are averaged`, async () => {
    const blockAlign = (parts.blockAlign ?? parts.bits! / 8) * 3;
    const found = await decode({ ...parts, channels: 3, blockAlign, data: encode([0.75, 0, 0, -0.75, -0.75, 0]) });
    assert.equal(found.channels, 3);
    assert.deepEqual([...found.samples], [0.25, -0.5]);
  });
}

Deno.test("24 bits keep their lowest byte and their sign", async () => {
  const { samples } = await decode({ bits: 24, data: Uint8Array.of(1, 0, 0, 255, 255, 255, 0xff, 0xff, 0x7f) });
  assert.deepEqual([...samples], [2 ** -23, -(2 ** -23), 1 - 2 ** -23]);
});

Deno.test("any rate and many channels", async () => {
  for (const sampleRate of [4000, 11025, 44100, 192000]) {
    assert.equal((await decode({ sampleRate, data: int16(1, 2) })).sampleRate, sampleRate);
  }
  const found = await decode({ channels: 20, data: int16(...Array.from({ length: 40 }, () => 16384)) });
  assert.deepEqual([found.channels, [...found.samples]], [20, [0.5, 0.5]]);
});

Deno.test("other chunks, of odd size too, are passed over", async () => {
  const before = [chunk("LIST", [1, 2, 3]), chunk("fact", [0, 0, 0, 0])];
  const { samples } = await decode({ before, after: [chunk("id3 ", [9])], data: int16(8192, -8192) });
  assert.deepEqual([...samples], [0.25, -0.25]);
});

Deno.test("a header written to a pipe, size 0 or 0xffffffff, means up to the end of the file", async () => {
  for (const [dataSize, riffSize] of [[0, 0], [0xffffffff, 0xffffffff], [0, 0xffffffff], [0x7ffff000, 0x7ffff024]]) {
    const { samples } = await decode({ dataSize, riffSize, data: int16(8192, -8192, 0) });
    assert.deepEqual([...samples], [0.25, -0.25, 0], `data size ${dataSize}`);
  }
});

Deno.test("a data chunk that is really empty is no stream: what follows it is not taken for samples", async () => {
  await assert.rejects(decode({ data: new Uint8Array(0), after: [chunk("LIST", [1, 2, 3, 4])] }), {
    message: 'Cannot read "a.wav": recording has no samples',
  });
});

Deno.test("a last frame that is not whole is left out", async () => {
  const { samples } = await decode({ channels: 2, data: int16(8192, 8192, 1) });
  assert.deepEqual([...samples], [0.25]);
});

const second = new Uint8Array(32000);
const refused: [string, WavParts, string][] = [
  [
    "cut short",
    { data: second.subarray(0, 8000), dataSize: 96000 },
    "16 kHz recording is truncated after 0.3 s of 3.0 s",
  ],
  ["zero channels", { channels: 0, data: second }, "its header gives no channels"],
  ["rate 0", { sampleRate: 0, data: second }, "its header gives a sample rate of 0 Hz, wanted 100 to 768000"],
  [
    "rate 4e9",
    { sampleRate: 4e9, data: second },
    "its header gives a sample rate of 4000000000 Hz, wanted 100 to 768000",
  ],
  [
    "ADPCM",
    { code: 0x11, bits: 4, data: second },
    "its samples are stored as IMA ADPCM; convert it with: ffmpeg -i IN -c:a pcm_s16le OUT.wav",
  ],
  [
    "code 0x1234",
    { code: 0x1234, data: second },
    "its samples are stored as format 0x1234; convert it with: ffmpeg -i IN -c:a pcm_s16le OUT.wav",
  ],
  ["0 bits", { bits: 0, data: second }, "its header gives 0-bit integer samples in blocks of 0 bytes"],
  ["64-bit integers", { bits: 64, data: second }, "its header gives 64-bit integer samples in blocks of 8 bytes"],
  [
    "16-bit floats",
    { bits: 16, code: 3, data: second },
    "its header gives 16-bit floating point samples in blocks of 2 bytes",
  ],
  ["a wrong block", { blockAlign: 1, data: second }, "its header gives 16-bit integer samples in blocks of 1 bytes"],
  ["no samples", {}, "recording has no samples"],
  ["half a sample", { data: Uint8Array.of(1) }, "recording has no samples"],
];

for (const [name, parts, problem] of refused) {
  Deno.test(`WAV is refused: ${name}`, async () => {
    await assert.rejects(decode(parts), { name: "Error", message: `Cannot read "a.wav": ${problem}` });
  });
}

Deno.test("WAV is refused: NaN and infinite samples, by their number", async () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const data = bytesOf([0, 1, bad, 0], 4, (view, at, value) => view.setFloat32(at, value, true));
    await assert.rejects(decode({ code: 3, bits: 32, data }), {
      message: `Cannot read "a.wav": sample 2 of 4 is ${bad}`,
    });
  }
});

Deno.test("WAV: floats may hold integers of 32 bits; what is further out, and would make features NaN, is refused", async () => {
  const floats = (...values: number[]) => bytesOf(values, 4, (view, at, value) => view.setFloat32(at, value, true));
  const { samples } = await decode({ code: 3, bits: 32, data: floats(2 ** 31, -(2 ** 31)) });
  assert.deepEqual([...samples], [2 ** 31, -(2 ** 31)]);
  await assert.rejects(decode({ code: 3, bits: 32, data: floats(0, -(2 ** 100)) }), {
    message: `Cannot read "a.wav": sample 1 of 2 is ${-(2 ** 100)}, far beyond full scale, which is 1`,
  });
});

Deno.test("WAV is refused: headers without their chunks", async () => {
  const whole = buildWav({ data: int16(1, 2, 3) });
  const messages = [
    [12, "recording is truncated: no fmt chunk in 12 bytes"],
    [30, "its fmt chunk has 10 bytes, wanted at least 16"],
    [36, "recording is truncated: no data chunk in 36 bytes"],
    [10, "it is a RIFF file, but no WAVE"],
  ] as const;
  for (const [length, problem] of messages) {
    await assert.rejects(decodeAudio(whole.subarray(0, length), { name: "a.wav" }), {
      message: `Cannot read "a.wav": ${problem}`,
    });
  }
  const swapped = Uint8Array.from([...whole.subarray(0, 12), ...chunk("data", [1, 2]), ...whole.subarray(12)]);
  await assert.rejects(decodeAudio(swapped), {
    message: "Cannot read the recording: its data chunk comes before any fmt chunk",
  });
});

Deno.test("a recording above maxSeconds is refused before memory is taken for it", async () => {
  await assert.rejects(decode({ data: second }, 0.5), {
    message: 'Cannot read "a.wav": recording is 1.0 s long, above the limit of 0.5 s; raise maxSeconds',
  });
  assert.equal((await decode({ data: second }, 1)).seconds, 1);
  await assert.rejects(decode({ data: second }, 0), { name: "RangeError", message: /maxSeconds is 0/ });
});

Deno.test("encodeWav and decodeAudio undo each other, values beyond the range are cut", async () => {
  const samples = Float32Array.of(0, 0.5, -0.5, -1, 32767 / 32768);
  assert.deepEqual((await decodeAudio(encodeWav(samples, 22050))).samples, samples);
  const cut = await decodeAudio(encodeWav(Float32Array.of(7, -7), 22050));
  assert.deepEqual([...cut.samples], [32767 / 32768, -1]);
  assert.throws(() => encodeWav(samples, 0), { name: "RangeError" });
  assert.throws(() => encodeWav(Float32Array.of(NaN), 8000), { name: "RangeError", message: /sample 0 of 1 is NaN/ });
});
