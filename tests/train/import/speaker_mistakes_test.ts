/** Folders of SpeechBrain and WeSpeaker with mistakes: each is named by file and key, and nothing is left behind. @module */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { type ArrayDict, readTorchFile, writeTorchFile } from "../../../data/files/mod.ts";
import { importModel, ImportRefusal } from "../../../train/import/mod.ts";
import { openImportSource } from "../../../train/import/source.ts";
import { speechbrainLabels } from "../../../train/import/speechbrain_labels.ts";
import { loadModel } from "../../../train/model_file.ts";
import { withFolder } from "../../tasks/run.ts";
import { writeSpeechbrain, writeWespeaker } from "./speaker_folders.ts";

/** Changes a file of a folder. */
type Change = (folder: string) => Promise<void>;

const yaml = (from: string, to: string): Change => async (folder) => {
  const name = await Deno.stat(join(folder, "config.yaml")).then(() => "config.yaml", () => "hyperparams.yaml");
  const text = await Deno.readTextFile(join(folder, name));
  ok(text.includes(from), `the file has no ${from}`);
  await Deno.writeTextFile(join(folder, name), text.replace(from, to));
};
const weights = (name: string, change: (arrays: ArrayDict) => ArrayDict): Change => async (folder) =>
  await writeTorchFile(join(folder, name), change(readTorchFile(join(folder, name))));
const without = (left: string) => (arrays: ArrayDict) =>
  Object.fromEntries(Object.entries(arrays).filter(([key]) => key !== left));
const like = (key: string, other: string) => (arrays: ArrayDict) => ({ ...arrays, [key]: arrays[other] });
const gone = (name: string): Change => (folder) => Deno.remove(join(folder, name));
const cut = (name: string): Change => (folder) => Deno.truncate(join(folder, name), 3000);
const labels = (text: string): Change => (folder) => Deno.writeTextFile(join(folder, "label_encoder.txt"), text);
const bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" +
  Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(",")}]\n`).join("");

type Mistakes = readonly (readonly [name: string, change: Change, message: RegExp])[];

const ecapa: Mistakes = [
  ["no YAML", gone("hyperparams.yaml"), /it holds no hyperparams.yaml/],
  ["no encoder", gone("embedding_model.ckpt"), /it holds no embedding_model.ckpt/],
  ["no classifier", gone("classifier.ckpt"), /it holds no classifier.ckpt/],
  ["no labels", gone("label_encoder.txt"), /it holds no label_encoder.txt; --labels FILE names the 3 classes/],
  ["cut encoder", cut("embedding_model.ckpt"), /embedding_model.ckpt": /],
  ["bomb", yaml("n_mels: 12", bomb + "n_mels: 12"), /hyperparams.yaml": it has more than 50000 values/],
  ["Python tag as a size", yaml("lin_neurons: 6", "lin_neurons: !!python/name:os.system"), /lin_neurons is "tag:yaml/],
  ["bands", yaml("n_mels: 12", "n_mels: 13"), /compute_features.n_mels|embedding_model.input_size is 13, but/],
  ["channels", yaml("[8, 8, 12, 12, 16]", "[8, 8, 8, 8, 16]"), /embedding_model.channels is \[8, 8, 8, 8, 16\], but/],
  [
    "dimensions",
    yaml("lin_neurons: 6", "lin_neurons: 192"),
    /lin_neurons is 192, but fc.conv.weight of ".*ckpt" says 6/,
  ],
  ["a text", yaml("se_channels: 3", "se_channels: many"), /embedding_model.se_channels is "many", expected a number/],
  ["dilations", yaml("[1, 2, 3, 4, 1]", "[1, 2]"), /dilations is \[1, 2\], expected 5 whole numbers/],
  ["context", yaml("se_channels: 3", "global_context: False"), /embedding_model.global_context is false, but/],
  ["groups", yaml("se_channels: 3", "groups: [1, 2, 1, 1, 1]"), /embedding_model.groups is \[1,2,1,1,1\]/],
  [
    "activation",
    yaml("se_channels: 3", "activation: !name:torch.nn.GELU"),
    /embedding_model.activation is "!name:torch.nn.GELU", and voxgrad has torch.nn.ReLU only/,
  ],
  ["classes", yaml("out_n_neurons: 3", "out_n_neurons: 4"), /classifier.out_neurons is 4, but weight of ".*" says 3/],
  ["another model", yaml("ECAPA_TDNN.ECAPA_TDNN", "ResNet.ResNet"), /embedding_model is ".*ResNet", and voxgrad knows/],
  ["other features", yaml("features.Fbank", "features.MFCC"), /compute_features is ".*MFCC", and voxgrad has/],
  [
    "deltas",
    yaml("    n_mels: !ref <n_mels>\n\nmean", "    n_mels: !ref <n_mels>\n    deltas: True\n\nmean"),
    /compute_features.deltas is true, and voxgrad has false only/,
  ],
  ["deviation", yaml("std_norm: False", "std_norm: True"), /mean_var_norm.std_norm is true/],
  [
    "global mean",
    yaml("norm_type: sentence", "norm_type: global"),
    /norm_type is "global", and voxgrad has "sentence"/,
  ],
  ["dangling reference", yaml("<out_n_neurons>", "<out_neurons>"), /classifier.out_neurons refers to <out_neurons>/],
  [
    "missing",
    weights("embedding_model.ckpt", without("asp_bn.norm.running_var")),
    /embedding_model.ckpt" as .*: 1 missing \(asp_bn.norm.running_var\)/,
  ],
  ["missing size", weights("embedding_model.ckpt", without("fc.conv.weight")), /ckpt": it has no fc.conv.weight/],
  [
    "extra",
    weights("embedding_model.ckpt", like("extra.bias", "mfa.conv.conv.bias")),
    /embedding_model.ckpt" as .*: 1 not known \(extra.bias\)/,
  ],
  [
    "shape",
    weights("embedding_model.ckpt", like("fc.conv.bias", "mfa.conv.conv.bias")),
    /embedding_model.ckpt" as .*: .*fc.conv.bias is \[16\], wanted \[6\]/,
  ],
  [
    "axes",
    weights("embedding_model.ckpt", like("fc.conv.weight", "fc.conv.bias")),
    /fc.conv.weight is \[6\], expected 3/,
  ],
  [
    "a block left out",
    weights(
      "embedding_model.ckpt",
      (all) => Object.fromEntries(Object.entries(all).filter(([key]) => !key.startsWith("blocks.2."))),
    ),
    /it has no blocks.2.\*, but higher numbers/,
  ],
  [
    "classifier's width",
    weights("classifier.ckpt", (all) => ({ weight: { ...all.weight, shape: [6, 3] } })),
    /takes 3 values/,
  ],
  ["classifier's other weights", weights("classifier.ckpt", like("x", "weight")), /classifier.ckpt": it has x, which/],
  ["same index", labels("'a' => 0\n'b' => 0\n'c' => 1\n"), /label_encoder.txt": index 0 is "a" and "b"/],
  ["same label", labels("'a' => 0\n'a' => 1\n'c' => 2\n"), /classes 0 and 1 are both called "a"/],
  ["index left out", labels("'a' => 0\n'b' => 1\n'c' => 3\n"), /it names 3 classes, but none has index 2/],
  ["too few labels", labels("'a' => 0\n'b' => 1\n"), /it names 2 classes, but the classifier has 3/],
  ["no label", labels("'a' => 0\nb\n"), /label_encoder.txt": line 2 is not 'NAME' => INDEX/],
  ["first index", labels("'a' => 0\n'b' => 1\n'c' => 2\n====\n'starting_index' => 1\n"), /'starting_index' is 1/],
];

const xvector: Mistakes = [
  ["layers", yaml("tdnn_blocks: 2", "tdnn_blocks: 5"), /embedding_model.tdnn_blocks is 5, but/],
  [
    "input",
    yaml("[null, null, 5]", "[null, null, 6]"),
    /classifier.input_shape is .*6\], but embeddings have 5 values/,
  ],
  ["lin_blocks", yaml("lin_blocks: 1", "lin_blocks: x"), /classifier.lin_blocks is "x", expected a number/],
  ["kernels", yaml("[5, 3]", "[5, 5]"), /tdnn_kernel_sizes is \[5, 5\], but blocks.\*.conv.weight of/],
  ["dilations", yaml("[1, 3]", "[1, 0]"), /tdnn_dilations is \[1, 0\], expected 2 whole numbers from 1/],
  ["classifier", weights("classifier.ckpt", without("norm.norm.bias")), /classifier.ckpt": it has no norm.norm.bias/],
  [
    "shape",
    weights("classifier.ckpt", like("norm.norm.bias", "out.w.bias")),
    /norm.norm.bias is \[3\], expected \[5\]/,
  ],
  ["a layer", weights("embedding_model.ckpt", without("blocks.0.conv.weight")), /it has no blocks.0.conv.weight/],
];

const wespeakerEcapa: Mistakes = [
  ["no YAML", gone("config.yaml"), /it holds no config.yaml/],
  ["no weights", gone("avg_model.pt"), /it holds no avg_model.pt/],
  ["cut", cut("avg_model.pt"), /avg_model.pt": /],
  ["frontend", yaml("  resample_rate", "  frontend: s3prl\n  resample_rate"), /dataset_args.frontend is s3prl, and/],
  ["raw", yaml("  resample_rate", "  raw_wav: true\n  resample_rate"), /dataset_args.raw_wav is true/],
  ["variance", yaml("  resample_rate", "  cmvn_args: {norm_var: true}\n  resample_rate"), /cmvn_args.norm_var is true/],
  [
    "fbank",
    yaml("    dither: 1.0", "    energy: true"),
    /dataset_args.fbank_args.energy is true, and voxgrad does not know/,
  ],
  [
    "bands",
    yaml("num_mel_bins: 16", "num_mel_bins: 80"),
    /fbank_args.num_mel_bins is 80, but the encoder's weights take 16/,
  ],
  ["rate", yaml("resample_rate: 16000", "resample_rate: -1"), /dataset_args makes no features: .*sampleRate/],
  ["pooling", yaml("ASTP", "MQMHASTP"), /model_args.pooling_func is MQMHASTP, and voxgrad has ASTP only/],
  ["another model", yaml("ECAPA_TDNN_c512", "ERes2Net34_Base"), /model is ERes2Net34_Base, and voxgrad knows/],
  [
    "GLOB",
    yaml("ECAPA_TDNN_c512", "ECAPA_TDNN_GLOB_c512"),
    /model is ECAPA_TDNN_GLOB_c512, but pool.linear1.weight does not/,
  ],
  ["last norm", yaml("emb_bn: false", "emb_bn: true"), /model_args.emb_bn is true, but the weights have no bn2/],
  ["dimensions", yaml("embed_dim: 6", "embed_dim: 192"), /model_args.embed_dim is 192, but linear.weight of/],
  ["input", yaml("feat_dim: 16", "feat_dim: 80"), /model_args.feat_dim is 80, but layer1.conv.weight of/],
  ["speakers", yaml("num_class: 4", "num_class: 12"), /projection_args.num_class is 12, but projection.weight of/],
  [
    "speeds",
    yaml("speed_perturb: false", "speed_perturb: true"),
    /speed_perturb is true, but projection.weight has 4 rows/,
  ],
  ["scale", yaml("scale: 24.0", "scale: 0"), /projection_args.scale is 0, expected a number above 0/],
  [
    "missing",
    weights("avg_model.pt", without("layer3.se_res2block.3.linear2.bias")),
    /1 missing \(layer3.se_res2block.3.linear2.bias\)/,
  ],
  ["extra", weights("avg_model.pt", like("bn3.bias", "bn.bias")), /avg_model.pt" as .*: 1 not known \(bn3.bias\)/],
  ["shape", weights("avg_model.pt", like("linear.bias", "bn.bias")), /linear.bias is \[24\], wanted \[6\]/],
];

const wespeakerResnet: Mistakes = [
  [
    "depth",
    yaml("model: ResNet18", "model: ResNet34"),
    /model is ResNet34 with stages of \[3,4,6,3\] blocks, but the weights have \[2,2,2,2\]/,
  ],
  [
    "second layer",
    yaml("two_emb_layer: true", "two_emb_layer: false"),
    /two_emb_layer is false, but the weights have seg_2/,
  ],
  ["pooling", yaml("TSTP", "TAP"), /model_args.pooling_func is TAP, and voxgrad has TSTP only/],
  [
    "bands",
    yaml("feat_dim: 16", "feat_dim: 80"),
    /model_args.feat_dim is 80, of which 10 are left, but seg_1.weight of/,
  ],
  ["a block", weights("avg_model.pt", without("layer2.0.conv1.weight")), /it has no layer2.0.conv1.weight/],
];

const kinds: Readonly<Record<string, [write: (folder: string) => Promise<void>, mistakes: Mistakes]>> = {
  "SpeechBrain ECAPA-TDNN": [(folder) => writeSpeechbrain(folder, "speechbrain-ecapa"), ecapa],
  "SpeechBrain x-vector": [(folder) => writeSpeechbrain(folder, "speechbrain-xvector"), xvector],
  "WeSpeaker ECAPA-TDNN": [(folder) => writeWespeaker(folder, "wespeaker-ecapa"), wespeakerEcapa],
  "WeSpeaker ResNet18": [(folder) => writeWespeaker(folder, "wespeaker-resnet18"), wespeakerResnet],
};

for (const [kind, [write, mistakes]] of Object.entries(kinds)) {
  Deno.test(`mistakes in a folder of a ${kind} are named, and leave nothing behind`, async (t) => {
    for (const [name, change, message] of mistakes) {
      await t.step(name, () =>
        withFolder(async (root) => {
          await write(join(root, "m"));
          await change(join(root, "m"));
          await rejects(importModel(join(root, "m"), { out: join(root, "out") }), (error: Error) => {
            match(error.message, message);
            match(error.message, /^Cannot (?:import|use|read) "/);
            ok(!(error instanceof ImportRefusal));
            return true;
          });
          deepStrictEqual((await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name), ["m"]);
        }));
    }
  });
}

Deno.test("classifiers that voxgrad does not have are left out, said, and the model embeds", async () => {
  await withFolder(async (root) => {
    const out = join(root, "out"),
      imported = async (change: Change, write: (folder: string) => Promise<void>) => {
        await Deno.remove(join(root, "m"), { recursive: true }).catch(() => {});
        await write(join(root, "m"));
        await change(join(root, "m"));
        const { facts, said } = await importModel(join(root, "m"), { out, overwrite: true });
        deepStrictEqual(facts.classes, []);
        strictEqual((await loadModel(out)).classes.length, 0);
        return said.join("\n");
      };
    const [ecapa] = kinds["SpeechBrain ECAPA-TDNN"], [wespeaker] = kinds["WeSpeaker ECAPA-TDNN"];
    match(
      await imported(yaml("out_neurons:", "lin_blocks: 2\n    out_neurons:"), ecapa),
      /left out \(classifier.lin_blocks 2/,
    );
    match(await imported(yaml("classifier: !new", "other: !new"), ecapa), /has no classifier: the model embeds only/);
    match(await imported(yaml("arc_margin", "sphereface2"), wespeaker), /projection_args.project_type sphereface2/);
    match(await imported(weights("avg_model.pt", without("projection.weight")), wespeaker), /has no projection.weight/);
  });
});

Deno.test("a folder of two toolkits is refused until one is named, and a file alone", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "m"), out = join(root, "out");
    await writeSpeechbrain(folder, "speechbrain-xvector");
    await writeWespeaker(folder, "wespeaker-ecapa");
    await rejects(importModel(folder, { out }), {
      name: "ImportRefusal",
      message:
        /it could be SpeechBrain x-vector \(--from speechbrain\), WeSpeaker ECAPA_TDNN_c512 \(--from wespeaker\)/,
    });
    strictEqual((await importModel(folder, { out, from: "wespeaker" })).facts.architecture, "ecapa");
    await rejects(importModel(join(folder, "avg_model.pt"), { out: join(root, "b") }), {
      name: "ImportRefusal",
      message: /avg_model.pt" without the files beside it: .* run deno task import .*\/m$/,
    });
    const { files } = await openImportSource(join(folder, "avg_model.pt"), { root: folder });
    ok(files.has("config.yaml"));
    await importModel(join(folder, "avg_model.pt"), { out: join(root, "b"), root: folder, from: "wespeaker" });
  });
});

Deno.test("labels as Python writes them", () => {
  const read = (text: string, count: number) => speechbrainLabels(text, { path: "l.txt", count });
  deepStrictEqual(read(`'a\\'b' => 1\r\n"c\\\\d" => 0\r\n`, 2), ["c\\d", "a'b"]);
  deepStrictEqual(read("'\\u4e2d => 1' => 0\n7 => 1\n", 2), ["中 => 1", "7"]);
});
