/** Augmentation as the trainer applies it. @module */
import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { crossEntropy, tensor } from "../../tensor/mod.ts";
import { Augmentation } from "../../train/augmentation.ts";
import { recipes } from "../../train/recipes/mod.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";
import { runSmall, withData } from "./small_run.ts";

const plain = recipes[0].config;
const all = {
  specAugment: true,
  timeWarp: 3,
  freqMasks: 1,
  freqMaskWidth: 2,
  timeMasks: 2,
  timeMaskWidth: 4,
  mixup: 0.5,
};

forEachDevice("without augmentation a batch is as it was, and the loss is that of its labels", async () => {
  const [x, labels, logits] = [drawn(1, [3, 8, 4]), tensor(Int32Array.of(0, 1, 1)), drawn(2, [3, 2])];
  const batch = new Augmentation(plain).apply(x, labels, null);
  ok(batch.x === x && batch.labels === labels);
  const lossOf = (labels: typeof batch.labels, reduction: "none" | "mean") =>
    crossEntropy(logits, labels, { reduction });
  strictEqual(await batch.loss(lossOf).item(), await crossEntropy(logits, labels).item());
});

forEachDevice(
  "the loss of mixed utterances is shared as they are, and the larger part counts as the label",
  async () => {
    const [x, labels] = [drawn(1, [16, 8, 4]), tensor(Int32Array.from({ length: 16 }, (_, i) => i))];
    const batch = new Augmentation({ ...plain, mixup: 1 }).apply(x, labels, null);
    const asked: number[][] = [];
    const parts: Promise<unknown>[] = [];
    // a loss that is 1 for the own labels and 0 for the partners': the mixture is then the mean of lambda
    const loss = batch.loss((given) => {
      parts.push(given.data().then((values) => asked.push([...values])));
      return given === labels ? tensor(new Float32Array(16).fill(1)) : tensor(new Float32Array(16));
    });
    await Promise.all(parts);
    const [lambda, dominant] = [await loss.item(), await batch.labels.data()];
    ok(lambda > 0.2 && lambda < 0.8, `${lambda}`);
    const [own, partners] = asked;
    ok(dominant.every((label, i) => label === own[i] || label === partners[i]));
    ok([...dominant].some((label, i) => label !== own[i]) && [...dominant].some((label, i) => label === own[i]));
  },
);

forEachDevice("runs with augmentation learn, and go on exactly where they were stopped", async (device) => {
  await withData(async (folder, data) => {
    const config = { ...all, data, totalSteps: 60, logSteps: 1, saveSteps: 20 };
    const whole = await runSmall(device, { ...config, out: join(folder, "whole") });
    const out = join(folder, "parts");
    await runSmall(device, { ...config, out }, { stopAt: 23 });
    const parts = await runSmall(device, { ...config, out }, { resume: true });
    const losses = ({ rows }: typeof whole) => rows.flatMap(({ loss }) => loss === undefined ? [] : Number(loss));
    deepStrictEqual(losses(parts), losses(whole));
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    ok(mean(losses(whole).slice(-10)) < 0.8 * mean(losses(whole).slice(0, 10)), losses(whole).join(" "));
    ok(whole.bestAccuracy > 0.7, `${whole.bestAccuracy}`);
    const plain = await runSmall(device, {
      ...config,
      ...{ specAugment: false, mixup: 0 },
      out: join(folder, "plain"),
    });
    notDeepStrictEqual(losses(plain), losses(whole));
  });
});
