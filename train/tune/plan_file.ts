/** The plan of a search as its `search.json` has it, which somebody may have edited. @module */
import { layConfig } from "../config.ts";
import { recipeNamed } from "../recipes/mod.ts";
import type { TrainConfig } from "../train_config.ts";
import { trainFields } from "../train_fields.ts";
import { type Axis, axisFrom } from "./axis.ts";
import type { SearchPlan } from "./plan.ts";

type Values = Readonly<Record<string, unknown>>;

/**
 * The plan that a file holds. Keys that its config lacks, because there were none when the search was begun, are the recipe's.
 *
 * @param path the file, for messages
 * @throws {SyntaxError} Where it is no plan, or names keys that there are not.
 * @throws {RangeError} Where a value is none for its key, or there is no such recipe.
 */
export function planFrom(path: string, { task, config, space, metric, halving }: Values): SearchPlan {
  const wrong = (what: string) => new SyntaxError(`Cannot read "${path}": it is no plan of a search: ${what}`);
  if (task !== "tune" && task !== "ablate") throw wrong("its task is none");
  if (metric !== "accuracy" && metric !== "loss") throw wrong("its metric is none");
  if (typeof halving !== "boolean") throw wrong("whether to halve is not said");
  if (!isRecord(config) || !isRecord(space)) throw wrong("it has no config or no space");
  const { grid, random, draws } = space;
  if (!(Number.isSafeInteger(draws) && Number(draws) >= 1)) throw wrong("its number of draws is none");
  const choices = axesFrom(grid), axes = axesFrom(random);
  if (choices === undefined || axes === undefined) throw wrong("a key that it varies, or a value, is none");
  const fixed = choices.filter((axis) => "values" in axis);
  if (fixed.length < choices.length) throw wrong("its grid has a range");
  return {
    task,
    metric,
    halving,
    config: configFrom(path, config),
    space: { grid: fixed, random: axes, draws: Number(draws) },
  };
}

function configFrom(path: string, values: Values): TrainConfig {
  const { config } = recipeNamed(String(values.recipe));
  return layConfig<TrainConfig>(trainFields, config, [{ nameOf: (key) => `"${key}" of "${path}"`, values }]);
}

function axesFrom(list: unknown): Axis[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const axes = list.map(axisFrom).filter((axis) => axis !== undefined);
  return axes.length === list.length ? axes : undefined;
}

function isRecord(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
