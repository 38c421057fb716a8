/** What encoders of speech do in training only: random spans and skipped layers. */
import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { maskedSpans, Wav2Vec2Model, type WavLMConfig, wavlmConfig, WavLMModel } from "../../../nn/mod.ts";
import { randomSpans } from "../../../nn/models/speech_encoder/random_masks.ts";
import { capture, manualSeed, type Tensor, tensor } from "../../../tensor/mod.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn } from "../../gradcheck.ts";

const rowsOf = async (mask: Tensor) => {
  const all = [...await mask.data()], [, size] = mask.shape;
  return Array.from({ length: mask.shape[0] }, (_, b) => all.slice(b * size, (b + 1) * size));
};
const sum = (row: readonly number[]) => row.reduce((a, b) => a + b, 0);

forEachDevice(
  "spans are as many as Hugging Face's, start anywhere without repetition, and end before padding",
  async () => {
    manualSeed(1);
    const rule = { maskProb: 0.25, maskLength: 1, minMasks: 1 }, lengths = [10, 10, 7, 2, 1, 0];
    const starts = new Array<number>(10).fill(0), counts = new Map<number, number>();
    for (let k = 0; k < 60; k++) {
      const mask = randomSpans({ batch: 6, size: 10, lengths: tensor(Int32Array.from(lengths)), ...rule });
      const rows = await rowsOf(mask!), found = rows.map(sum); // spans of one place: as many places as spans
      rows.forEach((row, b) => strictEqual(sum(row.slice(lengths[b])), 0, "none in padding"));
      const allowed = [0, 0.999].map((epsilon) =>
        lengths.map((n) => maskedSpans(n, { ...rule, sequenceLength: 10, epsilon }))
      );
      found.forEach((n, b) => ok(n === allowed[0][b] || n === allowed[1][b], `${n} of ${lengths[b]}`));
      strictEqual(found[0], found[1], "one draw for the batch");
      counts.set(found[0], (counts.get(found[0]) ?? 0) + 1);
      rows[0].forEach((one, i) => starts[i] += one);
    }
    ok(counts.get(2)! > 15 && counts.get(3)! > 15, "2.5 is rounded up and down");
    ok(Math.min(...starts) > 2, `${starts}`);
  },
);

forEachDevice("a span is maskLength wide, rows differ, and a captured step draws anew", async () => {
  manualSeed(2);
  const rule = { batch: 4, size: 60, lengths: null, maskProb: 0.05, maskLength: 10, minMasks: 2 };
  const draw = capture(() => randomSpans(rule)!);
  const first = await rowsOf(draw()), second = await rowsOf(draw());
  for (const row of [...first, ...second]) {
    ok(sum(row) > 10 && sum(row) <= 20, `${sum(row)}`);
    const widths = row.join("").split("0").filter((run) => run !== "").map((run) => run.length);
    ok(widths.every((width) => width >= 10), `${widths}`);
  }
  notDeepStrictEqual(first, second);
  notDeepStrictEqual(first[0], first[1]);
  draw.dispose();
  strictEqual(randomSpans({ ...rule, size: 9 }), null, "nothing is as short as a span");
});

const narrow: Partial<WavLMConfig> = {
  ...{
    hiddenSize: 8,
    numHiddenLayers: 3,
    numAttentionHeads: 2,
    intermediateSize: 8,
    convDim: [4, 4],
    convKernel: [10, 8],
  },
  ...{
    convStride: [5, 8],
    numConvPosEmbeddings: 4,
    numConvPosEmbeddingGroups: 2,
    hiddenDropout: 0,
    attentionDropout: 0,
  },
  ...{ activationDropout: 0, layerdrop: 0, applySpecAugment: false },
};

forEachDevice(
  "layerdrop skips layers but the first: the hidden state is repeated, and the layer has no gradient",
  async () => {
    manualSeed(3);
    const model = new WavLMModel({ ...narrow, layerdrop: 0.5 }), x = drawn(1, [1, 1200]);
    const skipped = [0, 0, 0];
    for (let k = 0; k < 24; k++) {
      const { hiddenStates } = model.forward(x);
      hiddenStates[3].square().sum().backward();
      const states = await Promise.all(hiddenStates.map((state) => state.data()));
      for (const [i, layer] of [...model.encoder.layers].entries()) {
        const isSkipped = states[i].every((value, j) => value === states[i + 1][j]);
        const gradient = await layer.feed_forward.output_dense.weight.grad!.data();
        strictEqual(gradient.every((value) => value === 0), isSkipped);
        if (isSkipped) skipped[i]++;
      }
      for (const parameter of model.parameters()) parameter.grad = null;
    }
    ok(skipped[0] === 0 && skipped[1] > 3 && skipped[1] < 21 && skipped[2] > 3 && skipped[2] < 21, `${skipped}`);
    const [a, b] = [model.eval().forward(x), model.forward(x)].map(({ hiddenStates }) => hiddenStates[3]);
    deepStrictEqual(await a.data(), await b.data());
  },
);

forEachDevice("masked frames become the learned one and masked channels 0, in training and if asked for", async () => {
  manualSeed(4);
  const x = drawn(1, [2, 1200]);
  const last = async (model: WavLMModel) => [...await model.forward(x).hiddenStates[3].data()];
  for (
    const kind of [{ maskTimeProb: 0.5, maskTimeLength: 3 }, {
      maskTimeProb: 0,
      maskFeatureProb: 0.5,
      maskFeatureLength: 2,
    }]
  ) {
    const model = new WavLMModel({ ...narrow, applySpecAugment: true, ...kind });
    notDeepStrictEqual(await last(model), await last(model), JSON.stringify(kind));
    model.forward(x).hiddenStates[3].square().sum().backward();
    strictEqual(model.masked_spec_embed!.grad !== null, kind.maskTimeProb > 0);
    model.eval();
    deepStrictEqual(await last(model), await last(model));
    const off = new WavLMModel({ ...narrow, ...kind });
    deepStrictEqual(await last(off), await last(off), "not without applySpecAugment");
    const bare = new WavLMModel({ ...narrow, ...kind, applySpecAugment: true, maskedSpecEmbed: false });
    if (kind.maskTimeProb > 0) deepStrictEqual(await last(bare), await last(bare), "nothing to put there");
  }
});

Deno.test("shares of masks and skipped layers lie between 0 and 1", () => {
  throws(() => wavlmConfig({ layerdrop: 1.5 }), /layerdrop is 1.5, expected a number from 0 to 1/);
  throws(() => wavlmConfig({ maskTimeProb: NaN }), /maskTimeProb is NaN/);
  throws(() => wavlmConfig({ maskFeatureLength: 0 }), /maskFeatureLength is 0, expected whole numbers of at least 1/);
});

forEachDevice("wav2vec 2.0, whose first layer makes no bias for the others, may skip that one as well", async () => {
  manualSeed(5);
  const model = new Wav2Vec2Model({ ...narrow, layerdrop: 0.5 }), x = drawn(1, [1, 1200]);
  let skipped = 0;
  for (let k = 0; k < 16; k++) {
    const [before, after] = await Promise.all(model.forward(x).hiddenStates.slice(0, 2).map((state) => state.data()));
    if (before.every((value, j) => value === after[j])) skipped++;
  }
  ok(skipped > 1 && skipped < 15, `${skipped}`);
});
