/** Dropout that is off in evaluation. @module */
import { dropout, type Tensor } from "../tensor/mod.ts";
import { Module } from "./module.ts";

/** While training, sets each element to 0 with probability p and divides the others by 1 − p (Srivastava et al. 2014). */
export class Dropout extends Module {
  /** Probability of 0. */
  readonly p: number;

  /**
   * `p`: default 0.5.
   *
   * @throws RangeError unless 0 ≤ p < 1.
   */
  constructor(p = 0.5) {
    super();
    if (!(p >= 0 && p < 1)) throw new RangeError(`Cannot drop out with probability ${p}: expected 0 <= p < 1`);
    this.p = p;
  }

  /** `x` itself in evaluation. */
  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.p) : x;
  }
}
