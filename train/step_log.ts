/** What steps gave, on its way from the device to the metrics file, the curves and the bar. @module */
import type { LossWindow } from "./loss_window.ts";
import type { MetricsFile } from "./metrics_file.ts";
import type { Bar } from "./progress.ts";
import type { EventWriter } from "./tensorboard.ts";

/** Sums over the steps since the last row. A checkpoint holds them, so that a resumed run writes the very same rows. */
export interface Unlogged {
  steps: number;
  loss: number;
  correct: number;
}

/** Where results come from and go to. */
export interface StepLogParts {
  readonly results: LossWindow;
  readonly metrics: MetricsFile;
  readonly events: EventWriter;
  readonly bar: Bar;
  /** Updated in place. */
  readonly unlogged: Unlogged;
  readonly batchSize: number;
}

/** Reads results behind the steps that follow: asking a GPU takes longer than a step, so no step waits for an answer. */
export class StepLog {
  readonly #parts: StepLogParts;
  /** Settles when everything asked for has been dealt with; never rejects. */
  #reading: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(parts: StepLogParts) {
    this.#parts = parts;
  }

  /** To be called after each step that writes no row: takes results before there are too many of them. */
  gather(step: number): void {
    const { results } = this.#parts;
    if (results.pending >= results.capacity / 2) this.#ask(step, () => {});
  }

  /** Asks for the results up to this step and writes a row about those since the last one, when they are there. */
  row(step: number, lr: number): void {
    this.#ask(step, () => this.#write(step, lr));
  }

  /** Waits until all results up to this step are in, without a row. The place where training waits for the device. */
  async settle(step: number): Promise<void> {
    this.#ask(step, () => {});
    await this.#reading;
    this.check();
  }

  /** Throws what went wrong since the last look: a loss that is no finite number, or a lost device. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #ask(step: number, then: () => void): void {
    const results = this.#parts.results.read(); // a copy as of now, whatever the next steps write
    results.catch(() => {}); // dealt with below, in the order of asking
    const before = this.#reading;
    this.#reading = (async () => {
      await before;
      if (this.#failure !== undefined) return;
      try {
        const { losses, correct } = await results;
        this.#add(step, losses, correct);
        then();
      } catch (error) {
        this.#failure = error as Error;
      }
    })();
  }

  #add(step: number, losses: Float32Array, correct: Float32Array): void {
    const { unlogged } = this.#parts;
    losses.forEach((loss, i) => {
      if (!Number.isFinite(loss)) throw badLoss(loss, step - losses.length + i + 1);
      unlogged.steps++;
      unlogged.loss += loss;
      unlogged.correct += correct[i];
    });
  }

  #write(step: number, lr: number): void {
    const { unlogged, metrics, events, bar, batchSize } = this.#parts;
    if (unlogged.steps === 0) return;
    const loss = unlogged.loss / unlogged.steps;
    const accuracy = unlogged.correct / unlogged.steps / batchSize;
    Object.assign(unlogged, { steps: 0, loss: 0, correct: 0 });
    metrics.append({ step, loss, accuracy, lr });
    events.scalar("Loss/train", loss, step);
    events.scalar("Acc/train", accuracy, step);
    events.scalar("lr", lr, step);
    bar.note({ loss, accuracy });
  }
}

/** The error that ends a run whose weights are spoilt. */
export function badLoss(loss: number, step: number, what = "loss"): Error {
  return new Error(
    `Cannot go on: the ${what} is ${loss} at step ${step}; try a lower --lr or --grad-clip 1; ` +
      "DEBUG=1 names the op where it began",
  );
}
