/** Stretching one part of an utterance and squeezing the other. @module */
import { arange, type Tensor } from "../tensor/mod.ts";
import { randomWhole } from "./random_whole.ts";

/**
 * Moves a random frame of each sample by up to `most` frames, and the frames between it and either end in proportion (time warping of Park
 * et al. 2019, arXiv 1904.08779, with straight lines in place of splines). The first and the last true frame stay, and so does padding;
 * values between frames are interpolated. A sample of L frames moves by (L − 3) / 2 at most, so that neither part vanishes.
 *
 * @param x (batch, time, channels)
 * @param length int32 (batch, 1)
 */
export function timeWarp(x: Tensor, length: Tensor, most: number): Tensor {
  const [batch, time, channels] = x.shape;
  const { device } = x;
  const { shift, goal, rest } = drawWarp(length, most);
  const frame = arange(0, time, 1, { device });
  // frame t shows what was at t − shift · h(t): h rises from 0 at the first frame to 1 at the goal and falls to 0 at the last one
  const [rise, fall] = [frame.div(goal), goal.sub(frame).add(rest).div(rest)];
  const source = frame.sub(shift.mul(rise.minimum(fall).clamp(0)));
  const before = source.floor();
  const rows = x.reshape([batch * time, channels]);
  const firstRow = arange(0, batch * time, time, { device }).unsqueeze(1);
  const pick = (at: Tensor) => {
    const row = at.toInt().add(firstRow).clamp(0, batch * time - 1); // the row behind the last one counts for nothing
    return rows.indexSelect(0, row.reshape([-1])).reshape(x.shape);
  };
  const part = source.sub(before).unsqueeze(-1);
  const left = pick(before);
  return left.add(pick(before.add(1)).sub(left).mul(part));
}

/** Each sample's frame `goal`, which shows what was `shift` frames before it, with `rest` frames behind it; all float32 (batch, 1). */
function drawWarp(length: Tensor, most: number): { shift: Tensor; goal: Tensor; rest: Tensor } {
  const { shape, device } = length;
  const reach = length.sub(3).mul(0.5).floor().clamp(0, most);
  const shift = randomWhole(shape, reach.mul(2), { device }).sub(reach);
  const places = length.sub(3).sub(reach.mul(2)).clamp(0);
  const goal = randomWhole(shape, places, { device }).add(reach).add(1).add(shift);
  return { shift, goal, rest: length.sub(1).sub(goal).clamp(1) }; // at least 1: in a sample of two frames, which stays, there is none
}
