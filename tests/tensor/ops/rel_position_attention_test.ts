import assert from "node:assert/strict";
import { relPositionAttention, type Tensor, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck } from "../../gradcheck.ts";

/** The formula, pair of frames by pair of frames. */
async function plain(inputs: readonly Tensor[], mask: (b: number, j: number) => boolean): Promise<number[]> {
  const [batch, heads, time, channels] = inputs[0].shape;
  const [q, k, v, p, u, w] = await Promise.all(inputs.map((t) => t.data()));
  const at = (b: number, h: number, t: number, c: number) => ((b * heads + h) * time + t) * channels + c;
  const weights = tabulate([batch, heads, time, time], (b, h, i, j) => {
    let score = 0;
    for (let c = 0; c < channels; c++) {
      const n = time - 1 - (i - j);
      score += (q[at(b, h, i, c)] + u[h * channels + c]) * k[at(b, h, j, c)];
      score += (q[at(b, h, i, c)] + w[h * channels + c]) * p[(h * (2 * time - 1) + n) * channels + c];
    }
    return mask(b, j) ? 0 : Math.exp(score / Math.sqrt(channels));
  });
  return tabulate([batch, heads, time, channels], (b, h, i, c) => {
    const row = weights.slice(((b * heads + h) * time + i) * time).slice(0, time);
    const total = row.reduce((sum, e) => sum + e, 0);
    return total === 0 ? 0 : row.reduce((sum, e, j) => sum + e * v[at(b, h, j, c)], 0) / total;
  });
}

function made(shape: readonly [number, number, number, number]): Tensor[] {
  const [, heads, time, channels] = shape;
  const seeded = (seed: number, sizes: readonly number[]) => drawn(seed, sizes);
  return [
    ...[1, 2, 3].map((seed) => seeded(seed, shape)),
    seeded(4, [heads, 2 * time - 1, channels]),
    ...[5, 6].map((seed) => seeded(seed, [heads, channels])),
  ];
}

const apply = ([q, k, v, positions, contentBias, positionBias]: readonly Tensor[], mask: Tensor | null = null) =>
  relPositionAttention(q, k, v, { positions, contentBias, positionBias, mask });

forEachDevice("relPositionAttention is its formula, odd sizes and an utterance without frames included", async () => {
  for (const shape of [[1, 1, 1, 1], [2, 3, 5, 4], [2, 1, 63, 3], [1, 2, 65, 8]] as const) {
    const inputs = made(shape);
    await assertClose(apply(inputs), await plain(inputs, () => false), { name: String(shape), shape });
  }
  const inputs = made([3, 2, 6, 4]);
  const lengths = [6, 2, 0];
  const mask = tensor(Int32Array.from(tabulate([3, 1, 1, 6], (b, _, __, j) => Number(j >= lengths[b]))), {
    shape: [3, 1, 1, 6],
  });
  await assertClose(apply(inputs, mask), await plain(inputs, (b, j) => j >= lengths[b]));
});

forEachDevice("relPositionAttention has gradients with respect to all it is given, views included", async () => {
  await gradcheck((...inputs) => apply(inputs), made([2, 2, 3, 2]));
  const mask = tensor(Int32Array.of(0, 0, 1, 0, 1, 1), { shape: [2, 1, 1, 3] });
  await gradcheck((...inputs) => apply(inputs, mask), made([2, 1, 3, 2]));
  const asInModules = (x: Tensor, ...rest: Tensor[]) => {
    const [q, k, v] = x.chunk(3, -1).map((t) => t.reshape([1, 3, 2, 2]).permute([0, 2, 1, 3]));
    return apply([q, k, v, ...rest]);
  };
  await gradcheck(asInModules, [drawn(7, [1, 3, 12]), ...made([1, 2, 3, 2]).slice(3)]);
});

Deno.test("relPositionAttention names what does not fit", () => {
  const [q, k, v, positions, contentBias, positionBias] = made([1, 2, 3, 4]);
  assert.throws(
    () => relPositionAttention(q, k, v, { positions: positions.slice(1, 0, 4), contentBias, positionBias }),
    {
      name: "TypeError",
      message: "Cannot attend with positions [2, 4, 4] from [1, 2, 3, 4]: expected [2, 5, 4]",
    },
  );
  assert.throws(() => relPositionAttention(q, k, v, { positions, contentBias: q, positionBias }), {
    message: "Cannot attend with contentBias [1, 2, 3, 4] from [1, 2, 3, 4]: expected [2, 4]",
  });
  assert.throws(() => apply([q, k.slice(2, 1), v.slice(2, 1), positions, contentBias, positionBias]), {
    name: "TypeError",
    message: "Cannot attend by distance from [1, 2, 3, 4] to [1, 2, 2, 4]: queries and keys must be the same frames",
  });
  assert.throws(() => apply([q, k.slice(2, 1), v, positions, contentBias, positionBias]), {
    message:
      "Cannot attend from [1, 2, 3, 4] to [1, 2, 2, 4] and [1, 2, 3, 4]: expected [batch, heads, time, channels]",
  });
});
