/** Encoders of speakers published as ONNX: those whose graph is a network that voxgrad has. @module */
import { basename } from "node:path";
import { createFeatures, featurePresets, type FeatureSettings, parseFeatureSettings } from "../../data/features/mod.ts";
import type { ArrayDict } from "../../data/files/mod.ts";
import type { Imported, Importer, ImportHints } from "./importer.ts";
import { walkCampplus } from "./onnx/campplus.ts";
import { walkEcapa } from "./onnx/ecapa.ts";
import { MAX_ONNX_BYTES, type OnnxGraph, readOnnx } from "./onnx/file.ts";
import { layersOf } from "./onnx/layers.ts";
import { walkResNet } from "./onnx/resnet.ts";
import { Mismatch, Walker } from "./onnx/walker.ts";
import { renamedToOurs, theirNameOf } from "./renames.ts";
import { type ImportSource, weightEndings } from "./source.ts";
import { WeightSizes } from "./weight_sizes.ts";
import { campplusKind } from "./campplus.ts";
import { ecapaKind, resnetKind, type WespeakerEncoder, type WespeakerKind } from "./wespeaker_kinds.ts";

/** A network that a graph may be. */
interface Architecture {
  /** "ECAPA-TDNN". */
  readonly what: string;
  readonly kind: WespeakerKind;
  /** Preset of the features that its toolkit gives it. */
  readonly features: "wespeaker80" | "campplus80";
  /** Goes through the graph's layers; options that the weights do not tell. */
  walk(walker: Walker): Promise<{ readonly variant?: string } | void>;
}

const architectures: readonly Architecture[] = [
  { what: "ECAPA-TDNN", kind: ecapaKind, features: "wespeaker80", walk: walkEcapa },
  { what: "ResNet", kind: resnetKind, features: "wespeaker80", walk: walkResNet },
  {
    ...{ what: "CAM++", kind: campplusKind, features: "campplus80" },
    walk: async (walker) => ({ variant: (await walkCampplus(walker)).eps === 0 ? "3d-speaker" : "wespeaker" }),
  },
];

/** A graph that is one of them. */
interface Found {
  readonly architecture: Architecture;
  readonly graph: OnnxGraph;
  /** Weights by WeSpeaker's names. */
  readonly arrays: ArrayDict;
  readonly encoder: WespeakerEncoder;
  readonly options: { readonly variant?: string };
}

/** See {@linkcode Importer}. */
export const onnx: Importer = {
  id: "onnx",
  toolkit: "ONNX",
  looksFor: "an .onnx file with an ECAPA-TDNN, ResNet or CAM++ of WeSpeaker or 3D-Speaker",
  async recognise(source) {
    const names = filesIn(source);
    if (names.length === 0) return undefined;
    try {
      if (names.length > 1) return "graphs"; // convert asks which
      if (!mayDecode()) return "graph";
      const { architecture: { what }, encoder: { embeddingDim } } = await findIn(source, names[0]);
      return `${what}, ${embeddingDim} dimensions`;
    } catch (error) {
      const isOther = (error as Error).cause instanceof Mismatch && hasOthers(source);
      return isOther ? undefined : "graph"; // convert says what is the matter with it
    }
  },
  convert,
};

/**
 * Whether reading asks for nothing: @bufbuild/protobuf looks at a variable of the environment. deno task import may; the tasks that only want to
 * say what a file is may not, and would make Deno ask the user.
 */
function mayDecode(): boolean {
  return Deno.permissions.querySync({ name: "env", variable: "BUF_BIGINT_DISABLE" }).state === "granted";
}

/** The file that was named, or those of the folder. */
function filesIn({ path, files }: ImportSource): string[] {
  const names = [...files.keys()].filter((name) => /^[^/]+\.onnx$/i.test(name)).sort();
  return names.includes(basename(path)) ? [basename(path)] : names;
}

/** Whether a folder holds weights of another kind as well. */
function hasOthers({ path, files }: ImportSource): boolean {
  const others = weightEndings.filter((ending) => ending !== ".onnx");
  return !/\.onnx$/i.test(path) && [...files.keys()].some((name) => others.some((ending) => name.endsWith(ending)));
}

async function convert(source: ImportSource, hints: ImportHints): Promise<Imported> {
  const [name, ...more] = filesIn(source), file = source.pathOf(name);
  if (more.length > 0) {
    throw new Error(`Cannot import "${source.path}": it holds ${[name, ...more].join(", ")}; give the path of one`);
  }
  const { architecture, graph, arrays: theirs, encoder, options } = await findIn(source, name);
  const { inputSize, embeddingDim } = encoder;
  const { featureSettings, said } = featuresOf(graph, { architecture, bands: inputSize, hints, file });
  const { arrays, names } = renamedToOurs(theirs, encoder.renames);
  const head = { head: "linear", cosineHead: true, scale: 32, headWidth: 0, dropout: 0, classes: 0 };
  return {
    facts: {
      architecture: encoder.architecture,
      options: { inputSize, embeddingDim, ...encoder.options, ...options, ...head },
      channels: inputSize,
      viewing: { mode: "whole", frames: 200, crops: 1, fixed: false },
      classes: [],
      featureSettings,
    },
    ...{ arrays, names, said, file, nameOf: theirNameOf(encoder.renames) },
  };
}

/** Several ask for the same graph. */
const known = new WeakMap<ImportSource, Map<string, Promise<Found>>>();

function findIn(source: ImportSource, name: string): Promise<Found> {
  const files = known.get(source) ?? new Map<string, Promise<Found>>();
  known.set(source, files);
  const found = files.get(name) ?? read(source, name);
  files.set(name, found);
  return found;
}

async function read(source: ImportSource, name: string): Promise<Found> {
  const path = source.pathOf(name), size = source.files.get(name) ?? 0;
  const refuse = (what: string, cause?: unknown) => new Error(`Cannot import "${path}": ${what}`, { cause });
  if (size > MAX_ONNX_BYTES) throw refuse(`it has ${size} bytes, more than the ${MAX_ONNX_BYTES} that are read`);
  const graph = await readOnnx(await source.bytes(name), {
    path,
    beside: (file, range) => source.bytes(file, range),
    sizeOf: (file) => source.files.get(file),
  });
  const layers = await layersOf(graph).catch((error) => {
    throw error instanceof RangeError ? refuse(error.message, error) : error;
  });
  let nearest: { what: string; error: Mismatch } | undefined;
  for (const architecture of architectures) {
    const walker = new Walker(graph, layers);
    try {
      const options = await architecture.walk(walker) ?? {};
      const { arrays } = walker;
      const encoder = withBands(architecture.kind.encoder(new WeightSizes(arrays, path), {}), { graph, refuse });
      return { architecture, graph, arrays, encoder, options };
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      if (nearest === undefined || error.fitting > nearest.error.fitting) nearest = { what: architecture.what, error };
    }
  }
  const names = architectures.map(({ what }) => what).join(", ");
  const { what, error } = nearest!;
  throw refuse(`its graph is none of ${names}; it differs least from ${what}, but ${error.message}`, error);
}

/** Values of a frame are what the graph's input (batch, frames, values) says, where weights fit several numbers of them. */
function withBands(
  encoder: WespeakerEncoder,
  { graph: { inputs: [input] }, refuse }: { graph: OnnxGraph; refuse: (what: string) => Error },
): WespeakerEncoder {
  const bands = input?.shape.length === 3 ? input.shape[2] : null, { architecture, inputSize } = encoder;
  if (bands === null || bands === undefined || bands === inputSize) return encoder;
  // a residual network halves them three times, and rounds up
  if (architecture === "resnet34-speaker" && Math.ceil(bands / 8) === inputSize / 8) {
    return { ...encoder, inputSize: bands };
  }
  throw refuse(`its input "${input.name}" has frames of ${bands} values, but its weights take ${inputSize}`);
}

/** What the user says, the file, or the toolkit. */
function featuresOf({ metadata }: OnnxGraph, { architecture, bands, hints, file }: {
  architecture: Architecture;
  bands: number;
  hints: ImportHints;
  file: string;
}): { featureSettings: FeatureSettings; said: string[] } {
  if (hints.features !== undefined) {
    const featureSettings = parseFeatureSettings(hints.features), { channels } = createFeatures(featureSettings);
    if (channels === bands) return { featureSettings, said: [] };
    throw new RangeError(
      `Cannot import "${file}": it takes frames of ${bands} values, and --features ${hints.features} have ${channels}`,
    );
  }
  const usual = featurePresets[architecture.features];
  const isWhole = metadata.get("normalize_samples"), rate = Number(metadata.get("sample_rate") ?? usual.sampleRate);
  const scale = isWhole === undefined ? usual.scale : isWhole === "0" ? 32768 : 1;
  const featureSettings = parseFeatureSettings({ ...usual, nMels: bands, scale, sampleRate: rate });
  const window = featureSettings.kind === "kaldiFbank" ? featureSettings.window : "";
  const values = scale === 1 ? "samples within ±1" : "16-bit values";
  const line =
    `Features are Kaldi's of ${values} under a ${window} window, minus their mean, as its toolkit usually has ` +
    `them for ${architecture.what}: the file does not say; --features PRESET says otherwise`;
  return { featureSettings, said: [line] };
}
