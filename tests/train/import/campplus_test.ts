/** Importing CAM++ from folders of WeSpeaker and 3D-Speaker (fixtures/campplus/make.py). @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { featurePresets } from "../../../data/features/mod.ts";
import { encodeTorchFile, readTorchValues } from "../../../data/files/mod.ts";
import { importModel, ImportRefusal } from "../../../train/import/mod.ts";
import { forEachDevice } from "../../devices.ts";
import { withFolder } from "../../tasks/run.ts";
import { assertEmbeds, expectedOf, fixtures } from "./speaker_frames.ts";

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

forEachDevice("3D-Speaker: CAM++ embeds as PyTorch does, its deviation without 1e-7", async () => {
  await withFolder(async (root) => {
    const folder = join(root, "speech_campplus"), out = join(root, "m.safetensors");
    const { "projection.weight": _, ...arrays } = readTorchValues(join(fixtures, "campplus", "avg_model.pt")).arrays;
    await Deno.mkdir(folder);
    await Deno.writeFile(join(folder, "campplus_cn_common.bin"), encodeTorchFile(arrays));
    await Deno.writeTextFile(join(folder, "configuration.json"), "{}");
    const { what, facts, said } = await importModel(folder, { out });
    assert.equal(what, "3D-Speaker CAM++, 6 dimensions");
    assert.deepEqual([facts.options.variant, facts.classes.length], ["3d-speaker", 0]);
    assert.deepEqual(facts.featureSettings, { ...featurePresets.campplus80, nMels: 8 });
    assert.match(said.join(), /campplus80/);
    await assertEmbeds(out, expectedOf("campplus")["3d-speaker/203/embedding"].data);
    const importing = (hints = {}) => importModel(folder, { out: join(root, "x"), ...hints });
    await assert.rejects(importing({ features: "hw4" }), /takes frames of 8 values, and --features hw4 have 40/);
    const { "xvector.dense.linear.weight": dense, ...rest } = arrays;
    await Deno.writeFile(join(folder, "campplus_cn_common.bin"), encodeTorchFile(rest));
    await assert.rejects(importing(), /campplus_cn_common\.bin": it has no xvector\.dense\.linear\.weight/);
    const more = { ...arrays, "xvector.dense.linear.weight": { shape: [6, 3], data: dense.data.slice(0, 18) } };
    await Deno.writeFile(join(folder, "campplus_cn_common.bin"), encodeTorchFile(more));
    await assert.rejects(importing(), /xvector\.dense\.linear\.weight is \[6,3\], expected 3 sizes above 0/);
    const wide = { ...arrays, "head.conv1.weight": { shape: [8192, 1, 3, 3], data: new Float32Array(8192 * 9) } };
    await Deno.writeFile(join(folder, "campplus_cn_common.bin"), encodeTorchFile(wide));
    await assert.rejects(importing(), /takes 2 channels to 2, but head\.conv1\.weight makes 8192/);
    await Deno.writeFile(join(folder, "second.bin"), encodeTorchFile(arrays));
    await assert.rejects(importing(), /holds campplus_cn_common\.bin, second\.bin; give the path of one/);
    await assert.rejects(importing({ from: "torchvision" }), ImportRefusal);
  });
});
