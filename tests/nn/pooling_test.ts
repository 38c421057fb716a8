import assert from "node:assert/strict";
import {
  AttentivePoolingTanh,
  AttentiveStatsPool,
  makePooling,
  MeanPooling,
  pooledDim,
  type Pooling,
  SelfAttentionPooling,
  StatisticsPooling,
} from "../../nn/mod.ts";
import { randn, type Tensor, tensor } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { drawn, gradcheck } from "../gradcheck.ts";
import { assertClose, distance } from "./close.ts";

const poolings: Record<string, () => Pooling> = {
  mean: () => new MeanPooling(),
  "self-attention": () => new SelfAttentionPooling(5),
  attentive: () => new AttentivePoolingTanh(5),
  statistics: () => new StatisticsPooling(),
  "attentive-statistics": () => new AttentiveStatsPool(5, 4),
};

/** Frames from `length` on replaced by a loud value. */
function spoilt(x: Tensor, lengths: number[], value: number): Tensor {
  const [batch, time] = x.shape;
  const mask = Array.from({ length: batch }, (_, b) => Array.from({ length: time }, (_, t) => Number(t >= lengths[b])));
  return x.maskedFill(tensor(mask, { dtype: "int32" }).unsqueeze(-1), value);
}

for (const [name, make] of Object.entries(poolings)) {
  forEachDevice(`Pooling "${name}" sees an utterance's own frames only`, async () => {
    const pooling = make();
    const lengths = [7, 3, 1];
    const x = randn([3, 7, 5]);
    const pooled = pooling.forward(spoilt(x, lengths, -20), tensor(Int32Array.from(lengths)));
    assert.deepEqual(pooled.shape, [3, name.endsWith("statistics") ? 10 : 5]);
    for (const [b, length] of lengths.entries()) {
      const alone = pooling.forward(x.slice(0, b, b + 1).slice(1, 0, length));
      await assertClose(pooled.slice(0, b, b + 1), alone, 1e-5, `utterance ${b}`);
    }
    // loud padding of one sign or the other gets a high score
    const unmasked = [-20, 20].map((value) => distance(pooled, pooling.forward(spoilt(x, lengths, value))));
    assert.ok(Math.max(...await Promise.all(unmasked)) > 0.1, "lengths do nothing");
  });

  forEachDevice(`Pooling "${name}" passes no gradient to padding`, async () => {
    const x = randn([2, 4, 5], { requiresGrad: true });
    make().forward(x, tensor(Int32Array.of(4, 2))).square().sum().backward();
    await assertClose(x.grad!.slice(0, 1).slice(1, 2).abs().amax(), [0], 0);
    const inside = await x.grad!.slice(0, 1).slice(1, 0, 2).abs().amax([0, 2]).data();
    assert.ok(inside.every((g: number) => g > 0));
  });
}

forEachDevice("Mean pooling without lengths is the mean over time", async () => {
  await assertClose(new MeanPooling().forward(tensor([[[1, 2], [3, 6]]])), [2, 4]);
  await assertClose(new MeanPooling().forward(tensor([[[1, 2], [3, 6]]]), tensor(Int32Array.of(1))), [1, 2]);
});

forEachDevice("Attention vectors start normal with Xavier's deviation, never as random memory", async () => {
  const { attention } = new AttentivePoolingTanh(2000);
  const squares = await attention.square().mean().item();
  assert.ok(Math.abs(Math.sqrt(squares) / Math.sqrt(2 / 2001) - 1) < 0.08, `deviation ${Math.sqrt(squares)}`);
});

forEachDevice("An utterance without frames becomes zeros, and trains nothing", async () => {
  for (const name of ["mean", "self-attention", "attentive", "statistics", "attentive-statistics"] as const) {
    const x = randn([2, 4, 3], { std: 9, requiresGrad: true });
    const pooling = makePooling(name, 3);
    const y = pooling.forward(x, tensor(Int32Array.of(0, 4)));
    const width = pooledDim(name, 3);
    assert.deepEqual(y.shape, [2, width]);
    await assertClose(y.select(0, 0), new Array(width).fill(0), 4e-5, name); // the least deviation is 3.2e-5
    assert.ok([...await y.data()].slice(width).every((v) => v !== 0 && Number.isFinite(v)));
    y.square().sum().backward();
    await assertClose(x.grad!.select(0, 0), new Array(12).fill(0));
    for (const { grad } of pooling.parameters()) assert.ok([...await grad!.data()].every(Number.isFinite), name);
  }
});

forEachDevice(
  "Statistics are mean and deviation over time, with a finite gradient where there is one frame",
  async () => {
    const pooling = new StatisticsPooling();
    const x = tensor([[[1, -3], [3, 3], [8, 0]]], { requiresGrad: true });
    const wanted = [4, 0, Math.sqrt((9 + 1 + 16) / 3), Math.sqrt(6)];
    await assertClose(pooling.forward(x), wanted);
    await assertClose(pooling.forward(x, tensor(Int32Array.of(3))), wanted);
    await assertClose(pooling.forward(x, tensor(Int32Array.of(2))), [2, 0, 1, 3]);
    pooling.forward(x, tensor(Int32Array.of(1))).sum().backward();
    await assertClose(x.grad!, [1, 1, 0, 0, 0, 0]);
    await gradcheck((x) => pooling.forward(x), [drawn(1, [2, 4, 3])]);
  },
);
