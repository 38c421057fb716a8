/** Folders of tiny speaker models, as SpeechBrain and WeSpeaker leave them; see tests/fixtures/speakers/make.py. */
import { join } from "node:path";
import { type ArrayDict, writeTorchFile } from "../../../data/files/mod.ts";

const fixtures = new URL("../../fixtures/speakers/", import.meta.url);

/** Shapes of weights, and channels of batch normalisations by name: below 0 for those without weight and bias. */
interface Shapes {
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly norms: Readonly<Record<string, number>>;
}

export interface SpeakerCase {
  readonly name: string;
  /** What PyTorch made of {@linkcode noise}. */
  readonly embedding: readonly number[];
  readonly logits: readonly number[];
  readonly encoder: Shapes;
  readonly classifier?: Shapes;
}

const text = await Deno.readTextFile(new URL("expected.jsonl", fixtures));

export const speakerCases: ReadonlyMap<string, SpeakerCase> = new Map(
  text.trimEnd().split("\n").map((line) => JSON.parse(line)).map((found: SpeakerCase) => [found.name, found]),
);

/** Numbers in [−0.5, 0.5) that a name gives. */
function drawn(name: string, count: number): number[] {
  let x = 2166136261;
  for (const byte of new TextEncoder().encode(name)) x = Math.imul(x ^ byte, 16777619) >>> 0;
  return Array.from({ length: count }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x / 2 ** 32 - 0.5;
  });
}

/** Half a second that grows louder from nothing, 16 kHz. */
export const noise = Float32Array.from(drawn("wave", 8000), (v, i) => {
  const loud = i / 7999;
  return v * (loud * loud * loud * loud);
});

/** The weights of that name. `counts`: what a batch normalisation's counter of batches holds. */
export function weightsOf({ weights, norms }: Shapes, counts: Int32Array | Float32Array = Int32Array.of(7)): ArrayDict {
  const arrays: ArrayDict = {};
  for (const [name, shape] of Object.entries(weights)) {
    const count = shape.reduce((product, n) => product * n, 1), fan = count / shape[0];
    const factor = shape.length > 1 ? 3 / Math.sqrt(fan) : 0.4;
    arrays[name] = { shape, data: Float32Array.from(drawn(name, count), (v) => v * factor) };
  }
  const leaves = [["weight", 0.8, 1], ["bias", 1, 0], ["running_mean", 1, 0], ["running_var", 1, 1]] as const;
  for (const [name, channels] of Object.entries(norms)) {
    for (const [leaf, factor, plus] of channels < 0 ? leaves.slice(2) : leaves) {
      const path = `${name}.${leaf}`, size = Math.abs(channels);
      arrays[path] = { shape: [size], data: Float32Array.from(drawn(path, size), (v) => v * factor + plus) };
    }
    arrays[`${name}.num_batches_tracked`] = { shape: [], data: counts };
  }
  return arrays;
}

const encoders: Readonly<Record<string, string>> = {
  "speechbrain-ecapa": `!new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [8, 8, 12, 12, 16]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 4
    res2net_scale: 4
    se_channels: 3
    lin_neurons: 6

classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 6
    out_neurons: !ref <out_n_neurons>
`,
  "speechbrain-xvector": `!new:speechbrain.lobes.models.Xvector.Xvector
    in_channels: !ref <n_mels>
    activation: !name:torch.nn.LeakyReLU
    tdnn_blocks: 2
    tdnn_channels: [6, 8]
    tdnn_kernel_sizes: [5, 3]
    tdnn_dilations: [1, 3]
    lin_neurons: 5

classifier: !new:speechbrain.lobes.models.Xvector.Classifier
    input_shape: [null, null, 5]
    activation: !name:torch.nn.LeakyReLU
    lin_blocks: 1
    lin_neurons: 7
    out_neurons: !ref <out_n_neurons>
`,
};

/** hyperparams.yaml of a case. */
export function hyperparams(name: string): string {
  return `n_mels: ${name === "speechbrain-ecapa" ? 12 : 6}
pretrained_path: nobody/tiny
out_n_neurons: 3

compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>

mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False

embedding_model: ${encoders[name]}
modules:
    embedding_model: !ref <embedding_model>

pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    paths:
        embedding_model: !ref <pretrained_path>/embedding_model.ckpt
        classifier: !ref <pretrained_path>/classifier.ckpt
        label_encoder: !ref <pretrained_path>/label_encoder.txt
`;
}

/** Classes of the SpeechBrain folders, whose lines are not in the order of the indexes. */
export const labels = ["id7", "Zoë's", "id9"];

const labelEncoder = `'id9' => 2\n"Zo\\xeb's" => 1\n'id7' => 0\n================\n'starting_index' => 0\n`;

/** What a test changes about a folder: a file's text or weights by its name; null takes it away. */
export type Changes = Readonly<Record<string, (before: string) => string> | Record<string, never>>;

/** Writes a case of SpeechBrain. The x-vector's `.ckpt` files are PyTorch's own. */
export async function writeSpeechbrain(folder: string, name: "speechbrain-ecapa" | "speechbrain-xvector") {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "hyperparams.yaml"), hyperparams(name));
  await Deno.writeTextFile(join(folder, "label_encoder.txt"), labelEncoder);
  for (const [part, file] of [["encoder", "embedding_model.ckpt"], ["classifier", "classifier.ckpt"]] as const) {
    const path = join(folder, file);
    if (name === "speechbrain-xvector") await Deno.copyFile(new URL(`xvector/${file}`, fixtures), path);
    else await writeTorchFile(path, weightsOf(speakerCases.get(name)![part]!));
  }
}

const wespeakerModels: Readonly<Record<string, { model: string; pooling: string; embedding: number; more: string }>> = {
  "wespeaker-ecapa-glob": { model: "ECAPA_TDNN_GLOB_c512", pooling: "ASTP", embedding: 6, more: "emb_bn: true" },
  "wespeaker-ecapa": { model: "ECAPA_TDNN_c512", pooling: "ASTP", embedding: 6, more: "emb_bn: false" },
  "wespeaker-resnet18": { model: "ResNet18", pooling: "TSTP", embedding: 5, more: "two_emb_layer: true" },
  "wespeaker-resnet50": { model: "ResNet50", pooling: "TSTP", embedding: 5, more: "two_emb_layer: false" },
};

/** config.yaml of a case. */
export function wespeakerConfig(name: string): string {
  const { model, pooling, embedding, more } = wespeakerModels[name];
  const rows = speakerCases.get(name)!.encoder.weights["projection.weight"][0];
  return `data_type: shard
dataset_args:
  fbank_args:
    dither: 1.0
    frame_length: 25
    frame_shift: 10
    num_mel_bins: 16
  resample_rate: 16000
  speed_perturb: ${rows % 3 === 0}
gpus: '[0,1]'
model: ${model}
model_args:
  embed_dim: ${embedding}
  feat_dim: 16
  pooling_func: ${pooling}
  ${more}
optimizer_args:
  weight_decay: 1.0e-04
projection_args:
  embed_dim: ${embedding}
  num_class: ${rows}
  project_type: arc_margin
  scale: 24.0
`;
}

/** Writes a case of WeSpeaker. */
export async function writeWespeaker(folder: string, name: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "config.yaml"), wespeakerConfig(name));
  // its averaging of checkpoints divides counts as well
  await writeTorchFile(
    join(folder, "avg_model.pt"),
    weightsOf(speakerCases.get(name)!.encoder, Float32Array.of(7.5)),
  );
}
