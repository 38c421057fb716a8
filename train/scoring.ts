/** Scores of a model for utterances: what validation, inference and evaluation have in common. @module */
import { type Batch, evaluationBatches } from "../data/batches/mod.ts";
import { type FeatureSettings, silenceOf } from "../data/features/mod.ts";
import type { UtteranceSource } from "../data/sets/mod.ts";
import type { Classifier } from "../nn/mod.ts";
import { noGrad, scope, type Tensor, tensor } from "../tensor/mod.ts";
import { batchRulesOf } from "./batch_rules.ts";
import { shortFault } from "./least_length.ts";
import { batchOptionsOf, cropsOf, type Viewing } from "./viewing.ts";

/** Batches enqueued before the first of them is read: an answer of a GPU takes longer than a batch. */
const IN_FLIGHT = 8;

/** An utterance with its scores. */
export interface Scored {
  /** Place in the source. */
  readonly index: number;
  /** A number for each class, before softmax; the mean over crops. */
  readonly logits: Float32Array;
}

/** Options of {@linkcode scoreUtterances}. */
export interface ScoreOptions {
  /** Which utterances; default all. */
  readonly indices?: ArrayLike<number>;
  /** How they are presented. */
  readonly viewing: Viewing;
  /** Most utterances a batch. Default 64. */
  readonly batchSize?: number;
  /** How many scores count, the first ones; default all. Those of classes at other speeds come after them. */
  readonly classes?: number;
  /** How the features were made, which says what padding holds. Default null, where it is not known: −20 then. */
  readonly featureSettings?: FeatureSettings | null;
  /** Aborting it ends the sequence early. */
  readonly signal?: AbortSignal;
}

/**
 * The scores of every utterance, once each and in no certain order. The model has to be in evaluation mode.
 *
 * @throws Error where an utterance cannot be read or is too short for the model, or the device is lost.
 */
export async function* scoreUtterances(
  model: Classifier,
  source: UtteranceSource,
  { indices, viewing, batchSize = 64, classes, featureSettings = null, signal }: ScoreOptions,
): AsyncGenerator<Scored, void, void> {
  const rules = batchRulesOf(model, featureSettings), { utterances } = source;
  for (const index of Array.from(indices ?? utterances.keys())) {
    const { id, frames } = utterances[index], fault = viewing.fixed ? null : shortFault(frames, model, featureSettings);
    if (fault !== null) throw new Error(`Cannot score ${JSON.stringify(id)}: ${fault}`);
  }
  const gathering = new Crops((index) => cropsOf(utterances[index].frames, viewing, rules), classes);
  const waiting: { batch: Batch; logits: Promise<Float32Array> }[] = [];
  const takeOldest = async () => {
    const { batch, logits } = waiting.shift()!;
    return gathering.add(batch, await logits);
  };
  const options = { ...batchOptionsOf(viewing, rules), batchSize, padding: silenceOf(featureSettings) };
  for await (const batch of evaluationBatches(source, indices, options)) {
    if (signal?.aborted) return;
    const logits = read(scope(() => logitsOf(model, batch)));
    logits.catch(() => {}); // thrown when its turn comes
    waiting.push({ batch, logits });
    if (waiting.length >= IN_FLIGHT) yield* await takeOldest();
  }
  while (waiting.length > 0) yield* await takeOldest();
}

/** Gathers the crops of an utterance until all are there. */
class Crops {
  readonly #open = new Map<number, { sum: Float32Array; left: number; count: number }>();
  readonly #countOf: (index: number) => number;
  readonly #classes: number | undefined;

  constructor(countOf: (index: number) => number, classes: number | undefined) {
    [this.#countOf, this.#classes] = [countOf, classes];
  }

  /** The utterances that a batch completes. */
  add({ indices }: Batch, logits: Float32Array): Scored[] {
    const width = logits.length / indices.length, classes = this.#classes ?? width;
    return Array.from(indices).flatMap((index, row) => {
      const scores = logits.subarray(row * width, row * width + classes);
      const count = this.#countOf(index);
      const open = this.#open.get(index) ?? { sum: new Float32Array(classes), left: count, count };
      open.sum.forEach((sum, c) => open.sum[c] = sum + scores[c]);
      this.#open.set(index, { ...open, left: open.left - 1 });
      if (open.left > 1) return [];
      this.#open.delete(index);
      return [{ index, logits: open.sum.map((sum) => sum / count) }];
    });
  }
}

/** Logits (batch, classes); padding is masked where there is any. */
function logitsOf(model: Classifier, { features, lengths, batch, time, channels }: Batch): Tensor {
  const padded = lengths.some((n) => n < time);
  return noGrad(() =>
    model.forward(tensor(features, { shape: [batch, time, channels] }), padded ? tensor(lengths) : null)
  );
}

async function read(logits: Tensor): Promise<Float32Array> {
  try {
    return await logits.data() as Float32Array; // logits are float32
  } finally {
    logits.dispose();
  }
}
