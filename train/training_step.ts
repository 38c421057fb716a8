/** One training step, captured once and replayed. @module */
import type { Batch } from "../data/batches/mod.ts";
import type { Classifier } from "../nn/mod.ts";
import {
  capture,
  type Captured,
  currentDevice,
  findNonFinite,
  randomState,
  setRandomState,
  Tensor,
} from "../tensor/mod.ts";
import type { Augmentation } from "./augmentation.ts";
import { LossWindow } from "./loss_window.ts";
import type { Objective } from "./objective.ts";
import { clipGradNorm, type Optimizer } from "./optim/mod.ts";

/** Options of {@linkcode TrainingStep}. */
export interface TrainingStepOptions {
  readonly model: Classifier;
  readonly objective: Objective;
  readonly augmentation: Augmentation;
  readonly optimizer: Optimizer;
  readonly batchSize: number;
  /** Frames of a batch. */
  readonly time: number;
  readonly channels: number;
  /** Largest gradient norm; 0 for any. */
  readonly gradClip: number;
  /** Whether utterances may be shorter than `time`, so that padding has to be masked. */
  readonly padded: boolean;
  /** Steps whose results are kept until they are read. */
  readonly window: number;
  /** Looks at every loss before the weights change, and finds the op that made a bad one. Slow. */
  readonly careful: boolean;
}

/** Forward, backward, clipping and update over batches of one shape. */
export class TrainingStep {
  /** Losses and correct counts. */
  readonly results: LossWindow;
  readonly #options: TrainingStepOptions;
  readonly #features: Tensor;
  readonly #labels: Tensor;
  readonly #lengths: Tensor;
  readonly #whole: Captured<[], Tensor>;
  readonly #gradients: Captured<[], Tensor>;
  readonly #update: Captured<[], Tensor>;

  constructor(options: TrainingStepOptions) {
    this.#options = options;
    const { batchSize, time, channels, window } = options;
    const device = currentDevice();
    this.results = new LossWindow(window);
    this.#features = Tensor.persistent(device, [batchSize, time, channels], "float32");
    this.#labels = Tensor.persistent(device, [batchSize], "int32");
    this.#lengths = Tensor.persistent(device, [batchSize], "int32");
    this.#gradients = capture(() => this.#computeGradients());
    this.#update = capture(() => this.#updateWeights());
    this.#whole = capture(() => {
      const loss = this.#computeGradients();
      this.#updateWeights();
      return loss;
    });
  }

  /** Kernels of the captured step; 0 before the first. */
  get kernels(): number {
    return this.#options.careful ? this.#gradients.kernels + this.#update.kernels : this.#whole.kernels;
  }

  #loss(): Tensor {
    const { model, objective, augmentation, padded } = this.#options;
    const batch = augmentation.apply(this.#features, this.#labels, padded ? this.#lengths : null);
    const scores = objective.scores(model, batch.x, batch.lengths);
    const loss = batch.loss((labels, reduction) => objective.loss(scores, labels, reduction));
    this.results.note(loss, scores.detach().argmax(1).eq(batch.labels).toFloat().sum());
    return loss;
  }

  #computeGradients(): Tensor {
    this.#options.optimizer.zeroGrad();
    const loss = this.#loss();
    loss.backward();
    return loss;
  }

  #updateWeights(): Tensor {
    const { optimizer, gradClip } = this.#options;
    if (gradClip > 0) clipGradNorm(optimizer, gradClip);
    optimizer.step();
    return this.#labels;
  }

  /**
   * Runs the step of this number, counted from 1; its loss is in {@linkcode TrainingStep.results} later.
   *
   * @throws Error in careful mode if the loss is no finite number, before the weights change.
   */
  async run({ features, labels, lengths }: Batch, { lr, step }: { lr: number; step: number }): Promise<void> {
    this.#features.assign(features);
    this.#labels.assign(labels);
    this.#lengths.assign(lengths);
    this.#options.optimizer.lr = lr;
    this.#options.objective.startStep(step);
    this.results.advance();
    if (!this.#options.careful) return void this.#whole();
    const before = randomState();
    const loss = await this.#gradients().item();
    if (!Number.isFinite(loss)) {
      setRandomState(before);
      const op = await findNonFinite(() => this.#computeGradients());
      throw new Error(
        `Cannot go on: the loss is ${loss} at step ${step}; the first result that is no finite number ` +
          `comes from ${op ?? "no op: the loss overflowed"}; try a lower --lr or --grad-clip 1`,
      );
    }
    this.#update();
  }

  /** Frees the captured step. */
  dispose(): void {
    for (const step of [this.#whole, this.#gradients, this.#update]) step.dispose();
    for (const t of [this.#features, this.#labels, this.#lengths, this.results]) t.dispose();
  }
}
