/** The optimizer that a config asks for. @module */
import { Adam, AdamW, type Optimizer, type ParameterGroup, RMSprop, SGD } from "./optim/mod.ts";
import type { TrainConfig } from "./train_config.ts";

/** The optimizer that a config asks for, over some groups of parameters. */
export function optimizerOf(
  { optimizer, lr, weightDecay, betas, momentum }: TrainConfig,
  parameters: readonly ParameterGroup<object>[],
): Optimizer {
  const adam = { lr, weightDecay, betas: [betas[0], betas[1]] as const };
  switch (optimizer) {
    case "adamw":
      return new AdamW(parameters, adam);
    case "adam":
      return new Adam(parameters, adam);
    case "sgd":
      return new SGD(parameters, { lr, weightDecay, momentum });
    case "rmsprop":
      return new RMSprop(parameters, { lr, weightDecay, momentum });
  }
}
