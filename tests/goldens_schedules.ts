/** How the golden cases of family `schedule` are computed: op → outputs. */
import {
  CosineAnnealingLR,
  type CosineAnnealingLROptions,
  CosineWithWarmup,
  type CosineWithWarmupOptions,
  ExponentialLR,
  MultiStepLR,
  type MultiStepLROptions,
  OneCycleLR,
  type OneCycleLROptions,
  ReduceLROnPlateau,
  type ReduceLROnPlateauOptions,
  type Schedule,
  StepLR,
  type StepLROptions,
} from "../train/schedules/mod.ts";

/** From a case's `args` and its inputs by name, the outputs by name. */
export type ScheduleCase = (
  args: Record<string, unknown>,
  inputs: Record<string, ArrayLike<number>>,
) => { lr: Float64Array };

/** Every golden case has 40 steps, but where a metric is given. */
const steps = 40;

/** By the case's `op`. */
export const scheduleCases: Record<string, ScheduleCase> = {
  CosineWithWarmup: (args) => rates(new CosineWithWarmup(args as unknown as CosineWithWarmupOptions)),
  StepLR: (args) => rates(new StepLR(args as unknown as StepLROptions)),
  MultiStepLR: (args) => rates(new MultiStepLR(args as unknown as MultiStepLROptions)),
  ExponentialLR: (args) => rates(new ExponentialLR(args as { lr: number; gamma: number })),
  CosineAnnealingLR: (args) => rates(new CosineAnnealingLR(args as unknown as CosineAnnealingLROptions)),
  OneCycleLR: (args) => rates(new OneCycleLR(args as unknown as OneCycleLROptions)),
  ReduceLROnPlateau: (args, { metric }) => {
    const schedule = new ReduceLROnPlateau(args as unknown as ReduceLROnPlateauOptions);
    return { lr: Float64Array.from(metric, (value) => schedule.observe(value)) };
  },
};

function rates(schedule: Schedule): { lr: Float64Array } {
  return { lr: Float64Array.from({ length: steps }, (_, step) => schedule.lrAt(step)) };
}
