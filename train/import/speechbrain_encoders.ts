/** Encoders of SpeechBrain: sizes from their weights, names, and what hyperparams.yaml says of them. @module */
import { ecapaWindows, XVECTOR_DILATIONS } from "../../nn/mod.ts";
import type { ModelOptions } from "../models/mod.ts";
import { modules, type Rename } from "./renames.ts";
import { dilationsOf, type WeightSizes } from "./weight_sizes.ts";
import { describe, type YamlFile } from "./yaml.ts";

/** What the converter needs of an encoder. */
export interface SpeechbrainEncoder {
  readonly architecture: "ecapa" | "xvector";
  /** Values of a frame. */
  readonly inputSize: number;
  readonly embeddingDim: number;
  /** Options of our module beside these. */
  readonly options: ModelOptions;
  readonly renames: readonly Rename[];
}

/** Where hyperparams.yaml speaks of the encoder. */
const AT = "embedding_model";

/** Encoders by the class that `embedding_model` names. */
export const speechbrainEncoders: Readonly<
  Record<string, { what: string; read: (sizes: WeightSizes, yaml: YamlFile) => SpeechbrainEncoder }>
> = {
  "ECAPA_TDNN.ECAPA_TDNN": { what: "ECAPA-TDNN", read: readEcapa },
  "Xvector.Xvector": { what: "x-vector", read: readXvector },
};

/** RangeError where a key is there and has another value than our modules. */
function requireTag(yaml: YamlFile, key: string, tag: string): void {
  const node = yaml.node(key);
  if (node === undefined || node.tag.endsWith(tag)) return;
  throw yaml.fault(key, `is ${describe(node)}, and voxgrad has ${tag} only`);
}

/** Modules of an ECAPA-TDNN here and there: a prefix, the rest has SpeechBrain's names. */
export function ecapaRenames({ blocks, scale }: { blocks: number; scale: number }): Rename[] {
  const norm = (name: string) => [`${name}.conv.conv`, `${name}.norm.norm`];
  const names = [...norm("blocks.0"), ...norm("mfa"), ...norm("asp.tdnn"), "asp.conv.conv", "asp_bn.norm", "fc.conv"];
  for (let i = 1; i <= blocks; i++) {
    const block = `blocks.${i}`, parts = Array.from({ length: scale - 1 }, (_, k) => `res2net_block.blocks.${k}`);
    for (const part of ["tdnn1", ...parts, "tdnn2"]) names.push(...norm(`${block}.${part}`));
    names.push(`${block}.se_block.conv1.conv`, `${block}.se_block.conv2.conv`, `${block}.shortcut.conv`);
  }
  return modules(Object.fromEntries(names.map((name) => [`encoder.${name}`, name])));
}

function readEcapa(sizes: WeightSizes, yaml: YamlFile): SpeechbrainEncoder {
  const first = sizes.shape("blocks.0.conv.conv.weight", 3), last = sizes.shape("mfa.conv.conv.weight", 3);
  const blocks = sizes.count("blocks.") - 1, numbers = Array.from({ length: blocks }, (_, i) => i + 1);
  const widths = numbers.map((i) => sizes.shape(`blocks.${i}.tdnn1.conv.conv.weight`, 3)[0]);
  const inner = numbers.map((i) => sizes.shape(`blocks.${i}.res2net_block.blocks.0.conv.conv.weight`, 3)[2]);
  const channels = [first[0], ...widths, last[0]], kernelSizes = [first[2], ...inner, last[2]];
  const [attentionChannels, seen] = sizes.shape("asp.tdnn.conv.conv.weight", 3);
  const [embeddingDim] = sizes.shape("fc.conv.weight", 3);
  const options = {
    ...{ channels, kernelSizes, attentionChannels },
    dilations: dilationsOf(yaml, `${AT}.dilations`, ecapaWindows(channels.length).dilations),
    res2netScale: sizes.count("blocks.1.res2net_block.blocks.") + 1,
    seChannels: sizes.shape("blocks.1.se_block.conv1.conv.weight", 3)[0],
    globalContext: seen !== last[0],
    variant: "speechbrain",
    embeddingNorm: false,
  };
  checkEcapa(yaml, sizes, { ...options, inputSize: first[1], embeddingDim });
  const renames = ecapaRenames({ blocks, scale: options.res2netScale });
  return { architecture: "ecapa", inputSize: first[1], embeddingDim, options, renames };
}

/** What hyperparams.yaml says of an ECAPA-TDNN, against its weights. */
function checkEcapa(yaml: YamlFile, sizes: WeightSizes, is: {
  readonly inputSize: number;
  readonly embeddingDim: number;
  readonly channels: readonly number[];
  readonly kernelSizes: readonly number[];
  readonly attentionChannels: number;
  readonly res2netScale: number;
  readonly seChannels: number;
  readonly globalContext: boolean;
}): void {
  const convolutions = "blocks.*.conv.weight and mfa.conv.conv.weight";
  const check = (key: string, value: number | readonly number[], weight: string) =>
    sizes.check(yaml, `${AT}.${key}`, { is: value, weight });
  check("input_size", is.inputSize, "blocks.0.conv.conv.weight");
  check("channels", is.channels, convolutions);
  check("kernel_sizes", is.kernelSizes, convolutions);
  check("lin_neurons", is.embeddingDim, "fc.conv.weight");
  check("attention_channels", is.attentionChannels, "asp.tdnn.conv.conv.weight");
  check("res2net_scale", is.res2netScale, "blocks.1.res2net_block.*");
  check("se_channels", is.seChannels, "blocks.1.se_block.conv1.conv.weight");
  if (yaml.boolean(`${AT}.global_context`, is.globalContext) !== is.globalContext) {
    throw yaml.fault(`${AT}.global_context`, `is ${!is.globalContext}, but asp.tdnn.conv.conv.weight says otherwise`);
  }
  const groups = yaml.numbers(`${AT}.groups`) ?? [];
  if (groups.some((n) => n !== 1)) throw yaml.fault(`${AT}.groups`, `is [${groups}], and voxgrad has 1 only`);
  requireTag(yaml, `${AT}.activation`, "torch.nn.ReLU");
}

/** Modules of an x-vector of so many layers here and there: a layer is three of SpeechBrain's, then come pooling and embedding. */
export function xvectorRenames(layers: number): Rename[] {
  const pairs = Array.from({ length: layers }, (_, i) => ({
    [`encoder.blocks.${i}.conv.conv`]: `blocks.${3 * i}.conv`,
    [`encoder.blocks.${i}.norm.norm`]: `blocks.${3 * i + 2}.norm`,
  }));
  return modules(Object.assign({ "encoder.fc": `blocks.${3 * layers + 1}.w` }, ...pairs));
}

function readXvector(sizes: WeightSizes, yaml: YamlFile): SpeechbrainEncoder {
  let layers = 0;
  while (sizes.has(`blocks.${3 * layers}.conv.weight`)) layers++;
  if (layers === 0) sizes.shape("blocks.0.conv.weight", 3); // says that it is missing
  const convolutions = Array.from({ length: layers }, (_, i) => sizes.shape(`blocks.${3 * i}.conv.weight`, 3));
  const channels = convolutions.map(([width]) => width), kernelSizes = convolutions.map(([, , width]) => width);
  const inputSize = convolutions[0][1], linear = `blocks.${3 * layers + 1}.w.weight`;
  const [embeddingDim] = sizes.shape(linear, 2);
  const check = (key: string, is: number | readonly number[], weight: string) =>
    sizes.check(yaml, `${AT}.${key}`, { is, weight });
  check("in_channels", inputSize, "blocks.0.conv.weight");
  check("tdnn_blocks", layers, "blocks.*.conv.weight");
  check("tdnn_channels", channels, "blocks.*.conv.weight");
  check("tdnn_kernel_sizes", kernelSizes, "blocks.*.conv.weight");
  check("lin_neurons", embeddingDim, linear);
  requireTag(yaml, `${AT}.activation`, "torch.nn.LeakyReLU");
  const usual = channels.map((_, i) => XVECTOR_DILATIONS[i] ?? 1);
  const dilations = dilationsOf(yaml, `${AT}.tdnn_dilations`, usual);
  const options = { channels, kernelSizes, dilations, variant: "speechbrain" };
  return { architecture: "xvector", inputSize, embeddingDim, options, renames: xvectorRenames(layers) };
}
