/** CAM++ against the same network in PyTorch (fixtures/campplus/make.py), lengths, and sizes that make none. */
import assert from "node:assert/strict";
import { readSafetensors, readTorchValues } from "../../../data/files/mod.ts";
import { CamPlusPlus, type CamPlusPlusOptions } from "../../../nn/mod.ts";
import { tensor } from "../../../tensor/mod.ts";
import { forEachDevice } from "../../devices.ts";
import { distance } from "../close.ts";

const folder = new URL("../../fixtures/campplus/", import.meta.url);
const { arrays: expected } = readSafetensors(Deno.readFileSync(new URL("expected.safetensors", folder)), {
  name: "expected.safetensors",
});
const sizes: CamPlusPlusOptions = { inputSize: 8, embeddingDim: 6, channels: [2, 6, 4, 6], blocks: [2, 1, 1] };
const rename = (name: string) => name.replace(".shortcut.", ".downsample.");

/** The network of the fixture, in evaluation. */
function network(variant: "wespeaker" | "3d-speaker"): CamPlusPlus {
  const { "projection.weight": _, ...arrays } = readTorchValues(new URL("avg_model.pt", folder).pathname).arrays;
  const model = new CamPlusPlus({ ...sizes, variant });
  model.loadStateDict(arrays, { rename });
  return model.eval();
}

/** The frames of fixtures/campplus/network.py. */
function frames(count: number): number[] {
  return Array.from({ length: count * 8 }, (_, i) => {
    const t = Math.floor(i / 8), b = i % 8;
    return 2 * Math.sin(0.37 * t + 1.3 * b) + Math.cos(0.011 * t * (b + 1));
  });
}

function assertNear(found: ArrayLike<number>, name: string): void {
  const { data } = expected[name], most = Math.max(...Array.from(data, Math.abs));
  assert.equal(found.length, data.length, name);
  for (let i = 0; i < data.length; i++) {
    assert.ok(Math.abs(found[i] - data[i]) < 2e-5 * most, `${name}[${i}]: ${found[i]}, wanted ${data[i]}`);
  }
}

forEachDevice("CamPlusPlus: embeddings and gradients are PyTorch's, of one segment and of two", async () => {
  for (const variant of ["wespeaker", "3d-speaker"] as const) {
    const model = network(variant);
    for (const count of [37, 203]) {
      const x = tensor(frames(count), { shape: [1, count, 8] }).requireGrad();
      const y = model.forward(x);
      assertNear(await y.data(), `${variant}/${count}/embedding`);
      if (variant === "3d-speaker" || count === 37) continue;
      y.mul(tensor([1, 2, 3, 4, 5, 6])).sum().backward();
      assertNear(await x.grad!.data(), "gradients/x");
      const norms: number[] = [];
      for (const [name, { grad }] of model.namedParameters()) {
        const values = await grad!.data();
        norms.push(Math.hypot(...values));
        const key = `gradients/${name.replace(".downsample.", ".shortcut.")}`;
        if (key in expected) assertNear(values, key);
      }
      assertNear(norms, "gradients/norms");
    }
  }
});

forEachDevice("CamPlusPlus: padding changes nothing, also where it begins a segment or is one", async () => {
  const model = network("wespeaker");
  for (const [count, behind] of [[203, 1], [37, 190], [200, 5], [199, 203]]) {
    const x = tensor(frames(count), { shape: [1, count, 8] });
    const padded = x.pad([0, 0, 0, behind], { value: -20 });
    const found = model.forward(padded, tensor(Int32Array.of(count)));
    assert.ok(await distance(found, model.forward(x)) < 1e-5, `${count} frames and ${behind} of padding`);
    assert.ok(await distance(model.forward(padded), found) > 1e-3); // without lengths it shows
  }
});

Deno.test("CamPlusPlus has the 7.18 million weights of the published ones, and their names", () => {
  const model = new CamPlusPlus({ embeddingDim: 512 });
  assert.equal((model.numParameters / 1e6).toFixed(2), "7.18");
  const names = Object.keys(model.stateDict());
  for (
    const name of [
      "head.layer2.0.downsample.1.running_var",
      "xvector.tdnn.nonlinear.batchnorm.weight",
      "xvector.block2.tdnnd24.cam_layer.linear2.bias",
      "xvector.transit3.linear.weight",
      "xvector.out_nonlinear.batchnorm.num_batches_tracked",
      "xvector.dense.nonlinear.batchnorm.running_mean",
    ]
  ) assert.ok(names.includes(name), name);
  assert.ok(!names.includes("xvector.dense.nonlinear.batchnorm.weight"));
});

Deno.test("CamPlusPlus refuses sizes that make no network", () => {
  const refuses = (options: CamPlusPlusOptions, message: string) =>
    assert.throws(() => new CamPlusPlus(options), { name: "RangeError", message });
  const bad = (what: string) => `Cannot make a CamPlusPlus of ${what}`;
  refuses({ channels: [8] }, bad("channels [8]: expected 4: of pictures, first layer, growth and bottleneck"));
  refuses({ channels: [8, 8, 8, 1] }, bad("a bottleneck of 1 channels: expected at least 2"));
  refuses({ blocks: [1, 2] }, bad("blocks [1, 2]: expected 3 numbers of layers, at most 64 each"));
  refuses({ blocks: [1, 2, 65] }, bad("blocks [1, 2, 65]: expected 3 numbers of layers, at most 64 each"));
  refuses({ variant: "x" as "wespeaker" }, bad('variant "x": expected "wespeaker" or "3d-speaker"'));
});
