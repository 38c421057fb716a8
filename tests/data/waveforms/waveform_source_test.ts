import { deepStrictEqual, notDeepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { encodeWav } from "../../../data/audio/mod.ts";
import { TrainingBatches } from "../../../data/batches/mod.ts";
import { createFeatures, featurePresets, resample } from "../../../data/features/mod.ts";
import { type WaveformOptions, WaveformSource } from "../../../data/waveforms/mod.ts";
import { withFolder } from "../../tasks/run.ts";
import { buildWav } from "../audio/wav_builder.ts";
import { floatWav, swell, writeRecordings } from "./recordings.ts";

const settings = featurePresets.speaker80;
const options: WaveformOptions = { settings, chunkSeconds: 1, workers: 0 };
const features = createFeatures(settings);

/** 16-bit values, as the file has them. */
const rounded = (wave: Float32Array) => wave.map((x) => Math.round(x * 32768) / 32768);

Deno.test("waveforms: validation hears all of a recording or its first chunk, short ones repeated", async () => {
  await withFolder(async (folder) => {
    const [long, short] = [swell(2.5), swell(0.7, 500)];
    const recordings = await writeRecordings(folder, { long, short });
    using whole = await WaveformSource.open(recordings, options);
    const facts = whole.utterances.map(({ id, label, frames }) => [id, label, frames]);
    deepStrictEqual(facts, [["long", 0, 251], ["short", 1, 71]]);
    same((await whole.read(0)).data, features.apply(rounded(long)).data);
    using first = await WaveformSource.open(recordings, { ...options, validChunk: "first" });
    deepStrictEqual(first.utterances.map(({ frames }) => frames), [101, 101]);
    same((await first.read(0)).data, features.apply(rounded(long).slice(0, 16000)).data);
    const twice = new Float32Array(16000).map((_, i) => rounded(short)[i % short.length]);
    same((await first.read(1)).data, features.apply(twice).data);
  });
});

function same(found: Float32Array, wanted: Float32Array): void {
  deepStrictEqual([...found], [...wanted]);
}

Deno.test("waveforms: a chunk is part of the recording, and another one in each epoch and for each seed", async () => {
  await withFolder(async (folder) => {
    using source = await WaveformSource.open(await writeRecordings(folder, { a: swell(3), b: swell(3) }), options);
    const training = source.forTraining([0, 1]);
    const draw = (index: number, seed: number, epoch: number) => training.draw!(index, { seed, epoch });
    const first = await draw(0, 1, 0);
    strictEqual(first.frames, 101);
    deepStrictEqual(await draw(0, 1, 0), first, "the same draw is the same");
    for (const [index, seed, epoch] of [[0, 1, 1], [0, 2, 0], [1, 1, 0]]) {
      notDeepStrictEqual(await draw(index, seed, epoch), first, `${index} ${seed} ${epoch}`);
    }
  });
});

Deno.test("waveforms: chunks do not depend on threads, memory, or what is drawn beside them; a place continues", async () => {
  await withFolder(async (folder) => {
    const waves = Object.fromEntries(
      ["a", "b", "c", "d", "e", "f"].map((name, i) => [name, swell(0.8 + i / 4, 200 + i)]),
    );
    const recordings = await writeRecordings(folder, waves);
    const batchesOf = async (changes: Partial<WaveformOptions>, skip: number) => {
      using source = await WaveformSource.open(recordings, { ...options, ...changes });
      const training = source.forTraining([0, 1, 2, 3, 4, 5]);
      const batches = () =>
        new TrainingBatches(training, [0, 1, 2, 3, 4, 5], { batchSize: 2, segmentLength: 101, seed: 3 });
      const before = batches(), after = batches();
      for (let i = 0; i < skip; i++) await before.next();
      after.restore(before.state);
      const found = [];
      for (let i = skip; i < 7; i++) found.push(await after.next());
      return found.map(({ features, labels, lengths }) => [labels, lengths, features]);
    };
    const wanted = await batchesOf({}, 0);
    deepStrictEqual(await batchesOf({ workers: 2 }, 0), wanted);
    deepStrictEqual(await batchesOf({ cacheBytes: 50_000 }, 0), wanted, "most recordings are read again");
    deepStrictEqual(await batchesOf({ workers: 2, cacheBytes: 0 }, 4), wanted.slice(4));
    ok(wanted.every(([, lengths]) => lengths.every((length) => length === 101)), "short ones are repeated, not padded");
  });
});

Deno.test("waveforms: other rates are resampled", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "a.wav"), wave = swell(1, 300, 44100);
    await Deno.writeFile(path, encodeWav(wave, 44100));
    using source = await WaveformSource.open([{ path, id: "a", label: 0 }], options);
    same((await source.read(0)).data, features.apply(resample(rounded(wave), 44100, 16000)).data);
  });
});

Deno.test("waveforms: channels are mixed", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "a.wav"), wave = rounded(swell(1)), data = new Float32Array(2 * wave.length);
    wave.forEach((x, i) => data[2 * i + 1] = 2 * x); // the left channel is silent
    const stored = { code: 3, bits: 32, channels: 2, sampleRate: 16000, data: new Uint8Array(data.buffer) };
    await Deno.writeFile(path, buildWav(stored));
    using source = await WaveformSource.open([{ path, id: "a", label: 0 }], options);
    same((await source.read(0)).data, features.apply(wave).data);
  });
});

Deno.test("waveforms: too short ones are an error in training only, silent ones are named", async () => {
  await withFolder(async (folder) => {
    const recordings = await writeRecordings(folder, {
      good: swell(1),
      silent: new Float32Array(16000),
      short: swell(0.3),
      shorter: swell(0.2),
    });
    using source = await WaveformSource.open(recordings, options);
    deepStrictEqual(source.silent, ["silent"]);
    source.forTraining([0, 1]);
    strictEqual((await source.read(2)).frames, 31);
    throws(() => source.forTraining([0, 2]), {
      name: "RangeError",
      message: `Cannot train on ${JSON.stringify(recordings[2].path)}: it has 0.300 s, minSeconds is 0.5; ` +
        "remove what is shorter, or lower minSeconds",
    });
    throws(() => source.forTraining([0, 3, 2]), /^RangeError: Cannot train on ".*shorter.wav" \(nor on 1 others that/);
    using tolerant = await WaveformSource.open(recordings, { ...options, minSeconds: 0.2 });
    const { data } = await tolerant.forTraining([1]).draw!(1, { seed: 0, epoch: 0 });
    ok(data.every((x) => x === 0), "silence is the mean everywhere");
  });
});

for (const workers of [0, 1]) {
  Deno.test(`waveforms: what cannot be used is named, ${workers} threads`, async () => {
    await withFolder(async (folder) => {
      const refused = async (bytes: Uint8Array, message: RegExp) => {
        const recordings = await writeRecordings(folder, { a: swell(1), b: swell(1) });
        await Deno.writeFile(recordings[1].path, bytes);
        await rejects(WaveformSource.open(recordings, { ...options, workers }), message);
      };
      await refused(new TextEncoder().encode("no recording"), /^Error: Cannot read ".*b\.wav": /);
      await refused(
        encodeWav(swell(1), 16000).subarray(0, 9000),
        /^Error: Cannot read ".*b\.wav": .* truncated after 0\.3 s/,
      );
      await refused(floatWav(Float32Array.of(0, 0.5, NaN, 0), 16000), /^Error: Cannot .* ".*b\.wav": .*NaN/);
      await refused(floatWav(Float32Array.of(0, Infinity), 16000), /^Error: Cannot .* ".*b\.wav": .*Infinity/);
      await refused(encodeWav(new Float32Array(0), 16000), /^Error: Cannot .* ".*b\.wav": /);
      const gone = [{ path: join(folder, "c.wav"), id: "c", label: 0 }];
      await rejects(WaveformSource.open(gone, { ...options, workers }), /^Error: Cannot read ".*c\.wav": no such file/);
    });
  });
}

Deno.test("waveforms: one that is read again has to be the same", async () => {
  await withFolder(async (folder) => {
    const recordings = await writeRecordings(folder, { a: swell(1) });
    using source = await WaveformSource.open(recordings, { ...options, cacheBytes: 0 });
    await writeRecordings(folder, { a: swell(2) });
    await rejects(source.read(0), /^Error: Cannot use ".*a\.wav": it had 16000 samples at first, and has 32000 now/);
    await Deno.remove(recordings[0].path);
    await rejects(
      source.forTraining([0]).draw!(0, { seed: 0, epoch: 0 }),
      /^Error: Cannot read ".*a\.wav": no such file/,
    );
  });
});
