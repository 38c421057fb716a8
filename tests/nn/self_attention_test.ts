import assert from "node:assert/strict";
import {
  type AttentionName,
  LearnedWindowAttention,
  lengthMask,
  LinformerAttention,
  makeSelfAttention,
  MultiheadAttention,
  RelativeMultiheadAttention,
  relPositionalEncoding,
  type SelfAttention,
  subsampledLength,
  TransformerEncoderLayer,
} from "../../nn/mod.ts";
import { randn, type Tensor, tensor } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose, distance } from "./close.ts";

const [DIM, HEADS, TIME] = [8, 2, 7];
const names: AttentionName[] = ["full", "relative", "local", "learned-window", "linformer"];

/** Attention of a kind with the projections of `full`. */
async function alike(full: MultiheadAttention, other: SelfAttention): Promise<SelfAttention> {
  other.loadStateDict(await full.stateArrays(), { strict: false });
  return other;
}

function identity(size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
}

forEachDevice("Each kind of attention is attention to all frames where its parameters make it so", async () => {
  const full = new MultiheadAttention(DIM, HEADS);
  const [x, keyPaddingMask] = [randn([3, TIME, DIM]), lengthMask(tensor(Int32Array.of(TIME, 4, 1)), TIME)];
  const linformer = new LinformerAttention(DIM, HEADS, { rank: TIME, maxTime: TIME });
  const projection = { shape: [TIME, TIME], data: identity(TIME) };
  linformer.loadStateDict({ proj_k: projection, proj_v: projection }, { strict: false });
  const others = [
    new MultiheadAttention(DIM, HEADS, { window: TIME - 1 }),
    new LearnedWindowAttention(DIM, HEADS, { width: 1e6 }),
    linformer,
  ];
  for (const other of others) {
    await alike(full, other);
    for (const masks of [{}, { keyPaddingMask }]) {
      await assertClose(other.attend(x, masks), full.attend(x, masks), 1e-5, other.constructor.name);
    }
  }
});

forEachDevice("A fixed window hides what is farther away, a learned one more and more of it", async () => {
  const full = new MultiheadAttention(DIM, HEADS);
  const x = randn([2, TIME, DIM]);
  const moved = x.add(tensor(Float32Array.from({ length: TIME }, (_, t) => Number(t > 3))).unsqueeze(1)); // frames 4 on
  const change = async (attention: SelfAttention, frame: number) =>
    await distance(attention.attend(x).select(1, frame), attention.attend(moved).select(1, frame));
  const local = await alike(full, new MultiheadAttention(DIM, HEADS, { window: 2 }));
  assert.equal(await change(local, 1), 0);
  assert.ok(await change(local, 2) > 1e-3);
  await assertClose(
    (await alike(full, new MultiheadAttention(DIM, HEADS, { window: 0 }))).attend(x),
    full.out_proj.forward(valuesOf(full, x)),
    1e-5,
    "a window of one frame",
  );
  const changes = await Promise.all(
    [0.3, 2, 6, 1000].map(async (width) =>
      await change(await alike(full, new LearnedWindowAttention(DIM, HEADS, { width })), 1)
    ),
  );
  assert.ok(changes.every((c, i) => i === 0 || c > changes[i - 1]), `changes ${changes}`);
  assert.ok(changes[0] < 1e-6);
});

/** Values before attention. */
function valuesOf({ in_proj_weight, in_proj_bias }: MultiheadAttention, x: Tensor): Tensor {
  const last = (t: Tensor) => t.slice(0, 2 * DIM);
  return x.matmul(last(in_proj_weight).transpose(0, 1)).add(last(in_proj_bias!));
}

forEachDevice("The width of a learned window gets a gradient", async () => {
  const attention = new LearnedWindowAttention(DIM, HEADS, { width: 2 });
  attention.attend(randn([2, TIME, DIM])).square().sum().backward();
  assert.ok([...await attention.log_width.grad!.data()].every((g) => g !== 0 && Number.isFinite(g)));
});

for (const attention of names) {
  const options = { attention, attentionWindow: 2, linformerRank: 5, maxTime: 20 };

  forEachDevice(`Frames see neither padding nor other utterances: ${attention} attention`, async () => {
    const made = makeSelfAttention({ ...options, dim: DIM, heads: HEADS, dropout: 0 });
    for (const length of [3, 6]) {
      const x = randn([1, length, DIM]);
      const alone = made.attend(x);
      const padded = x.pad([0, 0, 0, 9 - length], { value: -20 });
      const batch = randn([2, 9, DIM], { std: 30 });
      const keyPaddingMask = lengthMask(tensor(Int32Array.of(length, 9, 5)), 9);
      const together = made.attend(catFirst(padded, batch), { keyPaddingMask });
      await assertClose(together.slice(0, 0, 1).slice(1, 0, length), alone, 2e-5);
    }
  });

  forEachDevice(`Every parameter of a Transformer layer with ${attention} attention is trained`, async () => {
    const layer = new TransformerEncoderLayer(DIM, HEADS, { ...options, dimFeedforward: 16 });
    const x = randn([2, TIME, DIM]);
    layer.forward(x, { keyPaddingMask: lengthMask(tensor(Int32Array.of(TIME, 3)), TIME) }).square().sum().backward();
    for (const [name, { grad }] of layer.namedParameters()) {
      assert.ok(grad !== null && [...await grad.data()].every(Number.isFinite), name);
    }
    assert.deepEqual(layer.forward(x).shape, [2, TIME, DIM]);
  });
}

function catFirst(first: Tensor, rest: Tensor): Tensor {
  return first.pad([0, 0, 0, 0, 0, rest.shape[0]]).add(rest.pad([0, 0, 0, 0, 1, 0]));
}

forEachDevice("Relative attention tells distances and directions apart, whatever the utterance's length", async () => {
  const attention = new RelativeMultiheadAttention(DIM, HEADS);
  assert.deepEqual(attention.namedParameters().map(([name, { shape }]) => `${name} ${shape}`).sort(), [
    ...["key_proj.bias 8", "key_proj.weight 8,8", "out_proj.bias 8", "out_proj.weight 8,8", "pos_proj.weight 8,8"],
    ...["query_proj.bias 8", "query_proj.weight 8,8", "u_bias 2,4", "v_bias 2,4", "value_proj.bias 8"],
    "value_proj.weight 8,8",
  ]);
  const x = randn([1, TIME, DIM]);
  const backwards = attention.attend(x.flip(1)).flip(1);
  assert.ok(await distance(attention.attend(x), backwards) > 1e-3, "order does not show");
  const full = new MultiheadAttention(DIM, HEADS);
  await assertClose(full.attend(x.flip(1)).flip(1), full.attend(x), 1e-5, "order shows without positions");
  const longer = relPositionalEncoding(9, DIM); // the same distances lie in its middle
  await assertClose(longer.slice(0, 2, 15), relPositionalEncoding(7, DIM), 1e-6);
});

Deno.test("Kinds of attention refuse what they cannot do", () => {
  const x = tensor(new Float32Array(2 * 3 * DIM), { shape: [2, 3, DIM] });
  const linformer = new LinformerAttention(DIM, HEADS, { rank: 2, maxTime: 2 });
  assert.throws(() => linformer.attend(x), {
    name: "RangeError",
    message: "Cannot attend over 3 frames: Linformer attention was made for at most 2",
  });
  assert.throws(() => linformer.attend(x.slice(1, 0, 2), { attnMask: lengthMask(tensor(Int32Array.of(1, 2)), 2) }), {
    name: "TypeError",
    message: /Cannot hide keys from single queries: Linformer attention mixes the frames/,
  });
  assert.throws(() => new LinformerAttention(DIM, HEADS, { rank: 0 }), /Cannot project 1024 frames to 0: expected/);
  assert.throws(() => new MultiheadAttention(DIM, HEADS, { window: -1 }), /Cannot attend within -1 frames: expected/);
  assert.throws(() => new LearnedWindowAttention(DIM, HEADS, { width: 0 }), /a window 0 frames wide: expected more/);
  assert.throws(() => new RelativeMultiheadAttention(7, 2), /Cannot split 7 channels into 2 heads: 2 is no divisor/);
  assert.throws(() => relPositionalEncoding(0, 4), {
    name: "RangeError",
    message: "Cannot encode distances among 0 frames: expected a whole number from 1 on",
  });
  const windowed = new MultiheadAttention(DIM, HEADS, { window: 1 });
  assert.throws(() => windowed.forward(x, x.slice(1, 0, 2), x.slice(1, 0, 2)), {
    name: "TypeError",
    message: "Cannot attend within a window from 3 to 2 frames: they must be as many",
  });
});

forEachDevice(
  "Subsampled lengths are right for every remainder of a division by 4, in numbers and tensors",
  async () => {
    const lengths = Array.from({ length: 40 }, (_, i) => i);
    const byCounting = (n: number) => Math.max(0, Math.floor((Math.max(0, Math.floor((n - 3) / 2) + 1) - 3) / 2) + 1);
    assert.deepEqual(lengths.map((n) => subsampledLength(n)), lengths.map(byCounting));
    assert.deepEqual([100, 101, 102, 103].map((n) => subsampledLength(n)), [24, 24, 24, 25]); // (length >> 2) − 1 has 24 for 103
    const found = await subsampledLength(tensor(Int32Array.from(lengths))).data();
    assert.deepEqual([...found], lengths.map(byCounting));
  },
);
