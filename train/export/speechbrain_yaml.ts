/** hyperparams.yaml of a SpeechBrain model. @module */
import { ecapaWindows, XVECTOR_DILATIONS } from "../../nn/mod.ts";
import type { SpeechbrainFbankSettings } from "../../data/features/mod.ts";
import type { ModelFacts } from "../model_facts.ts";
import { scoresOf } from "./exporter.ts";

type Value = string | number | boolean | readonly number[];

/** The text of the file, keys as SpeechBrain's published models have them. Files lie beside it, each with the name of its part. */
export function speechbrainYaml(facts: ModelFacts, features: SpeechbrainFbankSettings): string {
  const count = scoresOf(facts).length,
    loadables = ["embedding_model", ...count > 0 ? ["classifier", "label_encoder"] : []];
  const modules = [
    "compute_features",
    "mean_var_norm",
    "embedding_model",
    "mean_var_norm_emb",
    ...count > 0 ? ["classifier"] : [],
  ];
  const norm = "speechbrain.processing.features.InputNormalization", models = "speechbrain.lobes.models.";
  const isEcapa = facts.architecture === "ecapa", name = isEcapa ? "ECAPA_TDNN" : "Xvector";
  const references = (parts: readonly string[]) => parts.map((part) => `${part}: !ref <${part}>`);
  return [
    [
      "# A model of voxgrad for SpeechBrain",
      `n_mels: ${features.nMels}`,
      ...count > 0 ? [`out_n_neurons: ${count}`] : [],
    ],
    part("compute_features", "speechbrain.lobes.features.Fbank", featureKeys(features)),
    part("mean_var_norm", norm, {
      norm_type: "sentence",
      ...features.normalize === "none" ? { mean_norm: false } : {},
      std_norm: false,
    }),
    part("embedding_model", `${models}${name}.${name}`, isEcapa ? ecapaKeys(facts) : xvectorKeys(facts)),
    ...count > 0 ? [part("classifier", `${models}${name}.Classifier`, classifierKeys(facts))] : [],
    part("mean_var_norm_emb", norm, { norm_type: "global", std_norm: false }), // asked for, and not applied
    ["modules:", ...references(modules).map((line) => `    ${line}`)],
    ...count > 0 ? [["label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder"]] : [],
    [
      "pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer",
      "    loadables:",
      ...references(loadables).map((line) => `        ${line}`),
    ],
  ].map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function part(key: string, tag: string, values: Readonly<Record<string, Value>>): string[] {
  return [`${key}: !new:${tag}`, ...Object.entries(values).map(([name, value]) => `    ${name}: ${textOf(value)}`)];
}

function textOf(value: Value): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "object" ? `[${value.map((item) => item < 0 ? "null" : item).join(", ")}]` : String(value);
}

/** What is not `Fbank`'s default: windows and steps in ms. */
function featureKeys(settings: SpeechbrainFbankSettings): Record<string, Value> {
  const { sampleRate, nFft, winLength, hopLength, fMin, fMax } = settings, perMs = sampleRate / 1000;
  const keys = [
    ["sample_rate", sampleRate, 16000],
    ["n_fft", nFft, 400],
    ["win_length", winLength / perMs, 25],
    ["hop_length", hopLength / perMs, 10],
    ["f_min", fMin, 0],
    ["f_max", fMax, sampleRate / 2],
  ] as const;
  const other = keys.filter(([, value, usual]) => value !== usual).map(([key, value]) => [key, value]);
  return { n_mels: "!ref <n_mels>", ...Object.fromEntries(other) };
}

function ecapaKeys({ options }: ModelFacts): Record<string, Value> {
  const channels = options.channels as readonly number[], usual = ecapaWindows(channels.length);
  return {
    input_size: "!ref <n_mels>",
    channels,
    kernel_sizes: listOf(options.kernelSizes, usual.kernelSizes),
    dilations: listOf(options.dilations, usual.dilations),
    groups: channels.map(() => 1),
    attention_channels: Number(options.attentionChannels),
    lin_neurons: Number(options.embeddingDim),
    res2net_scale: Number(options.res2netScale),
    se_channels: Number(options.seChannels),
    global_context: options.globalContext === true,
  };
}

function xvectorKeys({ options }: ModelFacts): Record<string, Value> {
  const channels = options.channels as readonly number[];
  return {
    in_channels: "!ref <n_mels>",
    activation: "!name:torch.nn.LeakyReLU",
    tdnn_blocks: channels.length,
    tdnn_channels: channels,
    tdnn_kernel_sizes: listOf(options.kernelSizes, [5, 3, 3, 1, 1]),
    tdnn_dilations: listOf(options.dilations, XVECTOR_DILATIONS),
    lin_neurons: Number(options.embeddingDim),
  };
}

/** Numbers of a model file, or the usual ones where an older file does not have them. */
function listOf(value: unknown, usual: readonly number[]): readonly number[] {
  return Array.isArray(value) && value.length > 0 ? value as number[] : usual;
}

function classifierKeys({ architecture, options }: ModelFacts): Record<string, Value> {
  const size = Number(options.embeddingDim), out = "!ref <out_n_neurons>";
  if (architecture === "ecapa") return { input_size: size, out_neurons: out };
  const width = Number(options.headWidth) || size;
  return {
    input_shape: [-1, -1, size],
    activation: "!name:torch.nn.LeakyReLU",
    lin_blocks: 1,
    lin_neurons: width,
    out_neurons: out,
  };
}
