/** Optimizers and gradient clipping. @module */
export { Adam, type AdamSettings, AdamW } from "./adam.ts";
export { clipGradNorm } from "./clip.ts";
export {
  type BaseSettings,
  type Group,
  type GroupPart,
  Optimizer,
  type OptimizerState,
  type ParameterGroup,
  type Update,
} from "./optimizer.ts";
export { RMSprop, type RMSpropSettings } from "./rmsprop.ts";
export { SGD, type SGDSettings } from "./sgd.ts";
