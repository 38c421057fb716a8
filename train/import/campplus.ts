/** CAM++ of WeSpeaker and 3D-Speaker, which have the same names. @module */
import { featurePresets } from "../../data/features/mod.ts";
import { modules, type Rename } from "./renames.ts";
import type { WeightSizes } from "./weight_sizes.ts";
import type { WespeakerKind } from "./wespeaker_kinds.ts";

const { window, scale } = featurePresets.campplus80;

/** See {@linkcode WespeakerKind}. */
export const campplusKind: WespeakerKind = {
  what: "CAMPPlus",
  fits: /^CAMPPlus$/,
  pooling: "TSTP",
  features: {
    settings: { window, scale },
    said: "Features are those that WeSpeaker's command line gives CAM++: samples within ±1 under a Povey window. " +
      "A model of WeSpeaker's own recipe has heard others: --features wespeaker80",
  },
  encoder(sizes) {
    const pictures = sizes.shape("head.conv1.weight", 4)[0];
    const [first, columns] = sizes.shape("xvector.tdnn.linear.weight", 3);
    const layer = "xvector.block1.tdnnd1";
    checkPictures(sizes, { pictures, columns });
    const bottleneck = sizes.shape(`${layer}.linear1.weight`, 3)[0];
    const growth = sizes.shape(`${layer}.cam_layer.linear_local.weight`, 3)[0];
    const blocks = [1, 2, 3].map((i) => layersOf(sizes, i));
    return {
      architecture: "campplus",
      inputSize: 8 * columns / pictures,
      embeddingDim: sizes.shape("xvector.dense.linear.weight", 3)[0],
      options: { channels: [pictures, first, growth, bottleneck], blocks, variant: "wespeaker" },
      renames: campplusRenames(blocks),
    };
  },
  check({ inputSize, embeddingDim, options }, { sizes, yaml }) {
    const [, first, growth, bottleneck] = options.channels as number[], layer = "xvector.block1.tdnnd1";
    sizes.check(yaml, "model_args.feat_dim", { is: inputSize, weight: "xvector.tdnn.linear.weight" });
    sizes.check(yaml, "model_args.embed_dim", { is: embeddingDim, weight: "xvector.dense.linear.weight" });
    sizes.check(yaml, "model_args.init_channels", { is: first, weight: "xvector.tdnn.linear.weight" });
    sizes.check(yaml, "model_args.growth_rate", { is: growth, weight: `${layer}.cam_layer.linear_local.weight` });
    sizes.check(yaml, "model_args.bn_size", { is: bottleneck / growth, weight: `${layer}.linear1.weight` });
    const key = "model_args.config_str", order = yaml.text(key) ?? "batchnorm-relu";
    if (order !== "batchnorm-relu") throw yaml.fault(key, `is ${order}, and voxgrad has batchnorm-relu only`);
  },
};

/** Refuses what would make pictures, or frames, of other sizes than the weights have. */
function checkPictures(sizes: WeightSizes, { pictures, columns }: { pictures: number; columns: number }): void {
  for (const key of ["layer1.0.conv1", "layer2.1.conv2", "conv2"].map((name) => `head.${name}.weight`)) {
    const [out, from] = sizes.shape(key, 4);
    if (out === pictures && from === pictures) continue;
    throw new RangeError(
      `Cannot import "${sizes.path}": ${key} takes ${from} channels to ${out}, but head.conv1.weight makes ${pictures}`,
    );
  }
  if (columns % pictures === 0) return;
  throw new RangeError(
    `Cannot import "${sizes.path}": xvector.tdnn.linear.weight takes ${columns} channels, no multiple of ${pictures}`,
  );
}

/** Layers of a dense block; they count from 1. */
function layersOf(sizes: WeightSizes, block: number): number {
  let layers = 0;
  while (layers < 64 && sizes.has(`xvector.block${block}.tdnnd${layers + 1}.linear1.weight`)) layers++;
  return layers;
}

/** Modules of CAM++ here and there. */
export function campplusRenames(blocks: readonly number[]): Rename[] {
  const same = ["conv1", "bn1", "conv2", "bn2"].map((part) => `head.${part}`), pairs: Record<string, string> = {};
  for (const block of ["layer1.0", "layer1.1", "layer2.0", "layer2.1"].map((name) => `head.${name}`)) {
    same.push(...["conv1", "bn1", "conv2", "bn2"].map((part) => `${block}.${part}`));
    for (const k of [0, 1]) pairs[`encoder.${block}.downsample.${k}`] = `${block}.shortcut.${k}`;
  }
  const dense = ["nonlinear1.batchnorm", "linear1", "nonlinear2.batchnorm"];
  dense.push(...["linear_local", "linear1", "linear2"].map((part) => `cam_layer.${part}`));
  blocks.forEach((layers, i) => {
    for (let k = 1; k <= layers; k++) same.push(...dense.map((part) => `xvector.block${i + 1}.tdnnd${k}.${part}`));
    same.push(`xvector.transit${i + 1}.nonlinear.batchnorm`, `xvector.transit${i + 1}.linear`);
  });
  same.push(...["tdnn.linear", "tdnn.nonlinear.batchnorm", "out_nonlinear.batchnorm"].map((name) => `xvector.${name}`));
  same.push("xvector.dense.linear", "xvector.dense.nonlinear.batchnorm");
  return modules({ ...Object.fromEntries(same.map((name) => [`encoder.${name}`, name])), ...pairs });
}
