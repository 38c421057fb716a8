/** All that decides what a search does; saved in its folder, so that it goes on as it was begun. @module */
import type { TrainConfig } from "../train_config.ts";
import { trainFields } from "../train_fields.ts";
import { axisText, valueText } from "./axis.ts";
import { type Metric, rungSteps } from "./halving.ts";
import { keysOf, type Point, pointsOf, type Space } from "./space.ts";

/** What a search does. */
export interface SearchPlan {
  /** The task that it was begun with. */
  readonly task: "tune" | "ablate";
  /** The config that trials change; its seed decides the draws as well. */
  readonly config: TrainConfig;
  readonly space: Space;
  readonly metric: Metric;
  /** Whether most trials get a part of the steps only. */
  readonly halving: boolean;
}

/** Keys that may differ when a search goes on: they do not change what a trial gives. */
const free: readonly string[] = ["out", "device", "cacheMegabytes"];

/** The trials of a search. */
export function trialsOf({ space, config }: SearchPlan): Point[] {
  return pointsOf(space, config.seed);
}

/** Whether the runs of a plan count epochs, or steps. */
export function countsEpochs({ config }: SearchPlan): boolean {
  return config.epochs > 0;
}

/**
 * Steps (or epochs) up to which the trials of each rung train; `undefined` for all that their config has.
 *
 * @throws {RangeError} Where trials differ in their number of steps.
 */
export function rungsOf(plan: SearchPlan, trials: number): (number | undefined)[] {
  const { halving, space, config } = plan;
  if (!halving) return [undefined];
  const key = keysOf(space).find((key) => key === "totalSteps" || key === "epochs");
  if (key !== undefined) throw new RangeError(`Cannot halve over ${key}: trials are compared at equal lengths`);
  return rungSteps(trials, countsEpochs(plan) ? config.epochs : config.totalSteps);
}

/** What differs between the plan that a search was begun with and another one, as "lr was 0.1, is 0.2". */
export function differences(was: SearchPlan, is: SearchPlan): string[] {
  const [before, now] = [factsOf(was), factsOf(is)];
  const keys = [...new Set([...before.keys(), ...now.keys()])];
  return keys.filter((key) => before.get(key) !== now.get(key) && !(key === "trials" && drawsMore(was, is)))
    .map((key) => `${key} was ${before.get(key) ?? "not there"}, is ${now.get(key) ?? "not there"}`);
}

/** Whether all that changes is that more is drawn: the trials made already are the first of them. */
function drawsMore(was: SearchPlan, is: SearchPlan): boolean {
  return !is.halving && is.space.draws > was.space.draws;
}

function factsOf({ task, config, space, metric, halving }: SearchPlan): Map<string, string> {
  const searched = keysOf(space).filter((key) => key !== "seed") as string[]; // it decides the draws all the same
  const fixed = Object.entries(config).filter(([key]) =>
    Object.hasOwn(trainFields, key) && !free.includes(key) && !searched.includes(key)
  );
  return new Map([
    ["the task", task],
    ...fixed.map(([key, value]) => [key, valueText(value)] as const),
    ["--grid", space.grid.map(axisText).join(" ") || "nothing"],
    ["--random", space.random.map(axisText).join(" ") || "nothing"],
    ["trials", String(space.draws)],
    ["--metric", metric],
    ["--halving", String(halving)],
  ]);
}
