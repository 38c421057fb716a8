import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { checkTrainConfig } from "../../train/check_config.ts";
import type { TrainConfig } from "../../train/train_config.ts";
import { trainFields, trainGroups } from "../../train/train_fields.ts";
import { recipes } from "../../train/recipes/mod.ts";
import { resolveConfig } from "../../train/resolve_config.ts";
import { scheduleOf } from "../../train/schedules/from_config.ts";
import { withFolder } from "../tasks/run.ts";

Deno.test("every recipe has a good value for every key, and every key a flag group or a place of its own", () => {
  for (const { name, config } of recipes) {
    deepStrictEqual(Object.keys(config).sort(), Object.keys(trainFields).sort(), name);
    for (const [key, field] of Object.entries(trainFields)) {
      ok(field.check(config[key as keyof TrainConfig]) !== undefined, `${name}: ${key}`);
    }
    checkTrainConfig(config);
  }
  const grouped = Object.values(trainGroups).flat();
  deepStrictEqual([...grouped, "recipe", "data", "out", "device", "seed"].sort(), Object.keys(trainFields).sort());
});

Deno.test("the homework's recipes have the numbers of their sources", async () => {
  const simple = await resolveConfig({ recipe: "hw4-simple" });
  const { batchSize, lr, warmupSteps, validSteps, saveSteps, totalSteps } = simple;
  deepStrictEqual([batchSize, lr, warmupSteps, validSteps, saveSteps, totalSteps], [
    16,
    1e-3,
    1000,
    2000,
    10_000,
    70_000,
  ]);
  const shapeOf = (c: TrainConfig) => [c.dModel, c.nHead, c.numLayers, c.dimFeedforward, c.head];
  deepStrictEqual(shapeOf(simple), [80, 2, 1, 256, "two-layer"]);
  deepStrictEqual(shapeOf(await resolveConfig({ recipe: "hw4-medium" })), [160, 8, 2, 256, "linear"]);
  deepStrictEqual(shapeOf(await resolveConfig({ recipe: "hw4-medium-2023" })), [512, 16, 1, 2048, "2023"]);
  strictEqual(scheduleOf(simple).lrAt(500), 5e-4);
});

Deno.test("a file goes over the recipe, flags over the file; toml, json and jsonc", async () => {
  await withFolder(async (folder) => {
    const texts = {
      "a.toml": 'recipe = "hw4-medium"\nlr = 0.01 # high\nbetas = [0.8, 0.9]\nnormFirst = true\n',
      "a.json": '{"recipe": "hw4-medium", "lr": 0.01, "betas": [0.8, 0.9], "normFirst": true}',
      "a.jsonc": '{ // high\n"recipe": "hw4-medium", "lr": 0.01, /* , } */ "betas": [0.8, 0.9,], "normFirst": true, }',
    };
    for (const [name, text] of Object.entries(texts)) {
      const file = join(folder, name);
      await Deno.writeTextFile(file, text);
      const config = await resolveConfig({ file, flags: { betas: [0.7, 0.9], seed: undefined } });
      const { recipe, lr, betas, normFirst, dModel, seed } = config;
      deepStrictEqual(
        [recipe, lr, betas, normFirst, dModel, seed],
        ["hw4-medium", 0.01, [0.7, 0.9], true, 160, 0],
        name,
      );
    }
    const config = await resolveConfig({ recipe: "hw4-simple", file: join(folder, "a.toml") });
    deepStrictEqual([config.recipe, config.dModel, config.lr], ["hw4-simple", 80, 0.01], "a named recipe wins");
  });
});

Deno.test("what cannot be is refused, naming file, key, value and near names", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "my.toml");
    const refused = async (text: string, name: string, message: string) => {
      await Deno.writeTextFile(file, text);
      await rejects(resolveConfig({ file }), (error: Error) => {
        strictEqual(error.name, name);
        // Up to the nearest name: how many more are near is not this test's business.
        strictEqual(error.message.slice(0, message.replace("FILE", file).length), message.replace("FILE", file));
        return true;
      });
    };
    await refused(
      "totl_steps = 3",
      "SyntaxError",
      'Cannot set "totl_steps" of "FILE": there is no such key; did you mean "totalSteps"',
    );
    await refused(
      "toString = 3",
      "SyntaxError",
      `Cannot set "toString" of "FILE": there is no such key; known are ${
        Object.keys(trainFields).map((key) => `"${key}"`).join(", ")
      }`,
    );
    await refused('lr = "fast"', "RangeError", 'Cannot set "lr" of "FILE" to "fast": expected a number above 0');
    await refused("lr = -1", "RangeError", 'Cannot set "lr" of "FILE" to -1: expected a number above 0');
    await refused(
      "betas = [0.9]",
      "RangeError",
      'Cannot set "betas" of "FILE" to [0.9]: expected 2 numbers, each at least 0 and below 1, separated by commas',
    );
    await refused(
      'head = "three"',
      "RangeError",
      'Cannot set "head" of "FILE" to "three": expected one of "linear", "two-layer", "2023"',
    );
    await refused("normFirst = 1", "RangeError", 'Cannot set "normFirst" of "FILE" to 1: expected true or false');
    await refused("nHead = 3", "RangeError", "Cannot build the model: dModel is 80, which nHead 3 does not divide");
    await refused(
      'attention = "linformer"\nmaxTime = 63',
      "RangeError",
      "Cannot build the model: segmentLength is 64, and Linformer attention is made for a maxTime of 63",
    );
    await refused(
      "holdOut = '\\-'",
      "RangeError",
      'Cannot use holdOut "\\-": Invalid regular expression: /\\-/u: Invalid escape',
    );
    await refused(
      'schedule = "plateau"\nlrGamma = 1',
      "RangeError",
      "Cannot make ReduceLROnPlateau: factor is 1, expected a number below 1",
    );
    await refused(
      "epochs = 50",
      "RangeError",
      "Cannot train 50 epochs: warmupSteps is 60, which counts epochs as well; lower it",
    );
    await refused(
      'epochs = 50\nwarmupSteps = 5\nloss = "am-softmax"\nmarginSteps = 51',
      "RangeError",
      "Cannot train 50 epochs: marginSteps is 51, which counts epochs as well; lower it",
    );
    const encoders = {
      'model = "ecapa"\nchannels = [8, 12, 24]': "channels has a block of 12, which res2netScale 8 does not divide",
      'model = "ecapa"\nchannels = [8]':
        "channels has 1 numbers, expected at least 3, for the first layer, each block and the last layer",
      'model = "xvector"\nchannels = [8, 8]': 'channels has 2 numbers, expected 5, one for each layer of "xvector"',
      'model = "campplus"\nchannels = [8, 8]':
        'channels has 2 numbers, expected 4, one for each of pictures, first layer, growth and bottleneck of "campplus"',
      'model = "resnet34-speaker"\nchannels = [8, 8]':
        'channels has 2 numbers, expected 4, one for each stage of "resnet34-speaker"',
    };
    for (const [text, fault] of Object.entries(encoders)) {
      await refused(text, "RangeError", `Cannot build the model: ${fault}`);
    }
    await refused(
      "channels = [8.5]",
      "RangeError",
      'Cannot set "channels" of "FILE" to [8.5]: expected up to 16 whole numbers, each at least 1 and at most 8192, separated by commas',
    );
    await refused(
      'scheduleUnit = "epoch"',
      "RangeError",
      'Cannot move the learning rate by epochs: epochs is 0; set it, or scheduleUnit to "step"',
    );
    await refused(
      'scheduleUnit = "epoch"\nepochs = 5\nwarmupSteps = 1',
      "RangeError",
      "Cannot warm up by epochs: the whole first one would have a learning rate of 0; set warmupSteps to 0, or",
    );
    await refused(
      'model = "xvector"\ntimeShift = 5',
      "RangeError",
      'Cannot turn utterances by timeShift 5: model "xvector" masks what follows them; set it to 0',
    );
    await refused(
      'recipe = "hw4-smple"',
      "RangeError",
      'Cannot use recipe "hw4-smple": there is none; did you mean "hw4-simple"',
    );
    await refused(
      "lr = ",
      "SyntaxError",
      'Cannot read "FILE": invalid value\n\n1:  lr = \n         ^',
    );
    await rejects(resolveConfig({ file: join(folder, "none.toml") }), {
      message: `Cannot read "${join(folder, "none.toml")}": no such file or folder`,
    });
    await rejects(resolveConfig({ file: folder }), {
      message: `Cannot read "${folder}": it is a folder`,
    });
  });
});

Deno.test("a config file of another kind or shape is refused", async () => {
  await withFolder(async (folder) => {
    const yaml = join(folder, "my.yaml");
    await Deno.writeTextFile(yaml, "lr: 1");
    await rejects(resolveConfig({ file: yaml }), {
      message: `Cannot read "${yaml}": expected a name ending in .toml, .json or .jsonc`,
    });
    const json = join(folder, "my.json");
    await Deno.writeTextFile(json, "[1]");
    await rejects(resolveConfig({ file: json }), {
      message: `Cannot read "${json}": expected keys with values, found [1]`,
    });
    await Deno.writeTextFile(json, '{"lr": }');
    await rejects(resolveConfig({ file: json }), {
      name: "SyntaxError",
      message: /^Cannot read ".*my\.json": Unexpected token/,
    });
  });
});

Deno.test("a resumed run keeps its config; what would no longer fit cannot be changed", async () => {
  await withFolder(async (out) => {
    await rejects(resolveConfig({ flags: { out }, resume: true }), {
      message: `Cannot resume "${out}": it holds no run`,
    });
    const config = await resolveConfig({ recipe: "hw4-medium", flags: { out, lr: 0.01 } });
    await Deno.writeTextFile(join(out, "config.json"), JSON.stringify({ ...config, out: "elsewhere" }));
    deepStrictEqual(await resolveConfig({ flags: { out }, resume: true }), config);
    const longer = await resolveConfig({ recipe: "hw4-medium", flags: { out, totalSteps: 5 }, resume: true });
    deepStrictEqual(longer, { ...config, totalSteps: 5 });
    await rejects(resolveConfig({ flags: { out, dModel: 80 }, resume: true }), {
      name: "RangeError",
      message: `Cannot resume "${out}" with dModel 80: it was started with 160`,
    });
    await rejects(resolveConfig({ recipe: "hw4-simple", flags: { out }, resume: true }), {
      message: `Cannot resume "${out}" with recipe "hw4-simple": it was started with "hw4-medium"`,
    });
    await rejects(resolveConfig({ flags: { out, lrMetric: "loss" }, resume: true }), {
      message: `Cannot resume "${out}" with lrMetric "loss": it was started with "accuracy"`,
    });
    await rejects(resolveConfig({ flags: { out, epochs: 2000 }, resume: true }), {
      name: "RangeError",
      message: `Cannot resume "${out}" with epochs 2000: it was started to count steps, not epochs`,
    });
    const epochs = { ...config, epochs: 3, warmupSteps: 1 };
    await Deno.writeTextFile(join(out, "config.json"), JSON.stringify(epochs));
    const more = await resolveConfig({ flags: { out, epochs: 5 }, resume: true });
    deepStrictEqual(more, { ...epochs, epochs: 5 });
    await rejects(
      resolveConfig({ flags: { out, epochs: 0 }, resume: true }),
      /it was started to count epochs, not steps/,
    );
  });
});
