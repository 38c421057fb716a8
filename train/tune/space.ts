/** What a search tries: every combination of some values, draws from ranges, or both. @module */
import { Random } from "../../data/random.ts";
import type { TrainConfig } from "../train_config.ts";
import { type Axis, type Choices, draw, parseAxis, parseChoices, type SearchKey } from "./axis.ts";

/** The keys that a search varies, and how. */
export interface Space {
  /** Every combination of these is tried. */
  readonly grid: readonly Choices[];
  /** From these a value each is drawn, the same ones for every combination of the grid. */
  readonly random: readonly Axis[];
  /** How often; 1 where nothing is drawn. */
  readonly draws: number;
}

/** The values of one trial. */
export type Point = Readonly<Partial<Pick<TrainConfig, SearchKey>>>;

/** Space as texts, such as `lr=1e-4..1e-2`. */
export interface SpaceTexts {
  readonly grid?: readonly string[];
  readonly random?: readonly string[];
  /** Draws from `random`. */
  readonly trials?: number;
}

/** Attempts at a draw that was not there before, after which there is none left. */
const ATTEMPTS = 1000;

/**
 * Reads a space.
 *
 * @throws {SyntaxError} Where a text has no good form or names no key.
 * @throws {RangeError} Where a value is none for its key, a key stands there twice, nothing is varied, or the number of
 * draws is missing or of no use.
 */
export function parseSpace({ grid = [], random = [], trials }: SpaceTexts): Space {
  const space = { grid: grid.map(parseChoices), random: random.map(parseAxis), draws: trials ?? 1 };
  if (keysOf(space).length === 0) throw new RangeError("Cannot search: nothing is varied; give --grid or --random");
  checkKeys(keysOf(space));
  if (random.length > 0 && trials === undefined) {
    throw new RangeError("Cannot search at random: how often is not said; give --trials N");
  }
  if (random.length === 0 && trials !== undefined) {
    throw new RangeError("Cannot use --trials: a grid has as many trials as combinations; draws need --random");
  }
  return space;
}

/**
 * Checks that each key is varied in one way.
 *
 * @throws {RangeError} Where one stands there twice.
 */
export function checkKeys(keys: readonly SearchKey[]): void {
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) throw new RangeError(`Cannot search over ${twice}: it is given twice`);
}

/** The keys that are varied, in the order given. */
export function keysOf({ grid, random }: Pick<Space, "grid" | "random">): SearchKey[] {
  return [...grid, ...random].map(({ key }) => key);
}

/**
 * All trials in their order, draw after draw: with more draws the first trials stay what they were.
 *
 * @param seed decides the draws, and nothing else does
 * @throws {RangeError} Where there are fewer different draws than wanted.
 */
export function pointsOf(space: Space, seed: number): Point[] {
  const combinations = combine(space.grid);
  return drawsOf(space, seed).flatMap((drawn) => combinations.map((combination) => ({ ...combination, ...drawn })));
}

/** Every combination; the last key changes fastest. */
function combine(grid: readonly Choices[]): Point[] {
  return grid.reduce<Point[]>(
    (points, { key, values }) => points.flatMap((point) => values.map((value) => ({ ...point, [key]: value }))),
    [{}],
  );
}

function drawsOf({ random: axes, draws }: Space, seed: number): Point[] {
  if (axes.length === 0) return [{}];
  const seen = new Set<string>();
  return Array.from({ length: draws }, (_, i) => {
    const random = new Random(seed, i);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const point: Point = Object.fromEntries(axes.map((axis) => [axis.key, draw(axis, random)]));
      const text = JSON.stringify(point);
      if (!seen.has(text)) return seen.add(text), point; // a draw made before would only repeat its trial
    }
    throw new RangeError(`Cannot draw ${draws} different trials: there seem to be only ${i}; lower --trials`);
  });
}
