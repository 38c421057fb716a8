/** Which utterances a config trains on. @module */
import { type Split, splitStratified } from "../data/sets/mod.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingData } from "./training_data.ts";

/** Splits as the config says. */
export function splitOf({ validFraction, seed }: TrainConfig, { utterances }: TrainingData): Promise<Split> {
  return Promise.resolve(splitStratified(utterances.map(({ label }) => label), { validFraction, seed }));
}
