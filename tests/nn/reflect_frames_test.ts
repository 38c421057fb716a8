import { Conv1d, reflectFrames, Res2NetBlock, SameConv1d } from "../../nn/mod.ts";
import assert from "node:assert/strict";
import { cat, randn, type Tensor, tensor } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { drawn, gradcheck } from "../gradcheck.ts";
import { assertClose } from "./close.ts";

/** Mirrored by hand: frames `places` of a row. */
const pick = (row: readonly number[], places: readonly number[]) => places.map((t) => row[t]);

forEachDevice("an utterance is mirrored at its own end", async () => {
  const rows = [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]];
  const x = tensor(rows.map((row) => [row]));
  await assertClose(reflectFrames(x, 2), rows.flatMap((row) => pick(row, [2, 1, 0, 1, 2, 3, 4, 3, 2])), 0);
  const padded = reflectFrames(x, 2, tensor(Int32Array.of(5, 3)));
  await assertClose(padded.select(0, 0), pick(rows[0], [2, 1, 0, 1, 2, 3, 4, 3, 2]), 0);
  await assertClose(padded.select(0, 1).slice(1, 0, 7), pick(rows[1], [2, 1, 0, 1, 2, 1, 0]), 0, "before its end");
});

forEachDevice(
  "an utterance too short for its mirror image goes on with a border frame, alone as in a batch",
  async () => {
    const x = tensor([[[1, 2, 3]]]);
    await assertClose(reflectFrames(x, 4), pick([1, 2, 3], [0, 1, 2, 1, 0, 1, 2, 1, 0, 0, 0]), 0);
    for (const length of [1, 2, 3]) {
      const alone = reflectFrames(x.slice(2, 0, length), 4);
      const among = reflectFrames(x, 4, tensor(Int32Array.of(length))).slice(2, 0, length + 8);
      await assertClose(among, alone, 0, `${length} frames`);
    }
    const none = await reflectFrames(x, 4, tensor(Int32Array.of(0))).data();
    assert.ok(none.every(Number.isFinite), "an utterance without frames");
  },
);

forEachDevice("the gradient of mirrored frames, with lengths and without", async () => {
  for (const lengths of [null, tensor(Int32Array.of(5, 3))]) {
    await gradcheck((x) => reflectFrames(x, 2, lengths), [drawn(1, [2, 3, 5], -1, 1)]);
  }
});

forEachDevice(
  "a convolution keeps the number of frames, whatever its window, and is one over mirrored frames",
  async () => {
    const x = randn([2, 4, 9]);
    for (const [kernel, dilation] of [[1, 1], [3, 1], [5, 1], [3, 4]]) {
      const same = new SameConv1d(4, 6, kernel, { dilation });
      const plain = new Conv1d(4, 6, kernel, { dilation });
      plain.loadStateDict(await same.conv.stateArrays());
      const y = same.forward(x);
      assert.deepEqual(y.shape, [2, 6, 9]);
      const width = dilation * (kernel - 1) / 2;
      await assertClose(y, plain.forward(width === 0 ? x : x.pad([width, width], { mode: "reflect" })), 1e-5);
    }
    assert.throws(() => new SameConv1d(4, 6, 4), {
      name: "RangeError",
      message: "Cannot centre a kernel of 4 frames: expected an odd number, such as 3",
    });
  },
);

forEachDevice("Res2Net: each part is heard together with what came of the part before", async () => {
  const block = new Res2NetBlock(6, { scale: 3, kernelSize: 3, dilation: 2 });
  block.eval();
  const x = randn([2, 6, 7]);
  const part = (i: number): Tensor => x.slice(1, 2 * i, 2 * i + 2);
  const [first, second] = [...block.blocks];
  const middle = first.forward(part(1));
  const wanted = cat([part(0), middle, second.forward(part(2).add(middle))], 1);
  await assertClose(block.forward(x), wanted, 1e-6);
  assert.equal(block.blocks.length, 2);
});

Deno.test("Res2Net takes its window by name and refuses parts that do not divide the channels", () => {
  const block = new Res2NetBlock(16, { dilation: 4, kernelSize: 5 });
  assert.equal(block.scale, 8);
  assert.deepEqual([...block.blocks][0].conv.conv.weight.shape, [2, 2, 5]);
  for (const scale of [1, 5, 2.5]) {
    assert.throws(() => new Res2NetBlock(16, { scale }), {
      name: "RangeError",
      message: `Cannot part 16 channels by a scale of ${scale}: expected a divisor of at least 2`,
    });
  }
});
