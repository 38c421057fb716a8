/** Learning-rate schedules, with PyTorch's names and meaning. @module */
export * from "./schedule.ts";
export * from "./constant_lr.ts";
export * from "./cosine_annealing_lr.ts";
export * from "./cosine_with_warmup.ts";
export * from "./exponential_lr.ts";
export * from "./multi_step_lr.ts";
export * from "./one_cycle_lr.ts";
export * from "./per_epoch.ts";
export * from "./reduce_lr_on_plateau.ts";
export * from "./step_lr.ts";
