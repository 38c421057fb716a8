/** What happens to a training batch on the device before the model sees it. @module */
import { mixedLoss, Mixup, SpecAugment, TimeShift } from "../nn/mod.ts";
import { type Tensor, where } from "../tensor/mod.ts";
import type { TrainConfig } from "./train_config.ts";

/** Keys of a config that augmentation depends on. */
export type AugmentationConfig = Pick<
  TrainConfig,
  | "timeShift"
  | "specAugment"
  | "timeWarp"
  | "freqMasks"
  | "freqMaskWidth"
  | "timeMasks"
  | "timeMaskWidth"
  | "timeMaskFraction"
  | "adaptiveMasks"
  | "adaptiveWidth"
  | "mixup"
>;

/** A batch as the model is to see it. */
export interface Augmented {
  /** (batch, time, channels). */
  readonly x: Tensor;
  /** int32 (batch), or null without padding. */
  readonly lengths: Tensor | null;
  /** Labels of the larger part of each sample, int32 (batch): what counts as a correct prediction. */
  readonly labels: Tensor;
  /** The loss of scores whose loss for labels `lossOf` gives, one number a sample or their mean. */
  loss(lossOf: (labels: Tensor, reduction: "none" | "mean") => Tensor): Tensor;
}

/** Masks, warps and mixes batches anew in every step, as a config says. */
export class Augmentation {
  readonly #timeShift: TimeShift | null;
  readonly #specAugment: SpecAugment | null;
  readonly #mixup: Mixup | null;

  /** `silence`: what a frame holds after the shorter of two mixed utterances has ended; null for what is there. */
  constructor(config: AugmentationConfig, silence: number | null = null) {
    this.#timeShift = config.timeShift > 0 ? new TimeShift(config.timeShift) : null;
    this.#specAugment = config.specAugment ? new SpecAugment(config) : null;
    this.#mixup = config.mixup > 0 ? new Mixup({ alpha: config.mixup, silence }) : null;
  }

  /** Part of the captured step. */
  apply(given: Tensor, labels: Tensor, lengths: Tensor | null): Augmented {
    const x = this.#timeShift?.forward(given) ?? given;
    if (this.#mixup === null) {
      const masked = this.#specAugment?.forward(x, lengths) ?? x;
      return { x: masked, lengths, labels, loss: (lossOf) => lossOf(labels, "mean") };
    }
    const mixed = this.#mixup.forward(x, labels, lengths);
    return {
      x: this.#specAugment?.forward(mixed.x, mixed.lengths) ?? mixed.x,
      lengths: mixed.lengths,
      labels: where(mixed.lambda.ge(0.5), labels, mixed.partners),
      loss: (lossOf) => mixedLoss(mixed, (labels) => lossOf(labels, "none")),
    };
  }
}
