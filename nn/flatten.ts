/** Merging axes, for {@linkcode Sequential}. @module */
import type { Tensor } from "../tensor/mod.ts";
import { Module } from "./module.ts";

/** Merges neighbouring axes into one; by default all but the batch. */
export class Flatten extends Module {
  /** First axis that is merged. */
  readonly start: number;
  /** Last axis that is merged. */
  readonly end: number;

  /** `start` and `end`, inclusive, count from the last axis where negative. Default 1 and −1. */
  constructor(start = 1, end = -1) {
    super();
    this.start = start;
    this.end = end;
  }

  /** A view of x where memory allows. */
  forward(x: Tensor): Tensor {
    return x.flatten(this.start, this.end);
  }
}
