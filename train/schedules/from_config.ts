/** The schedule that a config asks for. @module */
import type { ScheduleName, TrainConfig } from "../train_config.ts";
import { ConstantLR } from "./constant_lr.ts";
import { CosineAnnealingLR } from "./cosine_annealing_lr.ts";
import { CosineWithWarmup } from "./cosine_with_warmup.ts";
import { ExponentialLR } from "./exponential_lr.ts";
import { MultiStepLR } from "./multi_step_lr.ts";
import { OneCycleLR } from "./one_cycle_lr.ts";
import { ReduceLROnPlateau } from "./reduce_lr_on_plateau.ts";
import type { Schedule } from "./schedule.ts";
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

/** The schedule that a config asks for. `plateau` watches the validation's `lrMetric`, and knows which way is better. */
export function scheduleOf(config: TrainConfig): Schedule {
  return makers[config.schedule](config);
}
