import assert from "node:assert/strict";
import { type HeadName, type PoolingName, SpeakerClassifier, type SpeakerClassifierOptions } from "../../../nn/mod.ts";
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
import { assertBlindToBatchMates, padBatch, utterance as drawUtterance } from "../batch_mates.ts";
import { assertClose, distance } from "../close.ts";

const small: SpeakerClassifierOptions = { numSpeakers: 3, nMels: 4, dModel: 8, dimFeedforward: 16 };

const batch = (utterances: readonly Float32Array[], time: number) => padBatch(utterances, { channels: 4, time });
const utterance = (length: number) => drawUtterance(length, 4);

const variants: SpeakerClassifierOptions[] = [
  ...(["mean", "self-attention", "attentive", "statistics", "attentive-statistics"] as const).map(
    (pooling: PoolingName) => ({ ...small, pooling }),
  ),
  ...(["relative", "local", "learned-window", "linformer"] as const).map((attention) => ({
    ...{ ...small, attention, attentionWindow: 3, linformerRank: 7, maxTime: 50 },
  })),
  { ...small, positionalEncoding: true, normFirst: true, activation: "gelu", numLayers: 2, head: "2023" },
];

for (const options of variants) {
  const { pooling = "mean", head = "two-layer", attention = "full" } = options;
  const name = `pooling ${pooling}, head ${head}, attention ${attention}`;
  forEachDevice(`An utterance's scores depend on nothing else in its batch: ${name}`, async () => {
    await assertBlindToBatchMates(new SpeakerClassifier(options), { channels: 4 });
  });
}

forEachDevice("A batch with an utterance that has no frames at all has finite scores and gradients", async () => {
  for (const options of variants) {
    const { features } = batch([await utterance(6), await utterance(6)], 6);
    const model = new SpeakerClassifier(options);
    const scores = model.forward(features, tensor(Int32Array.of(0, 6)));
    assert.ok([...await scores.data()].every(Number.isFinite), JSON.stringify(options));
    crossEntropy(scores, tensor(Int32Array.of(1, 2))).backward();
    for (const [name, { grad }] of model.namedParameters()) {
      assert.ok([...await grad!.data()].every(Number.isFinite), `${name} of ${JSON.stringify(options)}`);
    }
  }
});

Deno.test("The homework's simple and medium models have its sizes", () => {
  const simple = new SpeakerClassifier({ numSpeakers: 600 });
  const layer = (d: number, ff: number) => 3 * d * d + 3 * d + d * d + d + 2 * d * ff + ff + d + 4 * d;
  assert.equal(simple.numParameters, 41 * 80 + layer(80, 256) + 81 * 80 + 81 * 600);
  const medium = new SpeakerClassifier({ numSpeakers: 600, dModel: 160, nHead: 8, numLayers: 2, head: "linear" });
  assert.equal(medium.numParameters, 41 * 160 + 2 * layer(160, 256) + 161 * 600);
});

Deno.test("Heads have the homework's layers", () => {
  const names = (head: HeadName) =>
    new SpeakerClassifier({ ...small, head }).namedParameters().filter(([name]) => name.startsWith("head."))
      .map(([name, { shape }]) => `${name} ${shape}`);
  assert.deepEqual(names("linear"), ["head.weight 3,8", "head.bias 3"]);
  assert.deepEqual(names("two-layer"), ["head.0.weight 8,8", "head.0.bias 8", "head.2.weight 3,8", "head.2.bias 3"]);
  assert.deepEqual(names("2023"), [
    ...["head.0.weight 1024,8", "head.0.bias 1024"],
    ...["head.3.weight 3,1024", "head.3.bias 3"],
  ]);
});

forEachDevice("A captured forward pass follows new lengths", async () => {
  const model = new SpeakerClassifier({ ...small, positionalEncoding: true, pooling: "attentive" }).eval();
  const captured = capture((features: Tensor, lengths: Tensor) => model.forward(features, lengths));
  const frames = [await utterance(7), await utterance(7)];
  for (const lengths of [[7, 2], [3, 7], [1, 1]]) {
    const { features } = batch(frames, 7);
    const given = tensor(Int32Array.from(lengths));
    await assertClose(captured(features, given), model.forward(features, given), 1e-5, `scores of lengths ${lengths}`);
  }
  assert.equal(captured.recordings, 1);
  captured.dispose();
});

forEachDevice("A model loaded from another's weights gives its scores", async () => {
  const options = { ...small, pooling: "attentive", numLayers: 2 } as const;
  const [one, two] = [new SpeakerClassifier(options).eval(), new SpeakerClassifier(options).eval()];
  const { features } = batch([await utterance(5)], 5);
  assert.ok(await distance(one.forward(features), two.forward(features)) > 1e-3);
  two.loadStateDict(await one.stateArrays());
  await assertClose(two.forward(features), one.forward(features), 0);
});

forEachDevice(
  "Gradient descent through the whole classifier, dropout and lengths included, learns six utterances",
  async () => {
    manualSeed(1);
    const model = new SpeakerClassifier({ ...small, pooling: "self-attention" });
    const { features, lengths } = batch(await Promise.all([5, 8, 3, 8, 7, 4].map((n) => utterance(n))), 8);
    const labels = tensor(Int32Array.of(0, 1, 2, 0, 1, 2));
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const loss = scope(() => {
        const value = crossEntropy(model.forward(features, lengths), labels);
        value.backward();
        noGrad(() => model.parameters().forEach((p) => descend(p, 0.3)));
        return value;
      });
      losses.push(await loss.item());
    }
    assert.ok(losses[59] < 0.5 * losses[0], `the loss went from ${losses[0]} to ${losses[59]}`);
  },
);

/** p ← p − rate · gradient, and the gradient starts anew. */
function descend(p: Tensor, rate: number): void {
  if (p.grad === null) throw new Error("a parameter got no gradient");
  copyInto(p, p.sub(p.grad.mul(rate)));
  p.grad = null;
}
