import assert from "node:assert/strict";
import {
  CamPlusPlus,
  CosineHead,
  EcapaTdnn,
  type EcapaTdnnOptions,
  EmbeddingClassifier,
  type SpeakerEncoder,
  SpeakerResNet,
  XVector,
} from "../../../nn/mod.ts";
import { capture, crossEntropy, manualSeed, randn, scope, type Tensor, tensor } from "../../../tensor/mod.ts";
import { forEachDevice as onEveryDevice, onCpu } from "../../devices.ts";
import { assertBlindToBatchMates, padBatch, utterance } from "../batch_mates.ts";
import { assertClose, distance } from "../close.ts";

const small: EcapaTdnnOptions = {
  ...{
    inputSize: 8,
    embeddingDim: 6,
    channels: [8, 8, 8, 8, 24],
    attentionChannels: 4,
    res2netScale: 4,
    seChannels: 4,
  },
};

const tinyResNet = { inputSize: 8, embeddingDim: 6, channels: [2, 3, 4, 5] };

const encoders: Record<string, () => SpeakerEncoder> = {
  "ECAPA-TDNN": () => new EcapaTdnn(small),
  "ECAPA-TDNN without global context, blocks of different widths": () =>
    new EcapaTdnn({ ...small, globalContext: false, channels: [8, 8, 12, 16] }),
  "x-vector": () => new XVector({ inputSize: 8, embeddingDim: 6, channels: [8, 8, 8, 8, 12] }),
  "ECAPA-TDNN as WeSpeaker's": () => new EcapaTdnn({ ...small, variant: "wespeaker", embeddingNorm: true }),
  "ECAPA-TDNN as WeSpeaker's, without global context": () =>
    new EcapaTdnn({ ...small, variant: "wespeaker", globalContext: false }),
  "x-vector as SpeechBrain's": () =>
    new XVector({
      ...{ inputSize: 8, embeddingDim: 6, channels: [8, 8, 12], variant: "speechbrain" },
      ...{ kernelSizes: [5, 3, 1], dilations: [1, 3, 1] },
    }),
  "ResNet with bottlenecks as WeSpeaker's": () =>
    new SpeakerResNet({ ...tinyResNet, variant: "wespeaker", blocks: [1, 1, 2, 1], bottleneck: true }),
  "ResNet18 with two last layers as WeSpeaker's": () =>
    new SpeakerResNet({ ...tinyResNet, variant: "wespeaker", blocks: [2, 2, 2, 2], secondLayer: true }),
  "CAM++": () => new CamPlusPlus({ inputSize: 8, embeddingDim: 6, channels: [2, 6, 4, 6], blocks: [1, 1, 1] }),
  "ResNet34": () => new SpeakerResNet({ inputSize: 8, embeddingDim: 6, channels: [2, 3, 4, 5] }),
};

/** Variants whose parts the others have on webgpu as well: a software adapter takes its time for each. */
const onCpuAlone = new Set([
  "ECAPA-TDNN without global context, blocks of different widths",
  "ECAPA-TDNN as WeSpeaker's, without global context",
  "x-vector as SpeechBrain's",
  "ResNet with bottlenecks as WeSpeaker's",
  "ResNet18 with two last layers as WeSpeaker's",
]);

for (const [name, make] of Object.entries(encoders)) {
  const forEachDevice = onCpuAlone.has(name) ? onCpu : onEveryDevice;
  const trainOnEachDevice = /ResNet34|CAM/.test(name) ? onCpu : forEachDevice; // 36 convolutions take half a minute in software

  forEachDevice(`${name}: scores of an utterance depend on nothing else in its batch`, async (device) => {
    const onGpu = device.type === "webgpu";
    for (const cosineHead of onGpu ? [true] : [true, false]) {
      const model = new EmbeddingClassifier(make(), { classes: 3, cosineHead });
      await assertBlindToBatchMates(model, {
        ...{ channels: 8, tolerance: 2e-4, lengths: onGpu ? [1, 9] : [1, 2, 6, 9, 16] },
      });
    }
  });

  forEachDevice(`${name}: gradients reach every weight and the input`, async () => {
    const encoder = make();
    const x = randn([3, 12, 8]).requireGrad();
    encoder.forward(x).mul(randn([3, 6])).sum().backward();
    for (const [weight, { grad }] of encoder.namedParameters()) {
      assert.ok(grad !== null, `${weight} has no gradient`);
      const values = await grad.data();
      assert.ok(values.every(Number.isFinite), `${weight} has a gradient that is no number`);
      // by the softmax behind it, or by the normalisation of the embedding
      const isCancelled = weight === "asp.conv.conv.bias" ||
        name.endsWith("as WeSpeaker's") && ["asp_bn.norm.bias", "fc.conv.bias"].includes(weight);
      assert.ok(isCancelled || values.some((g) => Math.abs(g) > 1e-6), `the gradient of ${weight} is 0`);
    }
    assert.ok((await x.grad!.data()).some((g) => Math.abs(g) > 1e-6));
  });

  trainOnEachDevice(`${name}: padding changes neither statistics nor gradients in training`, async () => {
    const results = [[0, 0], [-20, 5]].map(([value, extra]) => {
      manualSeed(3);
      const encoder = make();
      const rows = [randn([1, 11, 8]), randn([1, 6, 8]).pad([0, 0, 0, 5], { value })];
      const x = rows[0].pad([0, 0, 0, 0, 0, 1]).add(rows[1].pad([0, 0, 0, 0, 1, 0])).pad([0, 0, 0, extra], { value });
      const y = encoder.forward(x, tensor(Int32Array.of(11, 6)));
      y.mul(randn([2, 6])).sum().backward();
      return [
        ["embedding", y] as const,
        ...encoder.namedBuffers(),
        ...encoder.namedParameters().map(([n, p]) => [n, p.grad!] as const),
      ];
    });
    for (const [i, [what, t]] of results[0].entries()) {
      const scale = Math.max(1, ...(await t.data()).map(Math.abs));
      await assertClose(results[1][i][1].div(scale), t.div(scale), 2e-3, what);
    }
  });

  forEachDevice(`${name}: utterances of one frame and of none give finite embeddings and gradients`, async () => {
    const encoder = make().eval();
    const x = randn([2, 1, 8]).requireGrad();
    const one = encoder.forward(x);
    one.sum().backward();
    const none = encoder.forward(randn([2, 4, 8]), tensor(Int32Array.of(0, 4)));
    for (const t of [one, x.grad!, none]) assert.ok([...await t.data()].every(Number.isFinite));
  });

  trainOnEachDevice(`${name}: a captured training step follows new lengths and equals a plain one`, async () => {
    const model = new EmbeddingClassifier(make(), { classes: 3, dropout: 0 });
    const labels = tensor(Int32Array.of(0, 2));
    const run = (features: Tensor, lengths: Tensor) => {
      model.parameters().forEach((p) => p.grad = null);
      const loss = crossEntropy(model.forward(features, lengths), labels);
      loss.backward();
      return [loss, ...model.parameters().map((p) => p.grad!.square().sum())];
    };
    const captured = capture(run);
    const { features } = padBatch([await utterance(9, 8), await utterance(9, 8)], { channels: 8, time: 9 });
    for (const lengths of [[9, 5], [7, 9]]) {
      const given = tensor(Int32Array.from(lengths));
      const found = captured(features, given);
      const wanted = scope(() => run(features, given));
      for (const [i, t] of found.entries()) {
        const size = Math.max(1, await wanted[i].item());
        await assertClose(t.div(size), wanted[i].div(size), 2e-3, `value ${i} of lengths ${lengths}`);
      }
    }
    assert.equal(captured.recordings, 1);
    captured.dispose();
  });
}

onEveryDevice("ECAPA-TDNN: as many frames leave the aggregation as came in", () => {
  for (const time of [1, 2, 5, 31]) {
    assert.deepEqual(new EcapaTdnn(small).eval().frames(randn([2, time, 8])).shape, [2, 24, time]);
  }
});

onEveryDevice("ECAPA-TDNN: only with convolvePadding does padding show, as in SpeechBrain", async () => {
  const padded = async (convolvePadding: boolean) => {
    const encoder = new EcapaTdnn({ ...small, convolvePadding }).eval();
    const x = randn([1, 9, 8]);
    const lengths = tensor(Int32Array.of(9));
    return await distance(encoder.forward(x.pad([0, 0, 0, 4]), lengths), encoder.forward(x, lengths));
  };
  assert.ok(await padded(false) < 1e-4);
  assert.ok(await padded(true) > 1e-4);
});

Deno.test("ECAPA-TDNN has the paper's 6.2 million weights, 14.7 million with 1024 channels; the others theirs", () => {
  const millions = (encoder: SpeakerEncoder) => (encoder.numParameters / 1e6).toFixed(1);
  assert.equal(millions(new EcapaTdnn()), "6.2");
  assert.equal(millions(new EcapaTdnn({ channels: [1024, 1024, 1024, 1024, 1536] })), "14.7");
  assert.equal(millions(new SpeakerResNet()), "6.6");
  assert.equal(millions(new XVector()), "4.4");
});

Deno.test("encoders refuse sizes that make no network", () => {
  const refuses = (make: () => SpeakerEncoder, message: string | RegExp) =>
    assert.throws(make, { name: "RangeError", message });
  refuses(
    () => new EcapaTdnn({ channels: [8, 8] }),
    "Cannot make an EcapaTdnn of channels [8, 8]: expected at least 3, those of the first layer, of the blocks and of the last layer",
  );
  refuses(
    () => new EcapaTdnn({ kernelSizes: [5, 3] }),
    "Cannot make an EcapaTdnn of 5 channels and 2 kernelSizes: expected as many",
  );
  refuses(
    () => new EcapaTdnn({ channels: [8, 12, 24] }),
    "Cannot part 12 channels by a scale of 8: expected a divisor of at least 2",
  );
  refuses(
    () => new XVector({ channels: [8] }),
    "Cannot make an XVector of channels [8] and kernelSizes [5, 3, 3, 1, 1]: expected one of each for each layer",
  );
  refuses(
    () => new SpeakerResNet({ channels: [8] }),
    "Cannot make a SpeakerResNet of channels [8]: expected 4, one for each stage",
  );
});

onEveryDevice("a classifier's embedding is its encoder's, of which training drops some", async () => {
  const model = new EmbeddingClassifier(new EcapaTdnn(small), { classes: 3, dropout: 0.5 });
  const x = randn([4, 12, 8]);
  const zeros = async () => [...await model.embed(x).data()].filter((v) => v === 0).length;
  assert.ok(await zeros() > 0);
  model.eval();
  assert.equal(await zeros(), 0);
  await assertClose(model.embed(x), model.encoder.forward(x), 0);
  assert.ok(model.head instanceof CosineHead && model.head.scale === 30);
  assert.ok(
    !(new EmbeddingClassifier(new EcapaTdnn(small), { classes: 3, cosineHead: false }).head instanceof CosineHead),
  );
});
