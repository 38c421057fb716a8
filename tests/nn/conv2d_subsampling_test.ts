import assert from "node:assert/strict";
import { Conv2dSubsampling, subsampledLength } from "../../nn/mod.ts";
import { randn, tensor } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose } from "./close.ts";

forEachDevice("Subsampling leaves the frames it says it leaves, for every remainder of a division by 4", async () => {
  const layer = new Conv2dSubsampling(8, 4).eval();
  for (const length of [7, 20, 21, 22, 23, 24]) {
    const x = randn([1, length, 8]);
    const alone = layer.subsample(x);
    assert.deepEqual(alone.frames.shape, [1, subsampledLength(length), 4], `${length} frames`);
    assert.equal(alone.lengths, null);
    const padded = layer.subsample(x.pad([0, 0, 0, 29 - length], { value: -20 }), tensor(Int32Array.of(length)));
    const left = [...await padded.lengths!.data()];
    assert.deepEqual(left, [subsampledLength(length)]);
    await assertClose(padded.frames.slice(1, 0, left[0]), alone.frames, 1e-5, "frames that padding could reach");
  }
});

forEachDevice("An utterance too short for the convolutions is continued by zeros and leaves one frame", async () => {
  const layer = new Conv2dSubsampling(8, 4).eval();
  const x = randn([1, 3, 8]);
  const alone = layer.forward(x, tensor(Int32Array.of(3)));
  assert.deepEqual(alone.shape, [1, 1, 4]);
  const batch = layer.subsample(x.pad([0, 0, 0, 20], { value: -20 }), tensor(Int32Array.of(3)));
  assert.deepEqual([...await batch.lengths!.data()], [1]);
  await assertClose(batch.frames.slice(1, 0, 1), alone, 1e-5);
  await assertClose(layer.forward(x), alone, 1e-5, "without lengths");
});

forEachDevice("Subsampling has its parts' names and trains them", async () => {
  const layer = new Conv2dSubsampling(9, 4);
  layer.forward(randn([2, 12, 9]), tensor(Int32Array.of(12, 8))).square().sum().backward();
  const shapes = layer.namedParameters().map(([name, { shape }]) => `${name} ${shape}`);
  assert.deepEqual(shapes, [
    ...["sequential.0.weight 4,1,3,3", "sequential.0.bias 4", "sequential.2.weight 4,4,3,3", "sequential.2.bias 4"],
    ...["input_projection.weight 4,4", "input_projection.bias 4"],
  ]);
  for (const [name, { grad }] of layer.namedParameters()) {
    assert.ok([...await grad!.data()].some((g) => g !== 0), `${name} is not trained`);
  }
  assert.throws(() => new Conv2dSubsampling(6, 4), {
    name: "RangeError",
    message: "Cannot subsample frames of 6 channels: expected at least 7",
  });
});
