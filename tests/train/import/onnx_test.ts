/** Importing encoders of speakers from ONNX (fixtures/onnx/make.py), and CAM++ from a WeSpeaker folder (fixtures/campplus/make.py). @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../../data/files/mod.ts";
import { featurePresets } from "../../../data/features/mod.ts";
import { noGrad, tensor } from "../../../tensor/mod.ts";
import { importModel, ImportRefusal } from "../../../train/import/mod.ts";
import { loadModel } from "../../../train/model_file.ts";
import { forEachDevice } from "../../devices.ts";
import { withFolder } from "../../tasks/run.ts";

const fixtures = fileURLToPath(new URL("../../fixtures/", import.meta.url));
const expectedOf = (folder: string) =>
  readSafetensors(Deno.readFileSync(join(fixtures, folder, "expected.safetensors")), { name: "expected" }).arrays;

/** The frames of fixtures/campplus/network.py. */
function frames(count: number) {
  const values = Array.from({ length: count * 8 }, (_, i) => {
    const t = Math.floor(i / 8), b = i % 8;
    return 2 * Math.sin(0.37 * t + 1.3 * b) + Math.cos(0.011 * t * (b + 1));
  });
  return tensor(values, { shape: [1, count, 8] });
}

/** Compares the embedding of 203 frames. */
async function assertEmbeds(out: string, wanted: ArrayLike<number>): Promise<void> {
  const { model } = await loadModel(out);
  const found = await noGrad(() => model.eval().embed(frames(203))).data();
  const most = Math.max(...Array.from(wanted, Math.abs));
  assert.equal(found.length, wanted.length);
  found.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < 2e-5 * most, `${i}: ${value}, not ${wanted[i]}`));
}

const whats: Readonly<Record<string, string>> = {
  "ecapa-glob": "ONNX ECAPA-TDNN, 6 dimensions",
  "ecapa": "ONNX ECAPA-TDNN, 6 dimensions",
  "resnet": "ONNX ResNet, 6 dimensions",
  "resnet-bottleneck": "ONNX ResNet, 6 dimensions",
  "resnet-whole": "ONNX ResNet, 6 dimensions",
  "campplus": "ONNX CAM++, 6 dimensions",
  "campplus-3d": "ONNX CAM++, 6 dimensions",
};

for (const [name, what] of Object.entries(whats)) {
  forEachDevice(`ONNX: ${name} embeds as PyTorch does`, async () => {
    await withFolder(async (root) => {
      const out = join(root, "m.safetensors");
      const result = await importModel(join(fixtures, "onnx", `${name}.onnx`), { out });
      assert.equal(result.what, what);
      assert.deepEqual(result.facts.classes, []);
      const preset = name.startsWith("campplus") ? featurePresets.campplus80 : featurePresets.wespeaker80;
      assert.deepEqual(result.facts.featureSettings, { ...preset, nMels: 8 });
      assert.match(result.said.join("\n"), /the file does not say; --features PRESET says otherwise/);
      await assertEmbeds(out, expectedOf("onnx")[name].data);
    });
  });
}

/** A fixture as protobuf messages, changed, and written as bytes. */
async function changed(name: string, change: (model: OnnxModel) => void): Promise<Uint8Array> {
  const [{ ModelProtoSchema }, { fromBinary, toBinary }] = await Promise.all([
    import("npm:onnx-buf@1.20.0-1"),
    import("npm:@bufbuild/protobuf@2.17.0"),
  ]);
  const model = fromBinary(ModelProtoSchema, await Deno.readFile(join(fixtures, "onnx", `${name}.onnx`)));
  change(model as unknown as OnnxModel);
  return toBinary(ModelProtoSchema, model);
}

/** What is changed of a file. */
interface OnnxModel {
  metadataProps: { key: string; value: string }[];
  graph: {
    node: {
      opType: string;
      name: string;
      input: string[];
      attribute: { name: string; ints: bigint[]; t?: { rawData: Uint8Array } }[];
    }[];
    initializer: {
      name: string;
      dims: bigint[];
      dataType: number;
      rawData: Uint8Array;
      dataLocation: number;
      externalData: { key: string; value: string }[];
    }[];
  };
}

type Node = OnnxModel["graph"]["node"][number];
const nodeOf = ({ graph }: OnnxModel, op: string): Node => graph.node.find(({ opType }) => opType === op)!;
const intsOf = (node: Node, name: string) => node.attribute.find((a) => a.name === name)!.ints;

/** Moves the weights of a model to a file beside it. */
function moveOut({ graph }: OnnxModel, location: string): Uint8Array<ArrayBuffer> {
  const parts: number[] = [];
  for (const tensor of graph.initializer) {
    tensor.externalData = Object.entries({ location, offset: parts.length, length: tensor.rawData.length })
      .map(([key, value]) => ({ $typeName: "onnx.StringStringEntryProto", key, value: String(value) }));
    tensor.dataLocation = 1;
    parts.push(...tensor.rawData);
    tensor.rawData = new Uint8Array();
  }
  return Uint8Array.from(parts);
}

Deno.test("ONNX: weights beside the graph, and what a file says of its features", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "m"), out = join(root, "m.safetensors");
    await Deno.mkdir(folder);
    let weights = new Uint8Array();
    const bytes = await changed("resnet", (model) => {
      weights = moveOut(model, "weights.bin");
      const facts = { sample_rate: "8000", normalize_samples: "1" };
      model.metadataProps = Object.entries(facts)
        .map(([key, value]) => ({ $typeName: "onnx.StringStringEntryProto", key, value }));
    });
    await Deno.writeFile(join(folder, "m.onnx"), bytes);
    await assert.rejects(importModel(folder, { out }), /lies in "weights\.bin", which is no file of the folder/);
    await Deno.writeFile(join(folder, "weights.bin"), weights.slice(0, -100));
    await assert.rejects(importModel(folder, { out }), /takes bytes \d+ to \d+ of "weights\.bin", which has \d+/);
    await Deno.writeFile(join(folder, "weights.bin"), weights);
    const { facts } = await importModel(folder, { out });
    const wanted = { ...featurePresets.wespeaker80, nMels: 8, scale: 1, sampleRate: 8000 };
    assert.deepEqual(facts.featureSettings, wanted);
    await assertEmbeds(out, expectedOf("onnx")["resnet"].data);
    await Deno.writeFile(join(folder, "other.onnx"), bytes);
    await assert.rejects(importModel(folder, { out: `${out}.x` }), /holds m\.onnx, other\.onnx; give the path of one/);
  });
});

const faults: readonly (readonly [what: string, name: string, change: (model: OnnxModel) => void, message: RegExp])[] =
  [
    [
      "another activation",
      "resnet",
      (model) => nodeOf(model, "Relu").opType = "LeakyRelu",
      /its graph is none of ECAPA-TDNN, ResNet, CAM\+\+; .* its layer 2 is LeakyRelu "\/model\/Relu", expected Relu$/,
    ],
    [
      "another kind of layer",
      "ecapa",
      (model) => nodeOf(model, "Conv").opType = "LSTM",
      /layer 1 is LSTM .* expected Conv/,
    ],
    [
      "strides",
      "ecapa",
      (model) => intsOf(nodeOf(model, "Conv"), "strides")[0] = 2n,
      /expected strides \[1\] instead of \[2\]/,
    ],
    ["dilations", "campplus", (model) => {
      const local = model.graph.node.filter(({ name }) => name.endsWith("linear_local/Conv"))[2];
      for (const key of ["dilations", "pads"]) intsOf(local, key).fill(1n);
    }, /differs least from CAM\+\+, .*linear_local\/Conv", expected dilations \[2\] instead of \[1\]/],
    ["arithmetic", "resnet", (model) => nodeOf(model, "Add").opType = "Mul", /expected Add before it/],
    ["added to the variance", "resnet", (model) => {
      const constant = model.graph.node.find(({ name }) => name === "/model/Constant_3")!;
      constant.attribute[0].t!.rawData = new Uint8Array(Float32Array.of(1e-3).buffer);
    }, /no calculation with 0\.001/],
    ["the softmax's axis", "ecapa", (model) => {
      const softmax = nodeOf(model, "Softmax");
      Object.assign(softmax.attribute[0], { i: 1n });
    }, /expected a softmax over time/],
    ["a shape of 100 GB", "resnet", ({ graph }) => graph.initializer[0].dims[0] = 10n ** 10n, /bytes instead of/],
    ["a negative shape", "resnet", ({ graph }) => graph.initializer[0].dims[0] = -2n, /has the shape \[-2\b/],
    ["an unknown type", "resnet", ({ graph }) => {
      graph.initializer[0].dataType = 14;
    }, /its tensor .* is of ONNX's type 14, expected fractions/],
    ["weights outside", "resnet", (model) => moveOut(model, "../w.bin"), /lies in "\.\.\/w\.bin", which is no file/],
    [
      "a value from nowhere",
      "resnet",
      (model) => nodeOf(model, "Relu").input[0] = "x",
      /reads "x", which no node before it makes/,
    ],
    ["no graph's end", "resnet", ({ graph }) => graph.node.splice(-4), /no node makes its result "embs"/],
    ["a layer more", "ecapa", ({ graph }) => {
      graph.node.push({ ...nodeOf({ graph } as OnnxModel, "Relu"), input: ["embs"], name: "more" });
    }, /is Relu "more", expected the end of the graph/],
  ];

for (const [what, name, change, message] of faults) {
  Deno.test(`ONNX: ${what}: refused, and nothing left behind`, async () => {
    await withFolder(async (root) => {
      const path = join(root, "m.onnx");
      await Deno.writeFile(path, await changed(name, change));
      await assert.rejects(importModel(path, { out: join(root, "out") }), (error: Error) => {
        assert.ok(error.message.startsWith(`Cannot import "${path}": `), error.message);
        assert.match(error.message, message);
        return !(error instanceof ImportRefusal);
      });
      assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name), ["m.onnx"]);
    });
  });
}

Deno.test("ONNX: what is none, is cut, or takes other features", async () => {
  await withFolder(async (root) => {
    const path = join(root, "m.onnx"), out = join(root, "out");
    const whole = await Deno.readFile(join(fixtures, "onnx", "ecapa.onnx"));
    for (const bytes of [new TextEncoder().encode("hello"), new Uint8Array(), whole.slice(0, 9000)]) {
      await Deno.writeFile(path, bytes);
      await assert.rejects(importModel(path, { out }), /it is no ONNX file, or /);
    }
    await Deno.writeFile(path, whole);
    await assert.rejects(
      importModel(path, { out, features: "hw4" }),
      /takes frames of 8 values, and --features hw4 have 40/,
    );
    // beside weights of another toolkit, a graph that is none of ours is not what is meant
    await Deno.writeFile(path, await changed("resnet", (model) => nodeOf(model, "Relu").opType = "LeakyRelu"));
    await Deno.writeTextFile(join(root, "model.safetensors"), "hello");
    await assert.rejects(importModel(root, { out }), ImportRefusal);
  });
});

const config = (more: string) =>
  `model: CAMPPlus
model_args:
  feat_dim: 8
  embed_dim: 6
  pooling_func: TSTP
${more}dataset_args:
  fbank_args:
    num_mel_bins: 8
    dither: 1.0
  speed_perturb: true
`;

/** A WeSpeaker folder of CAM++. */
async function writeCampplus(folder: string, more = ""): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.copyFile(join(fixtures, "campplus", "avg_model.pt"), join(folder, "avg_model.pt"));
  await Deno.writeTextFile(join(folder, "config.yaml"), config(more));
}

forEachDevice("WeSpeaker: CAM++ embeds as PyTorch does, with its classes at three speeds", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "m"), out = join(root, "m.safetensors");
    await writeCampplus(folder);
    const { what, facts, said } = await importModel(folder, { out });
    assert.equal(what, "WeSpeaker CAMPPlus");
    assert.deepEqual(facts.featureSettings, { ...featurePresets.campplus80, nMels: 8 });
    assert.deepEqual([facts.classes.length, facts.speedClasses?.length], [3, 6]);
    assert.match(said[0], /a Povey window.*--features wespeaker80/);
    await assertEmbeds(out, expectedOf("campplus")["wespeaker/203/embedding"].data);
  });
});

Deno.test("WeSpeaker: CAM++ whose config.yaml says otherwise is refused", async () => {
  await withFolder(async (root) => {
    const cases = {
      "  growth_rate: 8\n": /config\.yaml": model_args\.growth_rate is 8, but .*linear_local\.weight.* says 4/,
      "  init_channels: 8\n": /model_args\.init_channels is 8, but xvector\.tdnn\.linear\.weight.* says 6/,
      "  config_str: batchnorm-prelu\n":
        /model_args\.config_str is batchnorm-prelu, and voxgrad has batchnorm-relu only/,
    };
    for (const [more, message] of Object.entries(cases)) {
      await writeCampplus(join(root, "m"), more);
      await assert.rejects(importModel(join(root, "m"), { out: join(root, "out") }), message);
    }
  });
});
