/** Encoders of WeSpeaker: sizes from their weights, names, and what config.yaml says of them. @module */
import type { KaldiFbankSettings } from "../../data/features/mod.ts";
import { ecapaWindows } from "../../nn/mod.ts";
import type { ModelOptions } from "../models/mod.ts";
import type { ModelName } from "../train_config.ts";
import { campplusKind } from "./campplus.ts";
import { lastPartFirst, linearAsConvolution, modules, type Rename } from "./renames.ts";
import type { WeightSizes } from "./weight_sizes.ts";
import type { YamlFile } from "./yaml.ts";

/** An encoder as a model of ours. */
export interface WespeakerEncoder {
  readonly architecture: ModelName;
  /** Values of a frame. */
  readonly inputSize: number;
  readonly embeddingDim: number;
  /** Options of our module beside these. */
  readonly options: ModelOptions;
  readonly renames: readonly Rename[];
}

/** What weights are read with. */
export interface EncoderHints {
  /** Values of a frame, as far as something beside the weights says. */
  readonly bands?: number;
}

/** What an encoder is compared with. */
export interface EncoderClaims {
  readonly sizes: WeightSizes;
  readonly yaml: YamlFile;
}

/** A family of WeSpeaker's models. */
export interface WespeakerKind {
  /** In messages. */
  readonly what: string;
  /** Whether config.yaml's `model` is one of them. */
  readonly fits: RegExp;
  /** The one `pooling_func` that our module has. */
  readonly pooling: string;
  /** Features that differ from {@linkcode wespeakerFeatures}'. */
  readonly features?: { readonly settings: Partial<KaldiFbankSettings>; readonly said: string };
  /** Sizes from weights; RangeError, with file and key, where they make none. */
  encoder(sizes: WeightSizes, hints: EncoderHints): WespeakerEncoder;
  /** RangeError, with file and key, where config.yaml says otherwise. */
  check(encoder: WespeakerEncoder, claims: EncoderClaims): void;
}

/** See {@linkcode WespeakerKind}. */
export const ecapaKind: WespeakerKind = {
  what: "ECAPA_TDNN",
  fits: /^ECAPA_TDNN_(?:GLOB_)?c\d+$/,
  pooling: "ASTP",
  encoder(sizes) {
    const first = sizes.shape("layer1.conv.weight", 3), join = sizes.shape("conv.weight", 3);
    const widths: number[] = [], inner: number[] = [];
    for (let i = 2; i === 2 || sizes.has(`layer${i}.se_res2block.0.conv.weight`); i++) {
      widths.push(sizes.shape(`layer${i}.se_res2block.0.conv.weight`, 3)[0]);
      inner.push(sizes.shape(`layer${i}.se_res2block.1.convs.0.weight`, 3)[2]);
    }
    const [attentionChannels, seen] = sizes.shape("pool.linear1.weight", 3);
    const [embeddingDim] = sizes.shape("linear.weight", 2);
    const channels = [first[0], ...widths, join[0]], inputSize = first[1];
    const options = {
      ...{ channels, kernelSizes: [first[2], ...inner, join[2]], attentionChannels, variant: "wespeaker" },
      dilations: ecapaWindows(channels.length).dilations,
      res2netScale: sizes.count("layer2.se_res2block.1.convs.") + 1,
      seChannels: sizes.shape("layer2.se_res2block.3.linear1.weight", 2)[0],
      globalContext: seen !== join[0],
      embeddingNorm: sizes.has("bn2.weight"),
    };
    const renames = wespeakerEcapaRenames({ blocks: widths.length, scale: options.res2netScale });
    return { architecture: "ecapa", inputSize, embeddingDim, options, renames };
  },
  check({ inputSize, embeddingDim, options }, { sizes, yaml }) {
    checkGlobal(yaml, options.globalContext === true);
    requireFlag(yaml, "model_args.emb_bn", { is: options.embeddingNorm === true, weight: "bn2" });
    sizes.check(yaml, "model_args.feat_dim", { is: inputSize, weight: "layer1.conv.weight" });
    sizes.check(yaml, "model_args.embed_dim", { is: embeddingDim, weight: "linear.weight" });
  },
};

function checkGlobal(yaml: YamlFile, globalContext: boolean): void {
  const name = yaml.text("model") ?? "";
  if (name.includes("_GLOB_") === globalContext) return;
  const found = globalContext ? "takes" : "does not take";
  throw yaml.fault("model", `is ${name}, but pool.linear1.weight ${found} the statistics of whole recordings`);
}

function requireFlag(yaml: YamlFile, key: string, { is, weight }: { is: boolean; weight: string }): void {
  if (yaml.boolean(key, is) === is) return;
  throw yaml.fault(key, `is ${!is}, but the weights have ${is ? "" : "no "}${weight}`);
}

/**
 * Modules of WeSpeaker's ECAPA-TDNN here and there. Its Res2Net passes on the last part of the channels untouched and ours the first, so the channels
 * between the two outer convolutions of a block are turned by one part.
 */
export function wespeakerEcapaRenames({ blocks, scale }: { blocks: number; scale: number }): Rename[] {
  const table = modules({
    "encoder.blocks.0.conv.conv": "layer1.conv",
    "encoder.blocks.0.norm.norm": "layer1.bn",
    "encoder.mfa.conv.conv": "conv",
    "encoder.asp.tdnn.conv.conv": "pool.linear1",
    "encoder.asp.conv.conv": "pool.linear2",
    "encoder.asp_bn.norm": "bn",
    "encoder.fc_bn.norm": "bn2",
  });
  table.push(...modules({ "encoder.fc.conv": "linear" }, linearAsConvolution));
  const outputs = lastPartFirst(scale, "outputs"), inputs = lastPartFirst(scale, "inputs");
  for (let i = 1; i <= blocks; i++) {
    const ours = `encoder.blocks.${i}`, theirs = `layer${i + 1}.se_res2block`;
    const first = { [`${ours}.tdnn1.conv.conv`]: `${theirs}.0.conv`, [`${ours}.tdnn1.norm.norm`]: `${theirs}.0.bn` };
    const squeeze = [1, 2].map((k) => [`${ours}.se_block.conv${k}.conv`, `${theirs}.3.linear${k}`]);
    table.push(
      ...modules(first, outputs),
      ...modules({ [`${ours}.tdnn2.conv.conv`]: `${theirs}.2.conv` }, inputs),
      ...modules({ [`${ours}.tdnn2.norm.norm`]: `${theirs}.2.bn` }),
      ...modules(Object.fromEntries(squeeze), linearAsConvolution),
    );
    for (let k = 0; k < scale - 1; k++) {
      const part = `${ours}.res2net_block.blocks.${k}`;
      table.push(...modules({
        [`${part}.conv.conv`]: `${theirs}.1.convs.${k}`,
        [`${part}.norm.norm`]: `${theirs}.1.bns.${k}`,
      }));
    }
  }
  return table;
}

/** Blocks of the four stages by the depth in a model's name. */
const depths: Readonly<Record<string, readonly number[]>> = {
  ResNet18: [2, 2, 2, 2],
  ResNet34: [3, 4, 6, 3],
  ResNet50: [3, 4, 6, 3],
  ResNet101: [3, 4, 23, 3],
  ResNet152: [3, 8, 36, 3],
  ResNet221: [6, 16, 48, 3],
  ResNet293: [10, 20, 64, 3],
};
/** Those whose blocks are no bottlenecks. */
const shallow = ["ResNet18", "ResNet34"];

/** See {@linkcode WespeakerKind}. */
export const resnetKind: WespeakerKind = {
  what: Object.keys(depths).join(", "),
  fits: new RegExp(`^(?:${Object.keys(depths).join("|")})$`),
  pooling: "TSTP",
  encoder(sizes, { bands }) {
    const stages = [1, 2, 3, 4], bottleneck = sizes.has("layer1.0.conv3.weight");
    sizes.shape("conv1.weight", 4);
    const blocks = stages.map((i) => sizes.count(`layer${i}.`));
    const channels = stages.map((i) => sizes.shape(`layer${i}.0.conv1.weight`, 4)[0]);
    const [embeddingDim] = sizes.shape("seg_1.weight", 2), secondLayer = sizes.has("seg_2.weight");
    const options = { channels, variant: "wespeaker", blocks, bottleneck, secondLayer };
    const inputSize = bands ?? 8 * rowsOf(sizes, { channels, bottleneck });
    return { architecture: "resnet34-speaker", inputSize, embeddingDim, options, renames: resnetRenames(blocks) };
  },
  check({ inputSize, embeddingDim, options }, { sizes, yaml }) {
    const { blocks, channels, bottleneck, secondLayer } = options as {
      blocks: number[];
      channels: number[];
      bottleneck: boolean;
      secondLayer: boolean;
    };
    checkDepth(yaml, { blocks, bottleneck });
    requireFlag(yaml, "model_args.two_emb_layer", { is: secondLayer, weight: "seg_2" });
    sizes.check(yaml, "model_args.embed_dim", { is: embeddingDim, weight: "seg_1.weight" });
    const rows = rowsOf(sizes, { channels, bottleneck });
    const left = [1, 2, 3].reduce((size) => Math.ceil(size / 2), inputSize), seg = `seg_1.weight of "${sizes.path}"`;
    if (left === rows) return;
    throw yaml.fault("model_args.feat_dim", `is ${inputSize}, of which ${left} are left, but ${seg} takes ${rows}`);
  },
};

/** Rows of the last picture, which are a frame's values after three halvings. */
function rowsOf(
  sizes: WeightSizes,
  { channels, bottleneck }: { channels: readonly number[]; bottleneck: boolean },
): number {
  return sizes.shape("seg_1.weight", 2)[1] / (2 * channels[3] * (bottleneck ? 4 : 1));
}

function checkDepth(yaml: YamlFile, { blocks, bottleneck }: { blocks: readonly number[]; bottleneck: boolean }): void {
  const name = yaml.text("model") ?? "", stated = depths[name];
  if (String(stated) !== String(blocks)) {
    throw yaml.fault("model", `is ${name} with stages of [${stated}] blocks, but the weights have [${blocks}]`);
  }
  if (shallow.includes(name) !== bottleneck) return;
  throw yaml.fault("model", `is ${name}, but the weights have ${bottleneck ? "" : "no "}bottlenecks`);
}

/** Modules of WeSpeaker's residual networks here and there. */
export function resnetRenames(blocks: readonly number[]): Rename[] {
  const same = ["conv1", "bn1"], pairs: Record<string, string> = {};
  blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const block = `layer${stage + 1}.${i}`;
      same.push(...["conv1", "bn1", "conv2", "bn2", "conv3", "bn3"].map((part) => `${block}.${part}`));
      for (const k of [0, 1]) pairs[`encoder.${block}.downsample.${k}`] = `${block}.shortcut.${k}`;
    }
  });
  const ends = { "encoder.fc": "seg_1", "encoder.fc_bn": "seg_bn_1", "encoder.fc2": "seg_2" };
  return modules({ ...Object.fromEntries(same.map((name) => [`encoder.${name}`, name])), ...pairs, ...ends });
}

/** All that are known. */
export const wespeakerKinds: readonly WespeakerKind[] = [ecapaKind, resnetKind, campplusKind];
