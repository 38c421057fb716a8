/** State dicts as PyTorch loads them. @module */
import { featuresText } from "../../data/features/mod.ts";
import type { ArrayDict } from "../../data/files/mod.ts";
import { theirNames } from "../import/origin.ts";
import { recipeNamed } from "../recipes/mod.ts";
import { modelKinds } from "../models/mod.ts";
import type { ModelFacts } from "../model_facts.ts";
import { type Exported, type ExportedFile, type Exporter, scoresOf, type StoredModel } from "./exporter.ts";

/** See {@linkcode Exporter}. */
export const torch: Exporter = {
  target: "torch",
  toolkit: "PyTorch",
  endings: [".pt", ".pth", ".ckpt", ".bin"],
  convert(model) {
    const { facts, origin, arrays } = model;
    if (isSampleCode(facts)) return homework(model);
    const isTheirs = origin?.toolkit === "torchvision";
    const weights = isTheirs ? theirNames(arrays, origin) : arrays;
    return {
      what: `state dict of ${facts.architecture}`,
      files: [{ name: "model.pt", torch: weights }, ...labelsFile(facts)],
      said: [...loading(facts), ...unsaid(facts)],
    };
  },
};

function labelsFile(facts: ModelFacts): ExportedFile[] {
  const names = scoresOf(facts);
  return names.length === 0 ? [] : [{ name: "labels.txt", text: names.map((name) => `${name}\n`).join("") }];
}

/** How the weights come into a network of PyTorch's. */
function loading({ architecture, options }: ModelFacts): string[] {
  const depth = /^resnet(\d+)$/.exec(architecture)?.[1];
  const isUsual = options.width === 64 && options.inChannels === 3;
  if (depth === undefined) return ["Names are those of PyTorch's modules and of the papers' code where they have such"];
  const net = `torchvision.models.resnet${depth}(num_classes=${options.classes})`;
  return [`Load it by ${net}${isUsual ? "" : ", its layers made as wide"}: net.load_state_dict(torch.load(FILE))`];
}

/** What a state dict does not say. */
function unsaid({ featureSettings, options }: ModelFacts): string[] {
  const features = featureSettings === null ? [] : [`features ${featuresText(featureSettings)}`];
  const scale = options.cosineHead === true ? [`that scores are ${options.scale} times cosines`] : [];
  const list = [...features, ...scale];
  return list.length === 0 ? [] : [`A state dict does not say: ${list.join(", ")}`];
}

/** Whether a Transformer is built as that of the homework's sample code, apart from sizes and head. */
function isSampleCode({ architecture, options }: ModelFacts): boolean {
  if (architecture !== "transformer") return false;
  const { config } = recipeNamed("hw4-simple");
  const usual = modelKinds.transformer.optionsOf(config, { channels: 40, classes: 1 });
  const free = ["nMels", "numSpeakers", "dModel", "nHead", "numLayers", "dimFeedforward", "head", "dropout", "scale"];
  return Object.entries(usual).every(([key, value]) => free.includes(key) || (options[key] ?? value) === value);
}

/** `model.ckpt` and `mapping.json` as the homework has them. */
function homework({ facts, arrays }: StoredModel): Exported {
  const { numLayers, nHead } = facts.options, isSingle = numLayers === 1;
  const layer = "encoder.layers.0.";
  const renamed = Object.entries(arrays).map(([name, array]): [string, ArrayDict[string]] => {
    if (name.startsWith("head.")) return [name.replace("head.", "pred_layer."), array];
    return [isSingle ? name.replace(layer, "encoder_layer.") : name, array];
  });
  // nn.TransformerEncoder copies the layer that it is given, and the sample code keeps that one as a part as well
  const pattern = isSingle ? [] : Object.entries(arrays).filter(([name]) => name.startsWith(layer)).map((
    [name, array],
  ): [string, ArrayDict[string]] => [name.replace(layer, "encoder_layer."), array]);
  const names = scoresOf(facts);
  const mapping = {
    speaker2id: Object.fromEntries(names.map((name, i) => [name, i])),
    id2speaker: Object.fromEntries(names.map((name, i) => [i, name])),
  };
  return {
    what: "classifier of homework 4",
    files: [
      { name: "model.ckpt", torch: Object.fromEntries([...renamed, ...pattern]) },
      { name: "mapping.json", text: JSON.stringify(mapping, null, 2) },
    ],
    said: [
      `Load it by the homework's sample code: model.load_state_dict(torch.load("model.ckpt")), with nhead=${nHead}`,
      ...isSingle ? [] : ["encoder_layer, which is not used beside encoder, is a copy of the first layer"],
      ...unsaid(facts),
    ],
  };
}
