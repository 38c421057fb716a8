import { Random } from "../random.ts";

/** One passage through the training data: who comes when, and where its crop lies. */
export interface EpochPlan {
  /** Its number, from 0. */
  readonly epoch: number;
  /** Places in the data set, shuffled. */
  readonly order: Int32Array;
  /** For each position of `order` a number from [0, 1) that decides the first frame. */
  readonly crops: Float64Array;
}

/**
 * Plans an epoch. The plan depends on nothing but the arguments, so a resumed run finds its place by the epoch's number.
 *
 * @param indices the utterances to train on
 * @param seed of the run
 * @param epoch counted from 0
 */
export function planEpoch(indices: ArrayLike<number>, seed: number, epoch: number): EpochPlan {
  const random = new Random(seed, epoch);
  const order = random.shuffle(Int32Array.from(indices));
  return { epoch, order, crops: Float64Array.from(order, () => random.uniform()) };
}

/**
 * First frame of a random crop: uniform over all possible ones, the last included.
 *
 * @param frames frames of the utterance
 * @param length frames of the crop, at most `frames`
 * @param uniform from [0, 1)
 */
export function cropStart(frames: number, length: number, uniform: number): number {
  return Math.floor(uniform * (frames - length + 1));
}
