import assert from "node:assert/strict";
import {
  AlexNet,
  type Classifier,
  CosineHead,
  Dropout,
  Module,
  ResNet,
  type ResNetDepth,
  ResNetish,
  SoundCnn,
  SoundSmall,
  VGGish,
} from "../../../nn/mod.ts";
import { copyInto, crossEntropy, randn, scope, tensor } from "../../../tensor/mod.ts";
import { forEachDevice } from "../../devices.ts";
import { readGoldens } from "../../goldens.ts";
import { assertClose, distance } from "../close.ts";

const BANDS = 24, TIME = 32;
const classes = 4;

/** Names with shapes as text, buffers included. */
function state(model: Module): string[] {
  return Object.entries(model.stateDict()).map(([name, { shape }]) => `${name} ${shape}`);
}

function free(model: Module): void {
  for (const t of Object.values(model.stateDict())) t.dispose();
}

/** Weight and bias of numbered layers. */
function pairs(prefix: string, shapes: Readonly<Record<number, string>>): string[] {
  return Object.entries(shapes).flatMap(([at, shape]) => [
    `${prefix}.${at}.weight ${shape}`,
    `${prefix}.${at}.bias ${shape.split(",")[0]}`,
  ]);
}

/** What a BatchNorm has beside weight and bias. */
function statistics(name: string, channels: number): string[] {
  return [`${name}.running_mean ${channels}`, `${name}.running_var ${channels}`, `${name}.num_batches_tracked `];
}

/** The golden's names of torchvision's ResNet, as {@linkcode state} gives them. */
function torchvision(depth: 18 | 34): Map<string, string> {
  const golden = readGoldens(new URL("../../goldens", import.meta.url).pathname, "layers")
    .find(({ op }) => op === `ResNet${depth}`);
  const shapes = golden?.args.shapes as Record<string, number[]>;
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, String(shape)]));
}

const small: [string, () => Classifier][] = [
  ["SoundCnn", () => new SoundCnn({ classes })],
  ["SoundSmall", () => new SoundSmall({ bands: BANDS, classes })],
  ["ResNetish 18", () => new ResNetish({ classes })],
];

for (const [name, make] of small) {
  forEachDevice(`${name}: a clip's scores depend on nothing else in its batch`, async () => {
    const model = make().eval();
    const ours = randn([1, TIME, BANDS]);
    const alone = model.forward(ours);
    assert.deepEqual(alone.shape, [1, classes]);
    for (const loudness of [1, 30]) {
      const mates = randn([2, TIME, BANDS], { std: loudness });
      const together = model.forward(tensor(await joined(ours, mates), { shape: [3, TIME, BANDS] }));
      await assertClose(together.slice(0, 0, 1), alone, 2e-5, "scores beside others");
    }
    const embedding = model.embed(ours);
    await assertClose(model.head.forward(embedding), alone, 1e-5, "the head's scores of the embedding");
    free(model);
  });
}

/** Fails unless a step against its gradient lowers a model's loss, and every weight has a gradient. */
async function assertLearns(model: Classifier): Promise<void> {
  for (const [, module] of model.namedModules()) if (module instanceof Dropout) module.eval();
  const x = randn([4, TIME, BANDS]), labels = tensor(Int32Array.of(0, 1, 2, 3));
  const loss = () => crossEntropy(model.forward(x), labels);
  const before = loss();
  before.backward();
  for (const [weight, { grad }] of model.namedParameters()) {
    assert.ok(grad !== null && Number.isFinite(await grad.abs().sum().item()), weight);
    assert.ok(await grad.abs().amax().item() > 0, `${weight} gets no gradient`);
  }
  scope(() => model.parameters().forEach((p) => copyInto(p, p.detach().sub(p.grad!.mul(1e-3)))));
  assert.ok(await loss().item() < await before.item());
  free(model);
}

// The large ones on cpu alone: their parts have gradients tested on every device, and software adapters are slow.
for (const [name, make] of small) {
  const learns = () => assertLearns(make());
  const title = `${name}: the loss reaches every weight, and a step against its gradient lowers it`;
  if (name === "SoundSmall") forEachDevice(title, learns);
  else Deno.test(title, learns);
}

async function joined(...parts: { data(): Promise<ArrayLike<number>> }[]): Promise<Float32Array> {
  const values = await Promise.all(parts.map((part) => part.data()));
  return Float32Array.from(values.flatMap((array) => Array.from(array)));
}

Deno.test("SoundCnn: upstream's names, and its 2 million weights; 16 bands and frames are enough", () => {
  const model = new SoundCnn({ classes });
  assert.deepEqual(model.embed(randn([1, 16, 16])).shape, [1, 128]);
  assert.throws(() => model.embed(randn([1, 15, 16])), RangeError);
  assert.equal(model.numParameters, 2_485_636);
  assert.deepEqual(state(model), [
    ...["conv1.weight 32,1,3,3", "conv1.bias 32", "conv2.weight 64,32,3,3", "conv2.bias 64"],
    ...["conv3.weight 128,64,3,3", "conv3.bias 128", "conv4.weight 256,128,3,3", "conv4.bias 256"],
    ...["fc1.weight 128,16384", "fc1.bias 128", "fc2.weight 4,128", "fc2.bias 4"],
  ]);
});

Deno.test("ResNetish: torchvision's names, upstream's sizes", () => {
  const wanted = torchvision(18).set("conv1.weight", "64,1,7,7").set("fc.weight", "4,12288").set("fc.bias", "4");
  const model = new ResNetish({ classes });
  assert.deepEqual(state(model), [...wanted].map(([name, shape]) => `${name} ${shape}`));
  const weights: [ResNetDepth, number][] = [[18, 11_219_396], [34, 21_327_556], [50, 23_698_372]];
  for (const [depth, count] of weights) {
    const model = new ResNetish({ classes, depth });
    assert.equal(model.numParameters, count);
    free(model);
  }
  assert.throws(() => new ResNetish({ classes, depth: 19 as 18 }), {
    name: "RangeError",
    message: "Cannot make a residual network of 19 layers: known are 18, 34, 50, 101, 152",
  });
});

Deno.test("Widths: every layer follows, and torchvision's deeper networks have their numbers of weights", () => {
  const narrow = new ResNet({ classes: 3, width: 4, inChannels: 1, depth: 50 }).eval();
  assert.deepEqual(narrow.conv1.weight.shape, [4, 1, 7, 7]);
  assert.deepEqual(narrow.embed(randn([1, 32, 32])).shape, [1, 128]);
  assert.deepEqual(state(narrow).filter((name) => name.startsWith("fc")), ["fc.weight 3,128", "fc.bias 3"]);
  for (const [depth, count] of [[50, 25_557_032], [101, 44_549_160]] as const) { // of torchvision's documentation
    const model = new ResNet({ classes: 1000, depth });
    assert.equal(model.numParameters, count);
    free(model);
  }
  const cnn = new SoundCnn({ classes: 3, channels: [2, 3, 4, 5], embeddingDim: 6 });
  assert.deepEqual(cnn.embed(randn([1, 16, 16])).shape, [1, 6]);
  assert.deepEqual(cnn.fc1.weight.shape, [6, 320]);
  assert.throws(() => new SoundCnn({ classes: 3, channels: [2, 3] }), {
    name: "RangeError",
    message: "Cannot make a SoundCnn of channels [2,3]: expected 4, one for each convolution",
  });
});

Deno.test("ResNet: a spectrogram is given as every channel, pictures have their own", async () => {
  const model = new ResNet({ classes: 3 }).eval();
  const x = randn([2, 40, BANDS]), picture = x.transpose(1, 2).unsqueeze(1).expand([2, 3, BANDS, 40]);
  assert.deepEqual(model.embed(x).shape, [2, 512]);
  await assertClose(model.embed(x), model.embedImage(picture), 1e-6, "embedding");
  assert.deepEqual(model.forward(x).shape, [2, 3]);
  free(model);
});

Deno.test("VGGish: upstream's names and its 72 million weights", () => {
  const model = new VGGish({ classes }).eval();
  assert.equal(model.numParameters, 72_141_700);
  assert.deepEqual(state(model), [
    ...pairs("features", { 0: "64,1,3,3", 3: "128,64,3,3", 6: "256,128,3,3", 8: "256,256,3,3" }),
    ...pairs("features", { 11: "512,256,3,3", 13: "512,512,3,3" }),
    ...pairs("embeddings", { 0: "4096,12288", 2: "4096,4096", 4: "128,4096" }),
    ...["head.weight 4,128", "head.bias 4"],
  ]);
  assert.deepEqual(model.embed(randn([1, 16, 16])).shape, [1, 128]);
  free(model);
});

Deno.test("AlexNet: upstream's names and its 44 million weights", async () => {
  const model = new AlexNet({ classes }).eval();
  assert.equal(model.numParameters, 44_424_132);
  const convolutions = { 0: "64,1,11,11", 4: "192,64,5,5", 8: "384,192,3,3", 11: "256,384,3,3", 14: "256,256,3,3" };
  assert.deepEqual(state(model), [
    ...Object.entries(convolutions).flatMap(([at, shape]) => {
      const channels = Number(shape.split(",")[0]), norm = `features.${Number(at) + 1}`;
      return [
        ...pairs("features", { [at]: shape }),
        ...[`${norm}.weight ${channels}`, `${norm}.bias ${channels}`],
        ...statistics(norm, channels),
      ];
    }),
    ...pairs("classifier", { 1: "4096,6144", 4: "4096,4096", 6: "4,4096" }),
  ]);
  const x = randn([2, 70, 64]), alone = model.forward(x.slice(0, 0, 1));
  await assertClose(model.forward(x).slice(0, 0, 1), alone, 2e-5, "scores beside another clip");
  free(model);
});

Deno.test("SoundSmall has less than half a million weights", () => {
  const { numParameters } = new SoundSmall({ bands: 64, classes: 10 });
  assert.ok(numParameters < 500_000, `${numParameters}`);
});

Deno.test("Classifiers of sounds take other heads, cosines for a margin among them", async () => {
  const options = { classes, cosineHead: true, scale: 7 } as const;
  for (const model of [new SoundCnn(options), new ResNetish(options), new SoundSmall({ ...options, bands: BANDS })]) {
    model.eval();
    const head: Module = model.head;
    assert.ok(head instanceof CosineHead);
    const x = randn([2, TIME, BANDS]), cosine = head.cosine(model.embed(x));
    await assertClose(model.forward(x), cosine.mul(7), 1e-5, "scaled cosines");
    free(model);
  }
  const model = new SoundSmall({ classes, bands: BANDS, head: "two-layer" });
  assert.ok(state(model).some((name) => name.startsWith("head.2.weight 4,")));
});

forEachDevice("SoundSmall: clips differ in scores, and the place of a sound in its clip matters little", async () => {
  const model = new SoundSmall({ bands: BANDS, classes }).eval();
  const x = randn([1, TIME, BANDS]),
    moved = tensor(await joined(x.slice(1, 16, TIME), x.slice(1, 0, 16)), {
      shape: [1, TIME, BANDS],
    });
  const apart = await distance(model.forward(x), model.forward(randn([1, TIME, BANDS], { std: 5 })));
  assert.ok(await distance(model.forward(x), model.forward(moved)) < apart / 2);
});
