import assert from "node:assert/strict";
import {
  ConformerBlock,
  type ConformerBlockOptions,
  ConformerConvolution,
  ConformerEncoder,
  lengthMask,
} from "../../nn/mod.ts";
import { manualSeed, randn, type Tensor, tensor } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose, distance } from "./close.ts";

const small: ConformerBlockOptions = { kernelSize: 5, dropout: 0, ffExpansion: 2 };

/** The block of which the sum is written out here. */
function byHand(block: ConformerBlock, x: Tensor, lengths: Tensor): Tensor {
  const keyPaddingMask = lengthMask(lengths, x.shape[1]);
  const half = x.add(block.ffn1.forward(x).mul(block.feedForwardFactor));
  const attend = (y: Tensor) =>
    y.add(block.self_attn.attend(block.self_attn_layer_norm.forward(y), { keyPaddingMask }));
  const convolve = (y: Tensor) => y.add(block.conv_module.forward(y, lengths));
  const both = block.convolutionFirst ? attend(convolve(half)) : convolve(attend(half));
  return block.final_layer_norm.forward(both.add(block.ffn2.forward(both).mul(block.feedForwardFactor)));
}

forEachDevice("A block adds half steps, attention and convolution to its input, in either order", async () => {
  const [x, lengths] = [randn([2, 7, 8]), tensor(Int32Array.of(7, 4))];
  const others: ConformerBlockOptions[] = [{}, { halfStepResidual: false }, { convolutionFirst: true }];
  for (const options of others) {
    const block = new ConformerBlock(8, 2, { ...small, ...options }).eval();
    assert.equal(block.feedForwardFactor, options.halfStepResidual === false ? 1 : 0.5);
    await assertClose(block.forward(x, lengths), byHand(block, x, lengths), 1e-5, JSON.stringify(options));
  }
});

forEachDevice("The convolution module is its layers, and hears silence where padding is", async () => {
  const module = new ConformerConvolution(4, { kernelSize: 3, convExpansion: 4 }).eval();
  const shapes = module.namedParameters().map(([name, { shape }]) => `${name} ${shape}`);
  assert.deepEqual(shapes, [
    ...["layer_norm.weight 4", "layer_norm.bias 4", "sequential.0.weight 16,4,1", "sequential.0.bias 16"],
    ...["sequential.2.weight 8,1,3", "sequential.3.weight 8", "sequential.3.bias 8"],
    ...["sequential.5.weight 4,8,1", "sequential.5.bias 4"],
  ]);
  const state = module.stateDict();
  const x = randn([1, 6, 4]);
  const gated = module.layer_norm.forward(x).matmul(state["sequential.0.weight"].squeeze(2).transpose(0, 1))
    .add(state["sequential.0.bias"]);
  const [value, gate] = gated.chunk(2, -1);
  const padded = value.mul(gate.sigmoid()).pad([0, 0, 1, 1]);
  const taps = [0, 1, 2].map((k) =>
    padded.slice(1, k, k + 6).mul(state["sequential.2.weight"].select(2, k).squeeze(1))
  );
  const spread = taps[0].add(taps[1]).add(taps[2]).div(Math.sqrt(1 + 1e-5)); // running statistics are 0 and 1
  const wanted = spread.silu().matmul(state["sequential.5.weight"].squeeze(2).transpose(0, 1)).add(
    state["sequential.5.bias"],
  );
  await assertClose(module.forward(x), wanted, 1e-5);
  const behind = module.forward(x.pad([0, 0, 0, 5], { value: 50 }), tensor(Int32Array.of(6))).slice(1, 0, 6);
  await assertClose(behind, wanted, 1e-5, "in front of padding");
});

forEachDevice("Padding changes neither outputs nor statistics nor gradients in training", async () => {
  const results = [[0, 0], [-20, 3]].map(([value, extra]) => {
    manualSeed(3);
    const block = new ConformerBlock(8, 2, small);
    const rows = [randn([1, 6, 8]), randn([1, 3, 8]).pad([0, 0, 0, 3], { value })];
    const x = rows[0].pad([0, 0, 0, 0, 0, 1]).add(rows[1].pad([0, 0, 0, 0, 1, 0])).pad([0, 0, 0, extra], { value });
    const lengths = tensor(Int32Array.of(6, 3));
    const y = block.forward(x, lengths).maskedFill(lengthMask(lengths, 6 + extra).unsqueeze(-1), 0).slice(1, 0, 6);
    y.mul(randn([2, 6, 8])).sum().backward();
    const gradients = block.namedParameters().map(([name, { grad }]) => [name, grad!] as const);
    return [["output", y] as const, ...block.namedBuffers(), ...gradients];
  });
  for (const [i, [name, t]] of results[0].entries()) await assertClose(results[1][i][1], t, 2e-4, name);
  assert.ok(await distance(results[0][1][1], randn([8]).mul(0)) > 1e-4, "statistics were not gathered");
});

forEachDevice(
  "Utterances keep apart also in training: their order in the batch is all that an order changes",
  async () => {
    const encoder = new ConformerEncoder(() => new ConformerBlock(8, 2, small), 2);
    const [x, lengths] = [randn([3, 7, 8]), tensor(Int32Array.of(7, 4, 5))];
    const turned = encoder.forward(x.flip(0), lengths.flip(0)).flip(0);
    for (const [b, length] of [7, 4, 5].entries()) {
      const of = (y: Tensor) => y.slice(0, b, b + 1).slice(1, 0, length);
      await assertClose(of(turned), of(encoder.forward(x, lengths)), 1e-5);
    }
  },
);

Deno.test("Layers of a stack have weights of their own, under torchaudio's names, as many as the formula says", () => {
  const count = (layers: number) => new ConformerEncoder(() => new ConformerBlock(8, 2), layers).numParameters;
  assert.equal(count(3), 3 * count(1));
  const d = 512;
  const feedForward = 2 * d + (d + 1) * 4 * d + (4 * d + 1) * d;
  const attention = 2 * d + 4 * (d + 1) * d + d * d + 2 * d;
  const convolution = 2 * d + (d + 1) * 2 * d + 31 * d + 2 * d + (d + 1) * d;
  assert.equal(new ConformerBlock(d, 8).numParameters, 2 * feedForward + attention + convolution + 2 * d);
  const names = new ConformerEncoder(() => new ConformerBlock(8, 2), 2).namedParameters().map(([name]) => name);
  assert.equal(names[0], "conformer_layers.0.ffn1.sequential.0.weight");
  assert.ok(names.includes("conformer_layers.1.self_attn.u_bias"));
});

Deno.test("A block refuses kernels without a middle, and sizes that do not divide", () => {
  assert.throws(() => new ConformerBlock(8, 2, { kernelSize: 30 }), {
    name: "RangeError",
    message: "Cannot centre a kernel of 30 frames: expected an odd number, such as 31",
  });
  assert.throws(() => new ConformerBlock(8, 3), /Cannot split 8 channels into 3 heads: 3 is no divisor/);
  assert.throws(() => new ConformerBlock(8, 2, { ffExpansion: 0.3 }), /Cannot widen 8 channels 0.3 times/);
  assert.throws(() => new ConformerBlock(9, 3, { convExpansion: 1 }), /Cannot gate 9 channels times 1: half of it/);
});
