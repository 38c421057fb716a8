/** wav2vec 2.0 and HuBERT against torchaudio's (fixtures/wav2vec2/make.py), and what their names are. */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { readSafetensors } from "../../../data/files/mod.ts";
import { HubertModel, Wav2Vec2Model } from "../../../nn/mod.ts";
import { manualSeed, type Tensor, tensor } from "../../../tensor/mod.ts";
import { forEachDevice } from "../../devices.ts";

const file = new URL("../../fixtures/wav2vec2/encoders.safetensors", import.meta.url);
const { arrays } = readSafetensors(Deno.readFileSync(file), { name: "encoders.safetensors" });

const sizes = {
  hiddenSize: 6,
  numAttentionHeads: 2,
  intermediateSize: 8,
  convDim: [6, 6],
  convKernel: [10, 3],
  convStride: [5, 2],
  numConvPosEmbeddings: 4,
  numConvPosEmbeddingGroups: 3,
  maskedSpecEmbed: false,
};
const large = { featExtractNorm: "layer", convBias: true, doStableLayerNorm: true } as const;

/** The models of the fixture. */
const models = {
  "wav2vec2-base": () => new Wav2Vec2Model({ ...sizes, numHiddenLayers: 2 }),
  "wav2vec2-large": () => new Wav2Vec2Model({ ...sizes, ...large, numHiddenLayers: 2 }),
  "hubert-no-norm": () => new HubertModel({ ...sizes, ...large, numHiddenLayers: 1, featProjLayerNorm: false }),
};

/** The arrays of a case whose names begin so, without that beginning. */
function part(name: string, prefix: string) {
  const start = `${name}/${prefix}`;
  return Object.fromEntries(
    Object.entries(arrays).flatMap(([key, array]) => key.startsWith(start) ? [[key.slice(start.length), array]] : []),
  );
}

async function assertNear(found: Tensor, wanted: { data: ArrayLike<number>; shape: readonly number[] }, what: string) {
  deepStrictEqual([...found.shape], [...wanted.shape], what);
  const values = await found.data(), most = Array.from(wanted.data).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  values.forEach((value, i) =>
    ok(Math.abs(value - wanted.data[i]) <= 2e-5 * Math.max(most, 1), `${what}[${i}]: ${value}, not ${wanted.data[i]}`)
  );
}

for (const [name, make] of Object.entries(models)) {
  forEachDevice(`${name}: outputs and gradients are torchaudio's`, async () => {
    const model = make().eval(), { x, w, lengths, frames, first, last } = part(name, "");
    model.loadStateDict(part(name, "p."));
    const waves = tensor(x.data, { shape: x.shape, requiresGrad: true });
    const counted = lengths === undefined ? null : tensor(lengths.data, { shape: lengths.shape });
    const { hiddenStates, frameLengths } = model.forward(waves, { lengths: counted });
    strictEqual(hiddenStates.length, model.encoder.layers.length + 1);
    const outcome = hiddenStates[hiddenStates.length - 1];
    await assertNear(outcome, last, "last");
    if (hiddenStates.length > 2) await assertNear(hiddenStates[1], first, "first");
    if (frames !== undefined) deepStrictEqual([...await frameLengths!.data()], [...frames.data]);
    outcome.mul(tensor(w.data, { shape: w.shape })).sum().backward();
    await assertNear(waves.grad!, part(name, "g.").x, "gradient of x");
    const gradients = part(name, "g.");
    for (const [key, parameter] of model.namedParameters()) await assertNear(parameter.grad!, gradients[key], key);
  });
}

forEachDevice("with layer norms padding changes nothing, with the group norm it does", async () => {
  const distance = async (options: Partial<typeof large>) => {
    manualSeed(1);
    const model = new Wav2Vec2Model({ ...sizes, ...options, numHiddenLayers: 1 }).eval();
    const samples = Float32Array.from({ length: 90 }, (_, i) => Math.sin(i * i));
    const padded = new Float32Array(130).map((_, i) => samples[i] ?? 0.5);
    const run = (data: Float32Array, samples: number) => {
      const waves = tensor(data, { shape: [1, data.length] }), lengths = tensor(Int32Array.of(samples));
      return model.forward(waves, { lengths }).hiddenStates[1].data();
    };
    const [alone, together] = [await run(samples, 90), await run(padded, 90)];
    return Math.max(...Array.from(alone, (value, i) => Math.abs(value - together[i])));
  };
  ok(await distance(large) < 1e-5);
  ok(await distance({}) > 1e-4);
});

Deno.test("names are Hugging Face's, in its order", () => {
  const names = (model: Wav2Vec2Model | HubertModel) => Object.keys(model.stateDict());
  const small = { ...sizes, numHiddenLayers: 1, convDim: [6], convKernel: [10], convStride: [5] };
  const layer = [
    ...["k_proj", "v_proj", "q_proj", "out_proj"].map((part) => `attention.${part}`),
    ...["layer_norm", "feed_forward.intermediate_dense", "feed_forward.output_dense", "final_layer_norm"],
  ].flatMap((part) => [`encoder.layers.0.${part}.weight`, `encoder.layers.0.${part}.bias`]);
  const conv = "feature_extractor.conv_layers.0.", projection = "feature_projection.";
  const pos = ["bias", "weight_g", "weight_v"].map((part) => `encoder.pos_conv_embed.conv.${part}`);
  deepStrictEqual(names(new Wav2Vec2Model({ ...small, maskedSpecEmbed: true })), [
    "masked_spec_embed",
    ...[`${conv}conv.weight`, `${conv}layer_norm.weight`, `${conv}layer_norm.bias`],
    ...[`${projection}layer_norm.weight`, `${projection}layer_norm.bias`],
    ...[`${projection}projection.weight`, `${projection}projection.bias`],
    ...pos,
    ...["encoder.layer_norm.weight", "encoder.layer_norm.bias"],
    ...layer,
  ]);
  const plain = names(new HubertModel({ ...small, ...large, featProjLayerNorm: false }));
  ok(!plain.includes(`${projection}layer_norm.weight`) && plain.includes(`${conv}conv.bias`));
  ok(names(new HubertModel(small)).includes(`${projection}layer_norm.weight`));
});

Deno.test("sizes that make no encoder are refused", () => {
  throws(() => new HubertModel({ ...sizes, numAttentionHeads: 4 }), {
    name: "RangeError",
    message: "Cannot make a HuBERT: numAttentionHeads 4 does not divide hiddenSize 6",
  });
  throws(() => new Wav2Vec2Model({ ...sizes, numConvPosEmbeddingGroups: 4 }), {
    message: "Cannot make a wav2vec 2.0: numConvPosEmbeddingGroups 4 does not divide hiddenSize 6",
  });
  throws(() => new Wav2Vec2Model({ ...sizes, convDim: [6] }), {
    message: /of 1 convDim, 2 convKernel and 2 convStride/,
  });
});
