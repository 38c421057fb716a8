/** Moving what is heard in a clip to another time. @module */
import { arange, type Tensor } from "../tensor/mod.ts";
import { show } from "../tensor/shape.ts";
import { Module } from "./module.ts";
import { randomWhole } from "./random_whole.ts";

/**
 * Turns each clip by a random number of frames, drawn anew for every sample and step: what leaves at the end comes back at the beginning. For
 * clips of one length, whose silence is a part of them; utterances with padding would get it into their middle.
 */
export class TimeShift extends Module {
  /** Most frames by which a clip is turned. */
  readonly most: number;

  /**
   * `most`: frames; no less than a clip has is any place at all.
   *
   * @throws RangeError unless it is a whole number from 0 on.
   */
  constructor(most: number) {
    super();
    if (!(Number.isSafeInteger(most) && most >= 0)) {
      throw new RangeError(`Cannot shift by up to ${most} frames: expected a whole number from 0 on`);
    }
    this.most = most;
  }

  /** Clips (batch, time, channels) to clips of the same shape; `x` itself in evaluation. TypeError for another number of axes. */
  forward(x: Tensor): Tensor {
    if (x.ndim !== 3) throw new TypeError(`Cannot shift ${show(x.shape)}: expected [batch, time, channels]`);
    const [batch, time, channels] = x.shape;
    if (!this.training || this.most === 0 || time === 0) return x;
    const { device } = x;
    const shift = randomWhole([batch, 1], Math.min(this.most, time - 1), { device });
    const frame = arange(0, time, 1, { device }).sub(shift);
    const wrapped = frame.add(frame.lt(0).mul(time)).toInt();
    const row = wrapped.add(arange(0, batch * time, time, { device }).unsqueeze(1));
    return x.reshape([batch * time, channels]).indexSelect(0, row.reshape([-1])).reshape(x.shape);
  }
}
