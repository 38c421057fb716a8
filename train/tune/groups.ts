/** Trials that differ only in their fold or their seed, taken together. @module */
import type { SearchKey } from "./axis.ts";
import type { Measured, Metric } from "./halving.ts";
import type { Point } from "./space.ts";

/** Keys that make a trial another one of the same kind, and not another kind. */
const replicaKeys: readonly string[] = ["seed", "validFold"];

/** Mean and deviation of some numbers. */
export interface Spread {
  readonly mean: number;
  /** Of the sample (n − 1); 0 for a single one. */
  readonly deviation: number;
}

/** Trials of one kind. */
export interface Group<T> {
  /** The values that they have in common. */
  readonly values: Point;
  /** All of them. */
  readonly trials: readonly T[];
  /** Over those that did not fail; null where all did. */
  readonly accuracy: Spread | null;
  readonly loss: Spread | null;
}

/** Whether a key makes a trial another one of the same kind. */
export function isReplicaKey(key: string): boolean {
  return replicaKeys.includes(key);
}

/**
 * Trials by all keys but fold and seed, the best mean first; groups in which all failed come last.
 *
 * @param keys the varied keys
 */
export function groupTrials<T extends Measured & { readonly values: Point }>(
  trials: readonly T[],
  { keys, metric }: { keys: readonly SearchKey[]; metric: Metric },
): Group<T>[] {
  const kinds = keys.filter((key) => !isReplicaKey(key));
  const valuesOf = ({ values }: T): Point => Object.fromEntries(kinds.map((key) => [key, values[key]]));
  const groups = [...Map.groupBy(trials, (trial) => JSON.stringify(valuesOf(trial))).values()].map((members) => {
    const done = members.filter(({ status }) => status === "done");
    const over = (metric: Metric) => done.length > 0 ? spread(done.map((trial) => trial[metric] ?? Infinity)) : null;
    return { values: valuesOf(members[0]), trials: members, accuracy: over("accuracy"), loss: over("loss") };
  });
  const rank = (group: Group<T>) => {
    const { mean = Infinity } = group[metric] ?? {};
    return metric === "accuracy" && group.accuracy !== null ? -mean : mean;
  };
  return groups.toSorted((a, b) => rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0);
}

/** Mean and deviation. */
export function spread(numbers: readonly number[]): Spread {
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const squares = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: numbers.length > 1 ? Math.sqrt(squares / (numbers.length - 1)) : 0 };
}

/** `0.8125 ± 0.0310`; the mean alone for a single number. */
export function spreadText(numbers: Spread | null, count: number): string {
  if (numbers === null) return "failed";
  const mean = numbers.mean.toFixed(4);
  return count > 1 ? `${mean} ± ${numbers.deviation.toFixed(4)}` : mean;
}
