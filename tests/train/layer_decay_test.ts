/** Learning rates that fall from layer to layer. */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { Linear, type Module, Parameter, ReLU, Sequential } from "../../nn/mod.ts";
import { capture, manualSeed, randn, type Tensor } from "../../tensor/mod.ts";
import { freezeWeights } from "../../train/freeze.ts";
import { depthsOf, layerGroups } from "../../train/layer_decay.ts";
import { describeModel } from "../../train/model_facts.ts";
import { modelKinds } from "../../train/models/mod.ts";
import { optimizerOf } from "../../train/optimizer_of.ts";
import type { ModelName, TrainConfig } from "../../train/train_config.ts";
import { trainFields } from "../../train/train_fields.ts";
import { forEachDevice } from "../devices.ts";
import { runSmall, smallConfig, withData } from "./small_run.ts";

/** Every kind of model, small, and for each layer from the lowest to the highest the beginning of a name in it; the head's last. */
const kinds: readonly (readonly [Partial<TrainConfig> & { model: ModelName }, layers: readonly string[]])[] = [
  [{ model: "transformer", numLayers: 2 }, ["prenet.", "encoder.layers.0.", "encoder.layers.1.", "head."]],
  [
    { model: "conformer", numLayers: 2, subsampling: "conv", pooling: "self-attention", convKernel: 5 },
    ["prenet.", "encoder.conformer_layers.0.", "encoder.conformer_layers.1.", "pooling.", "head."],
  ],
  [
    {
      ...{ model: "ecapa", channels: [8, 8, 8, 24], embeddingDim: 8, attentionChannels: 4, res2netScale: 4 },
      seChannels: 4,
    },
    ["encoder.blocks.0.", "encoder.blocks.1.", "encoder.blocks.2.", "encoder.fc.", "head."],
  ],
  [
    { model: "xvector", channels: [8, 8, 8, 8, 12], embeddingDim: 8 },
    [...[0, 1, 2, 3, 4].map((i) => `encoder.blocks.${i}.`), "encoder.fc.", "head."],
  ],
  [
    { model: "resnet34-speaker", channels: [4, 6, 8, 12] },
    ["encoder.conv1.", ...[1, 2, 3, 4].map((i) => `encoder.layer${i}.`), "encoder.fc.", "head."],
  ],
  [
    { model: "campplus", channels: [2, 8, 2, 4] },
    ["encoder.head.", ...["tdnn", "block2", "block3"].map((part) => `encoder.xvector.${part}.`), "head."],
  ],
  [{ model: "sound-small" }, ["bn0.", "blocks.0.", "blocks.1.", "blocks.2.", "head."]],
  [{ model: "sound-cnn" }, ["conv1.", "conv2.", "conv3.", "conv4.", "fc1.", "fc2."]],
  [{ model: "resnet18", modelOptions: '{"width":4}' }, [
    "conv1.",
    "layer1.",
    "layer2.",
    "layer3.",
    "layer4.",
    "fc.",
  ]],
  [{ model: "resnetish18" }, ["bn1.", "layer1.", "layer2.", "layer3.", "layer4.", "fc."]],
  ...(["wavlm", "wavlm-encoder", "wav2vec2-encoder", "hubert-encoder"] as const).map((model) => {
    const name = model === "wavlm" ? "wavlm" : "encoder";
    const layers = ["feature_extractor.", "feature_projection.", "encoder.layers.0.", "encoder.layers.1."];
    const config: Partial<TrainConfig> & { model: ModelName } = {
      ...{
        model,
        numLayers: 2,
        dModel: 32,
        embeddingDim: 8,
        modelOptions: JSON.stringify({ convDim: Array(7).fill(8) }),
      },
      ...model === "wavlm" && { channels: [8, 8, 8, 8, 8] },
    };
    const head = model === "wavlm" ? "objective." : "head.";
    return [config, [...layers.map((part) => `${name}.${part}`), head]] as const;
  }),
];

function build(changes: Partial<TrainConfig> & { model: ModelName }) {
  const config = smallConfig(changes);
  const { options } = describeModel(config, /^(wavlm|wav2vec2|hubert)/.test(config.model) ? 1 : 16, ["a", "b", "c"]);
  const kind = modelKinds[config.model];
  return { model: kind.build(options), layers: kind.layersOf(options) };
}

Deno.test("every kind of model names its layers from the lowest to the highest, and the head lies above them (cpu)", () => {
  for (const [config, wanted] of kinds) {
    const { model, layers } = build(config);
    const depths = depthsOf(model, layers);
    const named = Object.entries(model.stateDict()).filter((entry): entry is [string, Parameter] =>
      entry[1] instanceof Parameter
    );
    const depthOf = (beginning: string) => {
      const found = new Set(named.filter(([name]) => name.startsWith(beginning)).map(([, p]) => depths.get(p) ?? 0));
      strictEqual(found.size, 1, `${config.model}: ${beginning} has depths ${[...found]}`);
      return [...found][0];
    };
    const found = wanted.map(depthOf), top = config.model === "conformer" ? wanted.length - 2 : wanted.length - 1;
    deepStrictEqual(found, wanted.map((_, i) => Math.max(0, top - i)), config.model);
    strictEqual(new Set(depths.values()).size, top, `${config.model} has ${top} layers below its head`);
  }
});

/** Three layers and a head. */
const deep = () => new Sequential(new Linear(3, 4), new ReLU(), new Linear(4, 4), new ReLU(), new Linear(4, 2));
const layers = ["#"];
/** Its last layer as the head. */
const below = ["0", "2"];

const scalesOf = (model: Module, decay: number, list = below) =>
  layerGroups(model, { layers: list, decay }).map(({ lrScale, parameters }) => [lrScale, [...parameters].length]);

Deno.test("the rate is decay to the power of the depth, as BEiT and timm have it: the head 1, the highest layer decay", () => {
  deepStrictEqual(scalesOf(deep(), 0.5), [[1, 2], [0.5, 2], [0.25, 2]]);
  deepStrictEqual(scalesOf(deep(), 0.5, layers), [[0.5, 2], [0.25, 2], [0.125, 2]], "each number is a layer");
  deepStrictEqual(scalesOf(deep(), 1), [[undefined, 6]], "one group where all have one rate");
});

Deno.test("frozen layers are in no group and count all the same", () => {
  const model = deep();
  freezeWeights(model, ["2.*", "0.bias"]);
  deepStrictEqual(scalesOf(model, 0.5), [[1, 2], [0.25, 1]]);
});

forEachDevice("each layer steps at its own rate, with each optimizer, whatever rate a schedule sets", async () => {
  for (const optimizer of ["sgd", "adamw", "adam", "rmsprop"] as const) {
    const config = smallConfig({ optimizer, weightDecay: 0.1, lr: 0.1 });
    const x = randn([5, 3]);
    const train = async (decays: readonly number[]) => {
      manualSeed(7);
      const model = deep();
      const groups = decays.length === 1
        ? layerGroups(model, { layers: below, decay: decays[0] })
        : decays.map((_, i) => ({ parameters: [model, model, model][i].parameters().slice(4 - 2 * i, 6 - 2 * i) }));
      const made = optimizerOf(config, groups);
      const step = capture((input: Tensor) => {
        made.zeroGrad();
        model.forward(input).square().sum().backward();
        made.step();
      });
      for (const rate of [0.1, 0.02, 0.05]) {
        made.lr = rate;
        if (decays.length > 1) made.groups.forEach((group, i) => group.settings.lr = rate * decays[i]);
        await step(x);
      }
      return await Promise.all(model.parameters().map(async (p) => [...await p.data()]));
    };
    const [found, wanted, even] = [await train([0.5]), await train([1, 0.5, 0.25]), await train([1])];
    found.forEach((values, i) =>
      values.forEach((value, k) => ok(Math.abs(value - wanted[i][k]) < 1e-6, `${optimizer}, weight ${i}: ${value}`))
    );
    ok(found.some((values, i) => values.some((value, k) => Math.abs(value - even[i][k]) > 1e-3)), optimizer);
  }
});

forEachDevice(
  "a run with falling rates goes on as if never stopped, the rate in its rows being the head's",
  async (device) => {
    await withData(async (folder, data) => {
      const config = { data, totalSteps: 12, validSteps: 6, saveSteps: 6, logSteps: 1, layerDecay: 0.5 };
      const whole = await runSmall(device, { ...config, out: join(folder, "whole") });
      await runSmall(device, { ...config, out: join(folder, "parts") }, { stopAt: 6 });
      const parts = await runSmall(device, { ...config, out: join(folder, "parts") }, { resume: true });
      deepStrictEqual(parts.rows, whole.rows);
      const even = await runSmall(device, { ...config, layerDecay: 1, out: join(folder, "even") });
      const rates = [whole, even].map(({ rows }) => rows.map(({ lr }) => lr));
      deepStrictEqual(rates[0], rates[1]);
      ok(whole.rows.some(({ loss }, i) => loss !== even.rows[i].loss), "it makes a difference");
    });
  },
);

Deno.test("a decay that is none is refused", () => {
  for (const text of ["0", "-1", "1.1", "x"]) strictEqual(trainFields.layerDecay.parse(text), undefined, text);
  strictEqual(trainFields.layerDecay.parse("0.75"), 0.75);
  throws(() => optimizerOf(smallConfig({}), [{ parameters: deep().parameters(), lrScale: -1 }]), {
    message: "Cannot optimize with lrScale -1: expected a number from 0",
  });
});
