import assert from "node:assert/strict";
import { ConformerClassifier, type ConformerClassifierOptions } from "../../../nn/mod.ts";
import {
  capture,
  copyInto,
  crossEntropy,
  manualSeed,
  noGrad,
  scope,
  type Tensor,
  tensor,
} from "../../../tensor/mod.ts";
import { forEachDevice } from "../../devices.ts";
import { assertBlindToBatchMates, padBatch, utterance } from "../batch_mates.ts";
import { assertClose, distance } from "../close.ts";

const small: ConformerClassifierOptions = { numSpeakers: 3, nMels: 8, dModel: 8, nHead: 2, kernelSize: 5 };

const variants: Record<string, ConformerClassifierOptions> = {
  "relative positions": small,
  "two layers, subsampling, self-attention pooling": {
    ...{ ...small, numLayers: 2, subsampling: "conv", pooling: "self-attention", convExpansion: 4 },
  },
  "full attention with sinusoids, attentive pooling, cosine head": {
    ...{ ...small, attention: "full", positionalEncoding: true, pooling: "attentive", cosineHead: true, scale: 5 },
  },
  "local attention, two-layer head": { ...small, attention: "local", attentionWindow: 3, head: "two-layer" },
  "a learned window": { ...small, attention: "learned-window", attentionWindow: 3 },
  "Linformer": { ...small, attention: "linformer", linformerRank: 7, maxTime: 50 },
};

for (const [name, options] of Object.entries(variants)) {
  forEachDevice(`A Conformer's scores of an utterance depend on nothing else in its batch: ${name}`, async () => {
    const lengths = options.subsampling === "conv" ? [5, 8, 9, 10, 11] : [1, 6, 9]; // 5 is too short for the convolutions
    await assertBlindToBatchMates(new ConformerClassifier(options), { channels: 8, lengths });
  });
}

forEachDevice("A Conformer without all frames of an utterance gives finite scores", async () => {
  for (const options of Object.values(variants)) {
    const { features } = padBatch([await utterance(8, 8), await utterance(8, 8)], { channels: 8, time: 8 });
    const scores = new ConformerClassifier(options).eval().forward(features, tensor(Int32Array.of(0, 8)));
    assert.ok([...await scores.data()].every(Number.isFinite));
  }
});

forEachDevice("A Conformer loaded from another's weights gives its scores, running statistics included", async () => {
  const options = { ...small, numLayers: 2, subsampling: "conv" } as const;
  const [one, two] = [new ConformerClassifier(options), new ConformerClassifier(options)];
  const { features, lengths } = padBatch([await utterance(16, 8), await utterance(11, 8)], { channels: 8, time: 16 });
  scope(() => void one.forward(features, lengths)); // moves the statistics
  const scores = (model: ConformerClassifier) => model.eval().forward(features, lengths);
  assert.ok(await distance(scores(one), scores(two)) > 1e-3);
  two.loadStateDict(await one.stateArrays());
  await assertClose(scores(two), scores(one), 0);
});

forEachDevice("A captured training step of a Conformer follows new lengths and equals a plain one", async () => {
  manualSeed(2);
  const model = new ConformerClassifier({ ...small, dropout: 0, numLayers: 2 });
  const labels = tensor(Int32Array.of(0, 2));
  const run = (features: Tensor, lengths: Tensor) => {
    model.parameters().forEach((p) => p.grad = null);
    const loss = crossEntropy(model.forward(features, lengths), labels);
    loss.backward();
    return [loss, ...model.parameters().map((p) => p.grad!.square().sum())];
  };
  const captured = capture(run);
  const frames = [await utterance(9, 8), await utterance(9, 8)];
  const { features } = padBatch(frames, { channels: 8, time: 9 });
  for (const lengths of [[9, 2], [3, 9], [1, 1]]) {
    const given = tensor(Int32Array.from(lengths));
    const found = captured(features, given); // first, so that the table of positions is made while the step is captured
    const wanted = scope(() => run(features, given));
    for (const [i, t] of found.entries()) await assertClose(t, wanted[i], 1e-3, `value ${i} of lengths ${lengths}`);
  }
  assert.equal(captured.recordings, 1);
  captured.dispose();
});

forEachDevice("Gradient descent through a Conformer, dropout and lengths included, learns six utterances", async () => {
  manualSeed(1);
  const model = new ConformerClassifier({ ...small, pooling: "self-attention" });
  const frames = await Promise.all([5, 8, 3, 8, 7, 4].map((n) => utterance(n, 8)));
  const { features, lengths } = padBatch(frames, { channels: 8, time: 8 });
  const labels = tensor(Int32Array.of(0, 1, 2, 0, 1, 2));
  const losses: number[] = [];
  for (let step = 0; step < 40; step++) {
    const loss = scope(() => {
      const value = crossEntropy(model.forward(features, lengths), labels);
      value.backward();
      noGrad(() => model.parameters().forEach((p) => descend(p, 0.2)));
      return value;
    });
    losses.push(await loss.item());
  }
  assert.ok(losses[39] < 0.4 * losses[0], `the loss went from ${losses[0]} to ${losses[39]}`);
});

/** p ← p − rate · gradient, and the gradient starts anew. */
function descend(p: Tensor, rate: number): void {
  if (p.grad === null) throw new Error("a parameter got no gradient");
  copyInto(p, p.sub(p.grad.mul(rate)));
  p.grad = null;
}
