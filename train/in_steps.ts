/** Epochs of a config as steps. @module */
import type { TrainConfig } from "./train_config.ts";

/** Keys that count epochs where `epochs` is given. */
const counts = ["validSteps", "saveSteps", "warmupSteps", "marginSteps", "lrStepSize"] as const;

/**
 * The config with every count in steps: where `epochs` is given, `totalSteps` follows from it, and `validSteps`, `saveSteps`,
 * `warmupSteps`, `marginSteps`, `lrStepSize` and `lrMilestones` are numbers of epochs.
 *
 * @param stepsPerEpoch batches that an epoch has
 */
export function inSteps(config: TrainConfig, stepsPerEpoch: number): TrainConfig {
  if (config.epochs === 0) return config;
  const scaled = counts.map((key) => [key, config[key] * stepsPerEpoch]);
  return {
    ...config,
    ...Object.fromEntries(scaled),
    totalSteps: config.epochs * stepsPerEpoch,
    lrMilestones: config.lrMilestones.map((epoch) => epoch * stepsPerEpoch),
  };
}
