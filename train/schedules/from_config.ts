/** The schedule that a config asks for. @module */
import type { ScheduleName, TrainConfig } from "../train_config.ts";
import { inSteps } from "../in_steps.ts";
import { ConstantLR } from "./constant_lr.ts";
import { CosineAnnealingLR } from "./cosine_annealing_lr.ts";
import { CosineWithWarmup } from "./cosine_with_warmup.ts";
import { ExponentialLR } from "./exponential_lr.ts";
import { MultiStepLR } from "./multi_step_lr.ts";
import { OneCycleLR } from "./one_cycle_lr.ts";
import { ReduceLROnPlateau } from "./reduce_lr_on_plateau.ts";
import { PerEpoch } from "./per_epoch.ts";
import { type Schedule, watchesMetric } from "./schedule.ts";
import { StepLR } from "./step_lr.ts";

const makers: Readonly<Record<ScheduleName, (config: TrainConfig) => Schedule>> = {
  "cosine-warmup": ({ lr, warmupSteps, totalSteps }) => new CosineWithWarmup({ lr, warmupSteps, totalSteps }),
  "constant": ({ lr }) => new ConstantLR({ lr }),
  "step": ({ lr, lrStepSize, lrGamma }) => new StepLR({ lr, stepSize: lrStepSize, gamma: lrGamma }),
  "multi-step": ({ lr, lrMilestones, lrGamma }) => new MultiStepLR({ lr, milestones: lrMilestones, gamma: lrGamma }),
  "exponential": ({ lr, lrGamma }) => new ExponentialLR({ lr, gamma: lrGamma }),
  "cosine": ({ lr, totalSteps, lrMin }) => new CosineAnnealingLR({ lr, tMax: totalSteps, etaMin: lrMin }),
  "one-cycle": ({ lr, totalSteps }) => new OneCycleLR({ maxLr: lr, totalSteps }),
  "plateau": ({ lr, lrMetric, lrGamma, lrPatience, lrMin }) =>
    new ReduceLROnPlateau({
      lr,
      mode: lrMetric === "loss" ? "min" : "max",
      factor: lrGamma,
      patience: lrPatience,
      minLr: lrMin,
    }),
};

/**
 * The schedule that a config asks for, by steps. `plateau` watches the validation's `lrMetric`, and knows which way is better.
 *
 * @param stepsPerEpoch batches that an epoch has; 1 where nobody knows it yet, which is enough to see whether a schedule can be made
 */
export function scheduleOf(config: TrainConfig, stepsPerEpoch = 1): Schedule {
  const make = makers[config.schedule];
  if (config.scheduleUnit === "step") return make(inSteps(config, stepsPerEpoch));
  const schedule = make(inSteps(config, 1)); // an epoch is a step of it
  return watchesMetric(schedule) ? schedule : new PerEpoch(schedule, stepsPerEpoch);
}
