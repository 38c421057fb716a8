import { deepStrictEqual, notDeepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { featurePresets } from "../../../data/features/mod.ts";
import { type ChunkAugment, WaveformSource } from "../../../data/waveforms/mod.ts";
import { withFolder } from "../../tasks/run.ts";
import { swell, writeRecordings } from "./recordings.ts";

const settings = featurePresets.speaker80;
const waves = { a: swell(2, 200), b: swell(1.2, 400), c: swell(0.7, 700) };

/** Features of every recording in two epochs. */
async function drawn(
  folder: string,
  augment: ChunkAugment,
  changes: { workers?: number; cacheBytes?: number } = {},
): Promise<{ data: Float32Array; frames: number; label?: number }[]> {
  const recordings = await writeRecordings(folder, waves);
  using source = await WaveformSource.open(recordings, { settings, chunkSeconds: 1, workers: 0, ...changes, augment });
  const training = source.forTraining([0, 1, 2]);
  const places = [0, 1].flatMap((epoch) => [0, 1, 2].map((index) => ({ index, epoch })));
  return await Promise.all(places.map(({ index, epoch }) => training.draw!(index, { seed: 5, epoch })));
}

/** Each augmentation alone, certain to happen; noise of several kinds over enough epochs. */
async function everyKind(folder: string): Promise<Record<string, ChunkAugment>> {
  const noise = await writeRecordings(join(folder, "noise"), { hum: swell(0.4, 100), long: swell(3, 2000) });
  const rooms = await writeRecordings(join(folder, "rooms"), { hall: swell(0.2, 50) });
  return {
    "generated noise": { noise: "generated", noiseSnr: [0, 10] },
    "recorded noise": { noise: noise.map(({ path }) => path) },
    "generated rooms": { reverb: "generated" },
    "recorded rooms": { reverb: rooms.map(({ path }) => path) },
    "speed": { speeds: [0.9, 1.1] },
    "volume": { volume: [-20, -10] },
    "all": { noise: "generated", reverb: "generated", speeds: [0.9, 1, 1.1], volume: [-6, 6] },
  };
}

Deno.test("augmented chunks: changed, anew in each epoch, and the same on threads and with other memory", async () => {
  await withFolder(async (folder) => {
    const plain = await drawn(join(folder, "data"), {});
    for (const [name, augment] of Object.entries(await everyKind(folder))) {
      const found = await drawn(join(folder, "data"), augment);
      for (let i = 0; i < found.length; i++) {
        strictEqual(found[i].frames, 101);
        ok(found[i].data.every(Number.isFinite), name);
        notDeepStrictEqual(found[i].data, plain[i].data, `${name}: not augmented`);
      }
      // the third is shorter than a chunk: where there is one room, say, it sounds alike in both
      for (let i = 0; i < 2; i++) notDeepStrictEqual(found[i], found[i + 3], `${name}: the same in both epochs`);
      const workers = name === "all" || name === "recorded noise" ? 2 : 0;
      deepStrictEqual(await drawn(join(folder, "data"), augment, { workers, cacheBytes: 40_000 }), found, name);
    }
  });
});

Deno.test("augmented chunks: a silent recording stays silent under noise, and one recording alone trains", async () => {
  await withFolder(async (folder) => {
    const recordings = await writeRecordings(folder, { silent: new Float32Array(16000) });
    const augment: ChunkAugment = { noise: "generated", reverb: "generated", speeds: [0.9, 1.1], volume: [3, 6] };
    using source = await WaveformSource.open(recordings, { settings, chunkSeconds: 1, workers: 0, augment });
    for (let epoch = 0; epoch < 12; epoch++) {
      const { data } = await source.forTraining([0]).draw!(0, { seed: 1, epoch });
      ok(data.every((x) => x === 0));
    }
  });
});

Deno.test("augmented chunks: the class of a speed, and none where speed is no class", async () => {
  await withFolder(async (folder) => {
    const labels = await drawn(folder, { speeds: [0.9], labelAt: (label, speed) => label + 100 * speed });
    deepStrictEqual(labels.map(({ label }) => label), [90, 91, 92, 90, 91, 92]);
    ok((await drawn(folder, { speeds: [0.9] })).every(({ label }) => label === undefined));
  });
});

Deno.test("augmented chunks: noise and rooms that cannot be used are named", async () => {
  await withFolder(async (folder) => {
    const [{ path }] = await writeRecordings(folder, { nothing: new Float32Array(800) });
    await rejects(drawn(folder, { noise: [path] }), /^Error: Cannot use ".*nothing\.wav" as noise: it is silent$/);
    await rejects(
      drawn(folder, { reverb: [path] }),
      /^Error: Cannot use ".*nothing\.wav" as an impulse response: it is silent$/,
    );
    await Deno.writeTextFile(path, "no recording");
    await rejects(drawn(folder, { noise: [path] }), /^Error: Cannot read ".*nothing\.wav": /);
  });
});
