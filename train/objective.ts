/** What a training step minimises. @module */
import type { Classifier } from "../nn/mod.ts";
import { CosineHead } from "../nn/mod.ts";
import { aamSoftmax, amSoftmax, crossEntropy, currentDevice, type Reduction, Tensor } from "../tensor/mod.ts";
import type { TrainConfig } from "./train_config.ts";

/** Keys of a config that the objective depends on. */
export type ObjectiveConfig = Pick<TrainConfig, "loss" | "labelSmoothing" | "margin" | "scale" | "marginSteps">;

/** A loss on scores, whose margin may rise from step to step. */
export class Objective {
  readonly #config: ObjectiveConfig;
  /** The margin of the step at hand; null where there is none. */
  readonly #margin: Tensor | null;

  constructor(config: ObjectiveConfig) {
    this.#config = config;
    this.#margin = config.loss === "cross-entropy" ? null : Tensor.persistent(currentDevice(), [], "float32");
    this.startStep(1);
  }

  /** To be called before a step of this number, counted from 1. */
  startStep(step: number): void {
    this.#margin?.assign(Float32Array.of(marginAt(step, this.#config)));
  }

  /** What the loss is computed from, (batch, classes): logits, or cosines. The largest one of a row is the prediction. */
  scores(model: Classifier, x: Tensor, lengths: Tensor | null): Tensor {
    if (this.#margin === null) return model.forward(x, lengths);
    return cosineHeadOf(model).cosine(model.embed(x, lengths));
  }

  /** The loss of such scores for labels, int32 (batch). */
  loss(scores: Tensor, labels: Tensor, reduction: Reduction = "mean"): Tensor {
    const { loss, labelSmoothing, scale } = this.#config;
    if (this.#margin === null) return crossEntropy(scores, labels, { labelSmoothing, reduction });
    const options = { margin: this.#margin, scale, reduction };
    if (loss === "am-softmax") return amSoftmax(scores, labels, options);
    return aamSoftmax(scores, labels, { ...options, beyond: "continuous" }); // no jump for what lies far off at first
  }

  /** Frees what it holds. */
  dispose(): void {
    this.#margin?.dispose();
  }
}

/** The margin of a step: it rises evenly from 0 over `marginSteps`. */
export function marginAt(step: number, { margin, marginSteps }: ObjectiveConfig): number {
  return margin * Math.min(1, marginSteps === 0 ? 1 : step / marginSteps);
}

function cosineHeadOf({ head }: Classifier): CosineHead {
  if (head instanceof CosineHead) return head;
  throw new Error(`internal: a margin needs a head of cosines, and this one is ${head.constructor.name}`);
}
