/** Which utterances a config trains on, and which it keeps for validation. @module */
import { readSplitTable, type Split, splitByFolds, splitByPattern, splitStratified } from "../data/sets/mod.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingData } from "./training_data.ts";

/** Keys of a config that decide about the split. */
export type SplitConfig = Pick<TrainConfig, "validFraction" | "seed" | "folds" | "validFold" | "testFold" | "holdOut">;

/**
 * Splits by the folds of a CSV file, by a pattern of names, or else a share of each class at random.
 *
 * @throws Error where folds or pattern do not fit the data, or training would never see a class.
 */
export async function splitOf(
  config: SplitConfig,
  { utterances, classes }: Pick<TrainingData, "utterances" | "classes">,
): Promise<Split> {
  const { folds, validFold, testFold, holdOut, validFraction, seed } = config;
  if (holdOut !== "") return splitByPattern(utterances, holdOut, { classes });
  if (folds === "") return splitStratified(utterances.map(({ label }) => label), { validFraction, seed });
  const table = await readSplitTable(folds);
  return splitByFolds(utterances, table, { validFold, testFold: testFold === "" ? undefined : testFold, classes });
}
