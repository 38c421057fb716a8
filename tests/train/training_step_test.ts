import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Batch } from "../../data/batches/mod.ts";
import { Random } from "../../data/random.ts";
import { SpeakerClassifier, type SpeakerClassifierOptions } from "../../nn/mod.ts";
import { manualSeed, memory } from "../../tensor/mod.ts";
import { Augmentation } from "../../train/augmentation.ts";
import { Objective } from "../../train/objective.ts";
import { AdamW } from "../../train/optim/mod.ts";
import { recipes } from "../../train/recipes/mod.ts";
import { WebGpuDevice } from "../../tensor/webgpu/device.ts";
import { TrainingStep } from "../../train/training_step.ts";
import { forEachDevice } from "../devices.ts";

const [hw4Simple, hw4Medium] = [
  { numSpeakers: 600, dModel: 80, nHead: 2, numLayers: 1, head: "two-layer" },
  { numSpeakers: 600, dModel: 160, nHead: 8, numLayers: 2, head: "linear" },
] satisfies SpeakerClassifierOptions[];
const small = { numSpeakers: 4, nMels: 4, dModel: 8, nHead: 2, dimFeedforward: 16 } satisfies SpeakerClassifierOptions;

interface Shape {
  readonly batchSize: number;
  readonly time: number;
  readonly padded?: boolean;
  readonly careful?: boolean;
  readonly gradClip?: number;
}

/** A step of a model, and batches for it. */
function makeStep(options: SpeakerClassifierOptions, shape: Shape) {
  const { batchSize, time, padded = false, careful = false, gradClip = 1 } = shape;
  manualSeed(0);
  const channels = options.nMels ?? 40;
  const model = new SpeakerClassifier(options);
  const optimizer = new AdamW(model.parameters(), { lr: 1e-3 });
  const objective = new Objective(recipes[0].config);
  const step = new TrainingStep({
    model,
    objective,
    augmentation: new Augmentation(recipes[0].config),
    optimizer,
    batchSize,
    time,
    channels,
    gradClip,
    padded,
    window: 8,
    careful,
  });
  const random = new Random(1);
  const batch = (): Batch => ({
    ...{ batch: batchSize, time, channels, indices: new Int32Array(batchSize) },
    features: Float32Array.from({ length: batchSize * time * channels }, () => random.uniform()),
    labels: Int32Array.from({ length: batchSize }, () => random.below(options.numSpeakers)),
    lengths: Int32Array.from({ length: batchSize }, () => padded ? 1 + random.below(time) : time),
  });
  return { step, batch, model };
}

// Kernels of a step as they were on the day this was written: more of them mean that something no longer fuses.
// (webgpu: on a software adapter. A real GPU has kernels of its own.)
const kernels = { "hw4-simple": { cpu: 57, webgpu: 89 }, "hw4-medium": { cpu: 83, webgpu: 133 } };

forEachDevice("the homework's steps take the kernels that are written down", async (device) => {
  if (device instanceof WebGpuDevice && !device.traits.software) return;
  const counts: Record<string, number> = {};
  const cases = { "hw4-simple": [hw4Simple, 16], "hw4-medium": [hw4Medium, 32] } as const;
  for (const [name, [options, batchSize]] of Object.entries(cases)) {
    const { step, batch } = makeStep(options, { batchSize, time: 128, gradClip: 0 });
    await step.run(batch(), { lr: 1e-3, step: 1 });
    counts[name] = step.kernels;
    step.dispose();
  }
  const wanted = Object.entries(kernels).map(([name, counts]) => [name, counts[device.type]]);
  deepStrictEqual(counts, Object.fromEntries(wanted));
});

forEachDevice("a thousand steps leave memory as it was after the first", async (device) => {
  const { step, batch } = makeStep(small, { batchSize: 4, time: 16, padded: true });
  const one = batch();
  await step.run(one, { lr: 1e-3, step: 1 });
  await step.results.read();
  const before = memory(device);
  for (let i = 2; i <= 1000; i++) {
    await step.run(one, { lr: 1e-3, step: i });
    if (i % 8 === 0) await step.results.read();
  }
  const { losses } = await step.results.read();
  const after = memory(device);
  // less where meanwhile the models of earlier tests were collected
  for (const key of ["used", "buffers", "reserved"] as const) ok(after[key] <= before[key], `${key}: ${after[key]}`);
  ok(losses.every((loss) => loss < 0.5), `it has learnt its batch by heart: ${losses}`);
  step.dispose();
});

forEachDevice("a careful step gives the very losses of a captured one", async () => {
  const losses = [];
  for (const careful of [false, true]) {
    const { step, batch } = makeStep(small, { batchSize: 4, time: 16, padded: true, careful });
    for (let i = 1; i <= 5; i++) await step.run(batch(), { lr: 1e-2, step: i });
    losses.push((await step.results.read()).losses);
    step.dispose();
  }
  strictEqual(losses[0].length, 5);
  deepStrictEqual(losses[1], losses[0]);
});

forEachDevice("results are those of the moment of asking, however many steps follow before the answer", async () => {
  const run = async (later: number) => {
    const { step, batch } = makeStep(small, { batchSize: 4, time: 16 });
    for (let i = 1; i <= 5; i++) await step.run(batch(), { lr: 1e-2, step: i });
    const asked = step.results.read();
    for (let i = 6; i <= 5 + later; i++) await step.run(batch(), { lr: 1e-2, step: i });
    const results = await asked;
    step.dispose();
    return results;
  };
  const results = await run(0);
  strictEqual(results.losses.length, 5);
  deepStrictEqual(await run(20), results);
});
