/** Classifiers of SpeechBrain's encoders, and the names of their classes. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import type { ModelOptions } from "../models/mod.ts";
import { labelsOf } from "./labels.ts";
import { modules, type Rename, renamedToOurs } from "./renames.ts";
import { speechbrainLabels } from "./speechbrain_labels.ts";
import type { ImportSource } from "./source.ts";
import { WeightSizes } from "./weight_sizes.ts";
import { describe, type YamlFile } from "./yaml.ts";

/** A classifier as a head of ours. */
export interface SpeechbrainHead {
  readonly options: ModelOptions;
  readonly classes: readonly string[];
  readonly arrays: ArrayDict;
  readonly names: ReadonlyMap<string, string>;
  readonly said: readonly string[];
}

/** Modules of the two kinds of classifiers here and there. */
export const speechbrainHeads: Readonly<Record<"cosine" | "xvector", readonly Rename[]>> = {
  cosine: [{ ours: "head", theirs: "" }],
  xvector: modules({
    "head.1": "norm.norm",
    "head.2": "DNN.block_0.linear.w",
    "head.4": "DNN.block_0.norm.norm",
    "head.5": "out.w",
  }),
};

/** How strongly cosines are taken: SpeechBrain's recipe trains with it, and no file says so. */
const SCALE = 30;

/** What reading a head needs. */
interface Request {
  readonly yaml: YamlFile;
  readonly embeddingDim: number;
  /** `--labels`. */
  readonly labels?: string;
}

/**
 * Reads classifier and labels.
 *
 * @throws {Error} One is missing, damaged, or does not fit; the message names file and key.
 */
export async function speechbrainHead(source: ImportSource, request: Request): Promise<SpeechbrainHead> {
  const { yaml } = request, node = yaml.node("classifier");
  const nothing = { options: plain("linear"), classes: [], arrays: {}, names: new Map() };
  if (node === undefined) return { ...nothing, said: ["It has no classifier: the model embeds only"] };
  const kind = node.tag.endsWith(".ECAPA_TDNN.Classifier")
    ? "cosine"
    : node.tag.endsWith(".Xvector.Classifier")
    ? "xvector"
    : "other";
  const why = kind === "other" ? describe(node) : blocksFault(yaml, kind);
  if (kind === "other" || why !== "") {
    return { ...nothing, said: [`Its classifier is left out (${why} is not known): the model embeds only`] };
  }
  const file = fileOf(source, { yaml, part: "classifier" });
  const { arrays } = await source.weights(file);
  const sizes = new WeightSizes(arrays, source.pathOf(file));
  const { count, options } = kind === "cosine" ? cosine(sizes, request) : layered(sizes, request);
  const { classes, said } = await classesOf(source, { ...request, count });
  const scores = kind === "cosine" ? [`Its scores are ${SCALE} times SpeechBrain's, which are cosines`] : [];
  return { options, classes, said: [...scores, ...said], ...renamedToOurs(arrays, speechbrainHeads[kind]) };
}

/** The part of a classifier's description that our heads do not have; empty if they have it. */
function blocksFault(yaml: YamlFile, kind: "cosine" | "xvector"): string {
  const wanted = kind === "cosine" ? 0 : 1, blocks = yaml.number("classifier.lin_blocks", wanted);
  if (blocks !== wanted) return `classifier.lin_blocks ${blocks}`;
  const activation = kind === "cosine" ? undefined : yaml.node("classifier.activation");
  return activation === undefined || activation.tag.endsWith("torch.nn.LeakyReLU")
    ? ""
    : `classifier.activation ${describe(activation)}`;
}

function plain(head: "linear" | "xvector") {
  return { head, cosineHead: head === "linear", scale: SCALE, headWidth: 0, dropout: 0 };
}

/** A direction a class. */
function cosine(sizes: WeightSizes, { yaml, embeddingDim }: Request) {
  const [count, width] = sizes.shape("weight", 2);
  requireWidth(sizes, { key: "weight", width, embeddingDim });
  sizes.refuseOthers((key) => key === "weight");
  sizes.check(yaml, "classifier.input_size", { is: embeddingDim, weight: "weight" });
  sizes.check(yaml, "classifier.out_neurons", { is: count, weight: "weight" });
  return { count, options: plain("linear") };
}

/** Two layers. */
function layered(sizes: WeightSizes, { yaml, embeddingDim }: Request) {
  const [width, from] = sizes.shape("DNN.block_0.linear.w.weight", 2), [count] = sizes.shape("out.w.weight", 2);
  requireWidth(sizes, { key: "DNN.block_0.linear.w.weight", width: from, embeddingDim });
  const shapes = {
    ...normShapes("norm.norm", embeddingDim),
    ...normShapes("DNN.block_0.norm.norm", width),
    ...{ "DNN.block_0.linear.w.weight": [width, embeddingDim], "DNN.block_0.linear.w.bias": [width] },
    ...{ "out.w.weight": [count, width], "out.w.bias": [count] },
  };
  for (const [key, wanted] of Object.entries(shapes)) {
    const shape = sizes.shape(key, wanted.length);
    if (String(shape) === String(wanted)) continue;
    throw new RangeError(`Cannot import "${sizes.path}": ${key} is [${shape}], expected [${wanted}]`);
  }
  sizes.refuseOthers((key) => Object.hasOwn(shapes, key) || key.endsWith("norm.norm.num_batches_tracked"));
  checkInput(yaml, embeddingDim);
  sizes.check(yaml, "classifier.lin_neurons", { is: width, weight: "DNN.block_0.linear.w.weight" });
  sizes.check(yaml, "classifier.out_neurons", { is: count, weight: "out.w.weight" });
  return { count, options: { ...plain("xvector"), headWidth: width } };
}

/** `input_shape` ends with the size of the embedding. */
function checkInput(yaml: YamlFile, embeddingDim: number): void {
  const key = "classifier.input_shape", shape = yaml.node(key);
  const last = Array.isArray(shape?.value) ? shape.value.at(-1)?.value : shape?.value;
  if (shape === undefined || last === embeddingDim) return;
  throw yaml.fault(key, `is ${describe(shape)}, but embeddings have ${embeddingDim} values`);
}

function normShapes(name: string, channels: number): Record<string, number[]> {
  const parts = ["weight", "bias", "running_mean", "running_var"];
  return Object.fromEntries(parts.map((part) => [`${name}.${part}`, [channels]]));
}

function requireWidth(
  { path }: WeightSizes,
  { key, width, embeddingDim }: { key: string; width: number; embeddingDim: number },
): void {
  if (width === embeddingDim) return;
  throw new RangeError(`Cannot import "${path}": ${key} takes ${width} values, but embeddings have ${embeddingDim}`);
}

async function classesOf(
  source: ImportSource,
  { yaml, labels, count }: Request & { count: number },
): Promise<{ classes: readonly string[]; said: readonly string[] }> {
  if (labels !== undefined) return await labelsOf({ count, file: labels, noun: "speaker" });
  const file = fileOf(source, { yaml, part: "label_encoder" });
  if (!source.files.has(file)) {
    throw new Error(`Cannot import "${source.path}": it holds no ${file}; --labels FILE names the ${count} classes`);
  }
  return { classes: speechbrainLabels(await source.text(file), { path: source.pathOf(file), count }), said: [] };
}

/** The file of a part: as hyperparams.yaml calls it, or as SpeechBrain's own folders do. */
export function fileOf(source: ImportSource, { yaml, part }: { yaml: YamlFile; part: string }): string {
  const stated = yaml.text(`pretrainer.paths.${part}`)?.split("/").at(-1);
  const usual = part === "label_encoder" ? [`${part}.txt`, `${part}.ckpt`] : [`${part}.ckpt`];
  const names = [...stated === undefined ? [] : [stated], ...usual];
  return names.find((name) => source.files.has(name)) ?? names[0];
}
