/** Modules that two toolkits call by different names, as tables that are read in both directions. @module */
import type { ArrayDict, NamedArray } from "../../data/files/mod.ts";

/** How a weight is laid out otherwise. */
export interface Layout {
  /** From theirs to ours; `leaf` is the name within the module, as "weight". */
  ours(array: NamedArray, leaf: string): NamedArray;
  /** From ours to theirs. */
  theirs(array: NamedArray, leaf: string): NamedArray;
}

/** A module under both names. */
export interface Rename {
  readonly ours: string;
  /** Empty where the weights stand at the top. */
  readonly theirs: string;
  /** Default: the same numbers in the same order. */
  readonly layout?: Layout;
}

/** Weights under other names. */
export interface Renamed {
  readonly arrays: ArrayDict;
  /** The names that they had. */
  readonly names: ReadonlyMap<string, string>;
}

/** Another toolkit's weights under our names. Those of modules that the table does not have keep theirs. */
export function renamedToOurs(arrays: Readonly<ArrayDict>, table: readonly Rename[]): Renamed {
  return renamed(
    arrays,
    new Map(table.map(({ theirs, ours, layout }) => [theirs, { to: ours, change: layout?.ours }])),
  );
}

/** Our weights under another toolkit's names: the way back. */
export function renamedToTheirs(arrays: Readonly<ArrayDict>, table: readonly Rename[]): Renamed {
  return renamed(
    arrays,
    new Map(table.map(({ theirs, ours, layout }) => [ours, { to: theirs, change: layout?.theirs }])),
  );
}

/** What another toolkit calls a weight of ours. */
export function theirNameOf(table: readonly Rename[]): (name: string) => string {
  const modules = new Map(table.map(({ ours, theirs }) => [ours, theirs]));
  return (name) => {
    const end = name.lastIndexOf("."), theirs = modules.get(name.slice(0, end));
    return theirs === undefined ? name : [theirs, name.slice(end + 1)].filter((part) => part !== "").join(".");
  };
}

interface Step {
  readonly to: string;
  readonly change?: (array: NamedArray, leaf: string) => NamedArray;
}

function renamed(arrays: Readonly<ArrayDict>, steps: ReadonlyMap<string, Step>): Renamed {
  const names = new Map<string, string>();
  const entries = Object.entries(arrays).map(([name, array]): [string, NamedArray] => {
    const end = name.lastIndexOf("."), leaf = name.slice(end + 1), step = steps.get(name.slice(0, Math.max(0, end)));
    if (step === undefined) return [name, array];
    const to = step.to === "" ? leaf : `${step.to}.${leaf}`;
    if (to !== name) names.set(to, name);
    return [to, step.change === undefined ? array : step.change(array, leaf)];
  });
  return { arrays: Object.fromEntries(entries), names };
}

/** Modules whose names differ in what stands before them. */
export function modules(pairs: Readonly<Record<string, string>>, layout?: Layout): Rename[] {
  return Object.entries(pairs).map(([ours, theirs]) => ({ ours, theirs, layout }));
}

/** A linear map of theirs that is a convolution over one frame here. */
export const linearAsConvolution: Layout = {
  ours: (array, leaf) => leaf === "weight" ? { ...array, shape: [...array.shape, 1] } : array,
  theirs: (array, leaf) => leaf === "weight" ? { ...array, shape: array.shape.slice(0, -1) } : array,
};

/** Channels in another order: theirs that are last by one part of `parts` come first here. */
export function lastPartFirst(parts: number, channels: "outputs" | "inputs"): Layout {
  const axis = channels === "outputs" ? 0 : 1;
  const turn = (array: NamedArray, by: number) => {
    const { shape } = array;
    return shape.length <= axis || shape[axis] % parts !== 0 ? array : turned(array, axis, by * shape[axis] / parts);
  };
  return { ours: (array) => turn(array, 1), theirs: (array) => turn(array, parts - 1) };
}

/** Places along an axis moved on by so many, those at the end to the beginning. */
function turned({ shape, data }: NamedArray, axis: number, by: number): NamedArray {
  const size = shape[axis], inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const result = data.slice();
  for (let row = 0; row < data.length / inner; row++) {
    const start = row - row % size, place = (row % size + by) % size;
    result.set(data.subarray(row * inner, (row + 1) * inner), (start + place) * inner);
  }
  return { shape, data: result };
}
