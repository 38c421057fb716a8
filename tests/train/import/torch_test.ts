/** Importing state dicts: torchvision's ResNets, the sound write-up's networks, homework 4, Lightning's checkpoints. @module */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { type ArrayDict, encodeTorchFile, readTorchValues, writeSafetensors } from "../../../data/files/mod.ts";
import { type Classifier, ResNet, ResNetish, SoundCnn, SpeakerClassifier } from "../../../nn/mod.ts";
import { manualSeed, noGrad } from "../../../tensor/mod.ts";
import { importModel, ImportRefusal } from "../../../train/import/mod.ts";
import { loadModel } from "../../../train/model_file.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn } from "../../gradcheck.ts";
import { withFolder } from "../../tasks/run.ts";

type Rename = (name: string) => string | null;

/** A model's weights under other names; null leaves one out. */
async function weightsOf(model: Classifier, rename: Rename = (name) => name): Promise<ArrayDict> {
  const entries = Object.entries(await model.stateArrays()).map(([name, array]) => [rename(name), array] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, (typeof entry)[1]] => entry[0] !== null));
}

/** Fails unless the imported model gives what the other one does. */
async function assertSame(path: string, model: Classifier, bands: number): Promise<void> {
  const x = drawn(1, [2, 40, bands]), loaded = await loadModel(path);
  model.eval();
  for (const what of ["forward", "embed"] as const) {
    const [found, wanted] = await Promise.all([loaded.model, model].map((m) => noGrad(() => m[what](x)).data()));
    ok(
      found.length > 0 && wanted.every((value, i) => Math.abs(value - found[i]) <= 1e-4 * (1 + Math.abs(value))),
      what,
    );
  }
}

const speakers = ["x", "y", "z"];
const mapping = JSON.stringify({ id2speaker: { ...speakers }, speaker2id: { x: 0, y: 1, z: 2 } });

/** The homework's classifier, narrow. */
const classifier = (options: object = {}) =>
  new SpeakerClassifier({ numSpeakers: 3, nMels: 40, dModel: 8, nHead: 2, dimFeedforward: 12, ...options });

/** As the sample code names its parts. */
const sampleCode: Rename = (name) =>
  name.replace("encoder.layers.0.", "encoder_layer.").replace(/^head\./, "pred_layer.");

const networks: [string, { make: () => Classifier; found: string; architecture: string; rename?: Rename }][] = [
  ["resnet18.pth", {
    make: () => new ResNet({ classes: 3, width: 2, inChannels: 1 }),
    found: "PyTorch ResNet18, 1 input channel",
    architecture: "resnet18",
  }],
  ["a.pt", {
    make: () => new ResNet({ classes: 3, width: 2, depth: 34 }),
    found: "PyTorch ResNet34, 3 input channels",
    architecture: "resnet34",
    rename: (name) => `module.${name.replace("fc.", "fc.1.")}`, // behind dropout, trained on several GPUs
  }],
  ["b.pth", {
    make: () => new ResNet({ classes: 3, width: 1, depth: 50 }),
    found: "PyTorch ResNet50, 3 input channels",
    architecture: "resnet50",
    rename: (name) => name.endsWith("num_batches_tracked") ? null : name, // as very old files
  }],
  ["c.pth", {
    make: () => new ResNetish({ classes: 3, width: 2 }),
    found: "PyTorch ResNetish18",
    architecture: "resnetish18",
  }],
  ["d.pth", {
    make: () => new SoundCnn({ classes: 3, channels: [2, 3, 2, 3], embeddingDim: 5 }),
    found: "PyTorch network of four convolutions (2, 3, 2, 3 channels)",
    architecture: "sound-cnn",
  }],
];

forEachDevice("networks for pictures are told apart by their shapes, and compute as before", async () => {
  await withFolder(async (folder) => {
    for (const [name, { make, found, architecture, rename }] of networks) {
      manualSeed(1);
      const model = make(), file = join(folder, name), out = join(folder, "out", architecture);
      await Deno.writeFile(file, encodeTorchFile(await weightsOf(model, rename)));
      const { what, facts, said } = await importModel(file, { out });
      deepStrictEqual([what, facts.architecture, facts.featureSettings], [found, architecture, null]);
      deepStrictEqual(facts.viewing, { mode: "crops", frames: 501, crops: 1, fixed: true });
      deepStrictEqual(facts.classes, ["class 0", "class 1", "class 2"]);
      match(said.join("\n"), /which features it takes: without --features PRESET .*\n.*they are called "class 0" to/);
      await assertSame(out, model, 64);
    }
  });
});

Deno.test("a ResNet without its last layer embeds (cpu)", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "backbone.pth"),
      out = join(folder, "model"),
      model = new ResNet({ classes: 3, width: 2 }).eval();
    await Deno.writeFile(file, encodeTorchFile(await weightsOf(model, (name) => name.startsWith("fc.") ? null : name)));
    const { facts, said } = await importModel(file, { out, features: "sound64" });
    deepStrictEqual([facts.classes, said], [[], [
      "It has no fc: it is taken for torchvision's ResNet, embeds, and has no classes",
    ]]);
    const x = drawn(1, [1, 40, 64]), loaded = await loadModel(out);
    deepStrictEqual(await noGrad(() => loaded.model.embed(x)).data(), await noGrad(() => model.embed(x)).data());
  });
});

Deno.test("features and labels that the user gives are the model's; safetensors will do as well (cpu)", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "net.safetensors"),
      labels = join(folder, "labels.txt"),
      out = join(folder, "m.safetensors");
    await writeSafetensors(file, await weightsOf(new ResNet({ classes: 3, width: 2 })));
    await Deno.writeTextFile(labels, "dog\ncat\nrain\n");
    const { facts, said } = await importModel(file, { features: "sound64", labels, out });
    deepStrictEqual([facts.classes, facts.channels, facts.viewing.frames], [["dog", "cat", "rain"], 64, 501]);
    deepStrictEqual([facts.featureSettings?.kind, said], ["logMel", []]);
    await Deno.writeTextFile(labels, "dog\ncat\n");
    await rejects(
      importModel(file, { labels, out, overwrite: true }),
      /labels .*labels.txt": it has 2 lines, and the model has 3/,
    );
    await rejects(importModel(file, { features: "sound46", overwrite: true, out }), /sound46/);
  });
});

forEachDevice(
  "homework 4: the sample code's checkpoint with its mapping, and what people changed about it",
  async () => {
    await withFolder(async (folder) => {
      const write = async (model: Classifier, rename: Rename, more: ArrayDict = {}) => {
        await Deno.mkdir(join(folder, "hw4", "utterances"), { recursive: true });
        await Deno.writeFile(
          join(folder, "hw4", "model.ckpt"),
          encodeTorchFile({ ...await weightsOf(model, rename), ...more }),
        );
        await Deno.writeTextFile(join(folder, "hw4", "mapping.json"), mapping);
        await writeSafetensors(join(folder, "hw4", "expected.safetensors"), {
          embeddings: { shape: [1], data: new Float32Array(1) },
        });
      };
      const out = join(folder, "model"), options = { out, overwrite: true };
      manualSeed(1);
      let model = classifier();
      await write(model, sampleCode);
      const { what, facts, said } = await importModel(join(folder, "hw4"), options);
      deepStrictEqual([what, facts.classes], ["NTU homework 4 classifier, 1 Transformer layer of 8", speakers]);
      deepStrictEqual([facts.channels, facts.viewing.mode, facts.featureSettings?.kind], [40, "whole", "logMel"]);
      match(said.join("\n"), /^2 heads of attention, .*; --heads N says otherwise\nFeatures are hw4, /);
      await assertSame(out, model, 40);

      model = classifier({ nHead: 4, head: "linear" });
      await write(model, (name) => sampleCode(name)!.replace("pred_layer.", "pred_layer."));
      const four = await importModel(join(folder, "hw4"), { ...options, heads: 4, features: "hw4" });
      deepStrictEqual([four.said, four.facts.options.nHead, four.facts.options.head], [[], 4, "linear"]);
      await assertSame(out, model, 40);

      model = classifier({ numLayers: 2, head: "2023" });
      const copy = await weightsOf(classifier(), (name) => name.startsWith("encoder.") ? sampleCode(name) : null);
      await write(model, (name) => name.replace(/^head\./, "pred_layer."), copy);
      const two = await importModel(join(folder, "hw4"), options);
      strictEqual(two.what, "NTU homework 4 classifier, 2 Transformer layers of 8");
      match(two.said.join("\n"), /encoder_layer is left out: the layers of encoder are copies of it that were trained/);
      await assertSame(out, model, 40);

      await Deno.writeFile(join(folder, "alone.ckpt"), encodeTorchFile(await weightsOf(classifier(), sampleCode)));
      const alone = await importModel(join(folder, "alone.ckpt"), {
        ...options,
        root: join(folder, "hw4", "utterances"),
      });
      deepStrictEqual(alone.facts.classes, ["speaker 0", "speaker 1", "speaker 2"]);
    });
  },
);

/** A checkpoint as PyTorch Lightning 1.8 writes it, of a network of four convolutions; see make_lightning.py. */
const checkpoint = new URL("../../fixtures/import/lightning.ckpt", import.meta.url).pathname;

forEachDevice(
  "Lightning: the network below state_dict, features as its hyper-parameters say, and nothing of the run",
  async () => {
    await withFolder(async (folder) => {
      const out = join(folder, "model");
      const { what, facts, said } = await importModel(checkpoint, { out });
      strictEqual(what, "PyTorch Lightning network of four convolutions (2, 3, 2, 3 channels)");
      const { sampleRate, hopLength, nFft, nMels, winLength } = facts.featureSettings as unknown as Record<
        string,
        number
      >;
      deepStrictEqual([sampleRate, hopLength, nFft, nMels, winLength], [22050, 220, 512, 16, 512]);
      deepStrictEqual(facts.viewing.frames, 201, "two seconds");
      match(
        said.join("\n"),
        /hyper_parameters: sampleRate 22050, nFft 512, .*\n1 weights are left out: state_dict\.loss\.weight\n/,
      );
      const model = new SoundCnn({ classes: 3, channels: [2, 3, 2, 3], embeddingDim: 5 });
      model.loadStateDict(readTorchValues(checkpoint).arrays, { prefix: "state_dict.model." });
      await assertSame(out, model, 16);
    });
  },
);

Deno.test("Lightning: another toolkit's classifier inside, features that the user says instead (cpu)", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "last.ckpt"), out = join(folder, "model");
    const arrays = await weightsOf(classifier(), (name) => `state_dict.net.${sampleCode(name)}`);
    await Deno.writeFile(file, encodeTorchFile(arrays));
    const { what, facts } = await importModel(file, { out, heads: 2 });
    deepStrictEqual([what, facts.classes[0]], ["PyTorch Lightning classifier, 1 Transformer layer of 8", "speaker 0"]);
    const other = await importModel(checkpoint, { out, overwrite: true, features: "sound64" });
    deepStrictEqual([other.facts.channels, other.said.length], [64, 2]);
  });
});

const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });

Deno.test("mistakes are named with the file, and leave nothing behind (cpu)", async () => {
  const resnet = await weightsOf(new ResNet({ classes: 3, width: 2 }));
  const without = (name: string, arrays = resnet) =>
    Object.fromEntries(Object.entries(arrays).filter(([n]) => n !== name));
  const homework = await weightsOf(classifier(), sampleCode);
  const mistakes: [string, ArrayDict | Uint8Array, RegExp][] = [
    ["missing", without("layer3.0.bn1.bias"), /net.pth" as PyTorch ResNet18, .*: 1 missing \(layer3.0.bn1.bias\)$/],
    ["extra", { ...resnet, "layer1.0.se.weight": zeros(2) }, /1 not known \(layer1.0.se.weight\)$/],
    [
      "shape",
      { ...resnet, "layer2.0.bn1.bias": zeros(5) },
      /1 of another shape \(layer2.0.bn1.bias is \[5\], wanted \[4\]\)$/,
    ],
    [
      "stem",
      { ...resnet, "conv1.weight": zeros(2, 3, 3, 3) },
      /net.pth": its conv1.weight is \[2,3,3,3\], and torchvision's is 7 × 7$/,
    ],
    [
      "head",
      { ...resnet, "fc.weight": zeros(3, 17) },
      /its fc takes 17 numbers, expected 16 \(ResNet\) or 384 \(ResNetish\)$/,
    ],
    [
      "blocks",
      { ...resnet, "layer1.2.conv1.weight": zeros(2, 2, 3, 3) },
      /it has basic 3,2,2,2 blocks, and the known depths are 18/,
    ],
    [
      "next",
      { ...resnet, "layer1.0.conv2.weight": zeros(4, 2, 3, 3) },
      /it is a ResNet of other widths: layer1.0.conv2.weight/,
    ],
    [
      "twice",
      { ...resnet, ...await weightsOf(new ResNet({ classes: 3, width: 2 }), (n) => `ema.${n}`) },
      /it holds more than one network, behind "" and "ema."/,
    ],
    [
      "heads",
      { ...homework, "pred_layer.1.weight": zeros(8, 8) },
      /its pred_layer is of a kind that voxgrad does not have: /,
    ],
    [
      "layers",
      without("none", Object.fromEntries(Object.entries(homework).filter(([n]) => !n.startsWith("encoder")))),
      /it has neither encoder_layer nor encoder.layers/,
    ],
    ["cut", encodeTorchFile(resnet).subarray(0, 5000), /net.pth": it is a zip archive cut short/],
  ];
  await withFolder(async (folder) => {
    const file = join(folder, "net.pth"), out = join(folder, "out");
    for (const [what, given, message] of mistakes) {
      await Deno.writeFile(file, given instanceof Uint8Array ? given : encodeTorchFile(given));
      await rejects(importModel(file, { out }), ({ message: found, name }: Error) => {
        match(found, message, what);
        return name !== "ImportRefusal";
      });
    }
    await Deno.writeFile(file, encodeTorchFile(homework));
    await rejects(importModel(file, { out, heads: 3 }), /its width 8 cannot be parted among 3 heads; give --heads N/);
    await rejects(
      importModel(file, { out, features: "sound64" }),
      /it takes frames of 40 channels, and --features sound64 have 64/,
    );
    await Deno.writeFile(file, encodeTorchFile({ w: zeros(2) }));
    await rejects(importModel(file, { out }), ImportRefusal);
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});

Deno.test("homework 4: a mapping that does not fit, a model.ckpt that is none (cpu)", async () => {
  await withFolder(async (folder) => {
    const out = join(folder, "out"), given = join(folder, "hw4"), file = join(given, "mapping.json");
    await Deno.mkdir(given);
    await Deno.writeFile(join(given, "model.ckpt"), encodeTorchFile(await weightsOf(classifier(), sampleCode)));
    for (
      const [text, message] of [
        ['{"id2speaker":{"0":"x"}}', /mapping.json": id2speaker names 1 speakers, and the model has 3$/],
        ["{}", /mapping.json": id2speaker is missing$/],
        ['{"id2speaker":{"0":"x","1":"x","2":"y"}}', /classes 0 and 1 are both called "x"$/],
        ['{"id2speaker":{"0":"x","1":"z","3":"y"}}', /id2speaker has no name for 2$/],
        ["{", /mapping.json": /],
      ] as const
    ) {
      await Deno.writeTextFile(file, text);
      await rejects(importModel(given, { out }), message);
    }
    await Deno.writeTextFile(file, mapping);
    await Deno.writeFile(join(given, "model.ckpt"), encodeTorchFile({ w: zeros(2) }));
    await rejects(importModel(given, { out }), /model.ckpt": it is no classifier of homework 4/);
    await Deno.writeTextFile(join(given, "model.ckpt"), "no");
    await rejects(importModel(given, { out }), /model.ckpt": it is not a PyTorch file/);
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  });
});

Deno.test("a folder of several checkpoints asks which one (cpu)", async () => {
  await withFolder(async (folder) => {
    const bytes = await Deno.readFile(checkpoint);
    for (const name of ["last.ckpt", "best.ckpt"]) await Deno.writeFile(join(folder, name), bytes);
    await rejects(
      importModel(folder, { out: join(folder, "out") }),
      /it holds 2 files with a network \(.*last.ckpt.*\); give one of them$/,
    );
  });
});
