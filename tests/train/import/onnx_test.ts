/** Importing encoders of speakers from ONNX (fixtures/onnx/make.py). @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { featurePresets } from "../../../data/features/mod.ts";
import { importModel, ImportRefusal } from "../../../train/import/mod.ts";
import { forEachDevice } from "../../devices.ts";
import { assertEmbeds, expectedOf, fixtures } from "./speaker_frames.ts";
import { withFolder } from "../../tasks/run.ts";

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
    input: { type: { value: { value: { shape: { dim: { value: { value: bigint | string } }[] } } } } }[];
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
    [
      "other frames than the weights take",
      "resnet",
      ({ graph }) => graph.input[0].type.value.value.shape.dim[2].value.value = 1_000_000_000n,
      /its input "feats" has frames of 1000000000 values, but its weights take 8/,
    ],
    ["a node with many inputs", "resnet", (model) => {
      const { input } = nodeOf(model, "Concat");
      for (let i = 0; i < 100_000; i++) input.push(input[0]);
    }, /its nodes have \d+ inputs and outputs, more than the 100000 that are read/],
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
