import assert from "node:assert/strict";
import {
  LayerNorm,
  lengthMask,
  PositionalEncoding,
  TransformerEncoder,
  TransformerEncoderLayer,
} from "../../nn/mod.ts";
import { randn, tensor, zeros } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose, distance } from "./close.ts";

const parameterNames = [
  ...["self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight", "self_attn.out_proj.bias"],
  ...["linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"],
  ...["norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"],
];

Deno.test("An encoder layer has PyTorch's parameters and default sizes", () => {
  const layer = new TransformerEncoderLayer(8, 2);
  assert.deepEqual(layer.namedParameters().map(([name]) => name), parameterNames);
  assert.deepEqual(layer.linear1.weight.shape, [2048, 8]);
  assert.deepEqual([layer.dropout.p, layer.self_attn.dropout, layer.norm1.eps], [0.1, 0.1, 1e-5]);
  assert.deepEqual([layer.activation, layer.normFirst], ["relu", false]);
});

Deno.test("An encoder names its layers by position, and they share nothing", () => {
  const encoder = new TransformerEncoder(() => new TransformerEncoderLayer(8, 2, { dimFeedforward: 4 }), 2, {
    norm: new LayerNorm(8),
  });
  const names = encoder.namedParameters().map(([name]) => name);
  const layers = ["layers.0.", "layers.1."].flatMap((layer) => parameterNames.map((name) => layer + name));
  assert.deepEqual(names, [...layers, "norm.weight", "norm.bias"]);
});

forEachDevice("Layers of an encoder differ from the start and are applied in order", async () => {
  const encoder = new TransformerEncoder(() => new TransformerEncoderLayer(8, 2, { dimFeedforward: 4 }), 2).eval();
  const [first, second] = encoder.layers;
  assert.ok(await distance(first.linear1.weight, second.linear1.weight) > 0.01);
  const x = randn([2, 3, 8]);
  const wanted = second.forward(first.forward(x));
  await assertClose(encoder.forward(x), wanted, 1e-6);
  encoder.forward(x).square().sum().backward();
  assert.ok(encoder.parameters().every(({ grad }) => grad !== null));
});

forEachDevice("Dropout acts at each of its places while training, and in none in evaluation", async () => {
  const layer = new TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0.3 });
  const x = randn([2, 4, 8]);
  const calm = layer.eval().forward(x);
  assert.equal(await distance(calm, layer.forward(x)), 0);
  for (const place of [layer.self_attn, layer.dropout, layer.dropout1, layer.dropout2]) {
    layer.eval();
    place.train();
    assert.ok(await distance(calm, layer.forward(x)) > 1e-3, `${place} does nothing`);
  }
});

for (const normFirst of [false, true]) {
  forEachDevice(`Hidden frames change no other frame, normFirst=${normFirst}`, async () => {
    const layer = () => new TransformerEncoderLayer(8, 2, { dimFeedforward: 16, normFirst, activation: "gelu" });
    const encoder = new TransformerEncoder(layer, 2).eval();
    const x = randn([1, 6, 8]);
    const noisy = x.add(zeros([1, 4, 8]).pad([0, 0, 0, 2], { value: 50 }));
    const keyPaddingMask = lengthMask(tensor(Int32Array.of(4)), 6);
    const seen = encoder.forward(noisy, { keyPaddingMask }).slice(1, 0, 4);
    await assertClose(seen, encoder.forward(x.slice(1, 0, 4)), 1e-5);
    assert.ok(await distance(encoder.forward(noisy).slice(1, 0, 4), seen) > 1e-3, "the mask does nothing");
  });
}

forEachDevice("Positions are Vaswani's waves, and the table grows", async () => {
  const positions = new PositionalEncoding(6).eval();
  for (const time of [3, 1, 50]) {
    const y = positions.forward(zeros([2, time, 6]));
    assert.deepEqual(y.shape, [2, time, 6]);
    const wave = (t: number, c: number) => (c % 2 ? Math.cos : Math.sin)(t / 10000 ** (Math.floor(c / 2) * 2 / 6));
    const row = Array.from({ length: time * 6 }, (_, i) => wave(Math.floor(i / 6), i % 6));
    await assertClose(y, [...row, ...row], 1e-5, `${time} positions`);
  }
  assert.deepEqual(Object.keys(positions.stateDict()), []);
  await assertClose(new PositionalEncoding(3).eval().forward(zeros([1, 2, 3])), [
    ...[0, 1, 0],
    ...[Math.sin(1), Math.cos(1), Math.sin(10000 ** (-2 / 3))],
  ]);
  const training = new PositionalEncoding(6, { dropout: 0.5 });
  assert.ok(await distance(training.forward(zeros([1, 9, 6])), positions.forward(zeros([1, 9, 6]))) > 0.1);
});
