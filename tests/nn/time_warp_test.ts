import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { SpecAugment } from "../../nn/mod.ts";
import { randn, tensor } from "../../tensor/mod.ts";
import { tabulate } from "../close.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose } from "./close.ts";

/** Only a warp, of up to `timeWarp` frames. */
const warper = (timeWarp: number) => new SpecAugment({ timeWarp, freqMasks: 0, timeMasks: 0 });

/** Where each frame of a warped sample comes from: features that are their own frame's number show it. */
async function sources(batch: number, time: number, { most, lengths }: { most: number; lengths?: number[] }) {
  const x = tensor(tabulate([batch, time, 1], (_, t) => t)).reshape([batch, time, 1]);
  const given = lengths === undefined ? null : tensor(Int32Array.from(lengths));
  const data = Array.from(await warper(most).forward(x, given).data());
  return Array.from({ length: batch }, (_, b) => data.slice(b * time, (b + 1) * time));
}

/** The frame that moved farthest, and by how much. */
function farthest(source: readonly number[]): { goal: number; shift: number } {
  const moves = source.map((from, t) => t - from);
  const most = Math.max(...moves.map(Math.abs));
  const goal = moves.findIndex((move) => Math.abs(move) === most);
  return { goal, shift: moves[goal] };
}

forEachDevice(
  "a warp moves one frame by a whole number of frames, its neighbours in proportion, the ends not at all",
  async () => {
    const [batch, time, most] = [300, 24, 3];
    const seen = { shifts: new Map<number, number>(), centres: new Set<number>() };
    for (const source of await sources(batch, time, { most })) {
      const { goal, shift: found } = farthest(source);
      const shift = Math.round(found);
      ok(Math.abs(found - shift) < 1e-5 && Math.abs(shift) <= most, `moved by ${found}`);
      strictEqual(source[0], 0);
      strictEqual(source[time - 1], time - 1);
      source.forEach((from, t) => {
        const [share, whole] = t <= goal ? [t, goal] : [time - 1 - t, time - 1 - goal];
        const wanted = shift === 0 ? t : t - shift * share / whole;
        ok(Math.abs(from - wanted) < 1e-5, `frame ${t} comes from ${from}, wanted ${wanted}`);
        ok(t === 0 || from > source[t - 1], "order is kept");
      });
      seen.shifts.set(shift, (seen.shifts.get(shift) ?? 0) + 1);
      if (shift !== 0) seen.centres.add(goal - shift);
    }
    deepStrictEqual([...seen.shifts.keys()].sort((a, b) => a - b), [-3, -2, -1, 0, 1, 2, 3]);
    for (const [shift, count] of seen.shifts) ok(Math.abs(count - 300 / 7) < 30, `${count} of 300 moved by ${shift}`);
    const centres = [...seen.centres].sort((a, b) => a - b);
    deepStrictEqual(centres, Array.from({ length: time - 2 - 2 * most }, (_, i) => most + 1 + i));
  },
);

forEachDevice(
  "a warp goes by each sample's true length: padding stays, a short sample moves less or not at all",
  async () => {
    const lengths = Array.from({ length: 12 }, (_, b) => b);
    const moved = lengths.map(() => 0);
    for (let step = 0; step < 30; step++) {
      const found = await sources(12, 14, { most: 4, lengths });
      found.forEach((source, b) => {
        for (let t = Math.max(0, lengths[b] - 1); t < 14; t++) strictEqual(source[t], t, `length ${lengths[b]}`);
        moved[b] = Math.max(moved[b], Math.abs(Math.round(farthest(source).shift)));
      });
    }
    deepStrictEqual(moved, [0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4]);
  },
);

forEachDevice("all channels move alike, with a straight line between frames, and gradients pass", async () => {
  const [time, channels] = [9, 3];
  const values = tabulate([2, time, channels], (b, t, c) => c === 0 ? t : Math.sin(7 * b + 5 * t + 3 * c));
  const x = tensor(values).reshape([2, time, channels]).requireGrad();
  const y = warper(3).forward(x);
  const warped = await y.data();
  const wanted = tabulate([2, time, channels], (b, t, c) => {
    const from = warped[(b * time + t) * channels];
    const [before, part] = [Math.floor(from), from % 1];
    const at = (frame: number) => values[(b * time + Math.min(frame, time - 1)) * channels + c];
    return at(before) * (1 - part) + at(before + 1) * part;
  });
  await assertClose(y, wanted, 1e-5);
  ok(warped.some((v) => v % 1 > 0.1 && v > 1), "something moved");
  // a warp is linear in x, so that the gradient times x is the output times what the gradient started from
  const g = randn(y.shape);
  y.mul(g).sum().backward();
  await assertClose(x.grad!.mul(x).sum(), y.mul(g).sum(), 1e-4);
});
