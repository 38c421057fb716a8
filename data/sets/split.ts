import { Random } from "../random.ts";

/** Options for {@linkcode splitStratified}. */
export interface SplitOptions {
  /** Share of the utterances that goes to validation, in [0, 1); default 0.1. */
  readonly validFraction?: number;
  /** Decides who goes where; default 0. */
  readonly seed?: number;
}

/** Which utterances are for training and which for validation: indices in ascending order. */
export interface Split {
  /** For training. */
  readonly train: number[];
  /** For validation. */
  readonly valid: number[];
}

/**
 * Splits utterances such that every class has its share in both parts: round(fraction × total) go to validation; each
 * class gives its exact share rounded down or up, and keeps at least one utterance in training.
 *
 * @param labels the class of each utterance
 * @param options the share and the seed
 * @throws {RangeError} the share is not in [0, 1), or no class can spare an utterance
 */
export function splitStratified(labels: ArrayLike<number>, options: SplitOptions = {}): Split {
  const { validFraction = 0.1, seed = 0 } = options;
  if (!(validFraction >= 0 && validFraction < 1)) {
    throw new RangeError(`Cannot split: the share for validation is ${validFraction}, wanted at least 0 and below 1`);
  }
  const random = new Random(seed);
  const groups = groupByLabel(labels).map((group) => random.shuffle(group));
  const wanted = Math.round(labels.length * validFraction);
  const quotas = shareOut(groups.map((group) => group.length), wanted / Math.max(1, labels.length), wanted, random);
  const valid = groups.flatMap((group, i) => group.slice(0, quotas[i]));
  if (wanted > 0 && valid.length === 0) {
    throw new RangeError(
      "Cannot split: every class has a single utterance, so none can be spared for validation; set validFraction to 0",
    );
  }
  const train = groups.flatMap((group, i) => group.slice(quotas[i]));
  return { train: train.sort((a, b) => a - b), valid: valid.sort((a, b) => a - b) };
}

/** The indices of each label, by ascending label. */
function groupByLabel(labels: ArrayLike<number>): number[][] {
  const groups = Map.groupBy(Array.from(labels).keys(), (index) => labels[index]);
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Largest remainders: exact shares are rounded down, then the largest remainders up until the total is right. */
function shareOut(sizes: readonly number[], fraction: number, wanted: number, random: Random): number[] {
  const quotas = sizes.map((size) => Math.min(Math.floor(size * fraction), size - 1));
  const order = random.shuffle(sizes.map((_, i) => i)); // equal remainders are served in random order
  order.sort((a, b) => sizes[b] * fraction % 1 - sizes[a] * fraction % 1);
  let missing = wanted - quotas.reduce((sum, quota) => sum + quota, 0);
  for (const i of order) {
    if (missing > 0 && quotas[i] < Math.min(Math.ceil(sizes[i] * fraction), sizes[i] - 1)) {
      quotas[i]++;
      missing--;
    }
  }
  return quotas;
}
