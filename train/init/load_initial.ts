/** Putting a run's initial weights into its model. @module */
import type { ArrayDict, NamedArray } from "../../data/files/mod.ts";
import { type Classifier, classWeights } from "../../nn/mod.ts";
import { differingSettings } from "../../data/features/mod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import type { ModelFacts } from "../model_facts.ts";
import type { TrainingData } from "../training_data.ts";
import type { InitialModel } from "./initial_model.ts";
import { modelKinds, sharesBody } from "../models/mod.ts";
import { matchNames } from "./match_names.ts";

/** How the data's features are made, and how many values a frame has. */
export type Heard = Pick<TrainingData, "featureSettings" | "channels">;

/** What the model is to tell apart. */
export type Target = Pick<ModelFacts, "architecture" | "classes" | "speedClasses">;

/** A head's weights by name; null where they are to be drawn anew. */
type HeadWeights = { readonly arrays: ArrayDict | null; readonly line: string };

/**
 * Copies the initial model's weights into a model with fresh ones. The head stays as it was drawn where the initial model does not know
 * exactly these classes; where it knows them in another order, or others at other speeds besides, the rows of its head are taken
 * accordingly.
 *
 * @returns lines that say what was taken and what was drawn anew
 * @throws {RangeError} Where the initial model is of another kind, knows other features, or has little in common with the model.
 * @throws {TypeError} Where weights have other shapes.
 */
export function loadInitial(
  model: Classifier,
  { initial, target, data }: { initial: InitialModel; target: Target; data: Heard },
): string[] {
  const { path, facts } = initial;
  if (facts !== null) checkFacts(facts, { path, target, data });
  const state = model.stateDict();
  const inHead = new Set(Object.values(model.head.stateDict()));
  const [head, body] = [true, false].map((wanted) =>
    Object.fromEntries(Object.entries(state).filter(([, tensor]) => inHead.has(tensor) === wanted))
  );
  const { arrays, missing, extra } = matchNames(withSharedPart(initial, target), {
    body: Object.keys(body),
    all: Object.keys(state),
  });
  const { arrays: headArrays, line } = headOf(arrays, {
    ...{ initial, target, head, extra },
    classes: classWeights(model.head),
  });
  const bodyArrays = Object.entries(arrays).filter(([name]) => Object.hasOwn(body, name));
  model.loadStateDict({ ...Object.fromEntries(bodyArrays), ...headArrays }, { strict: false, source: path });
  return [
    `Start from "${path}"${facts === null ? "" : ` (step ${facts.step})`}: ${line}`,
    ...note(missing, "not in it and drawn anew"),
    ...note(extra, "of it not used"),
  ];
}

/** Of a model of another kind the part that both have, under this kind's names: what follows it may be named alike and is not the same. */
function withSharedPart(initial: InitialModel, { architecture }: Target): InitialModel {
  if (initial.facts === null || initial.facts.architecture === architecture) return initial;
  const [theirs, ours] = [initial.facts.architecture, architecture].map((kind) => `${modelKinds[kind].body!.field}.`);
  const shared = Object.entries(initial.arrays).filter(([name]) => name.startsWith(theirs));
  return { ...initial, arrays: Object.fromEntries(shared.map(([name, a]) => [ours + name.slice(theirs.length), a])) };
}

/** Refuses another kind of model, and features that the model does not know. */
function checkFacts(facts: ModelFacts, { path, target, data }: { path: string; target: Target; data: Heard }): void {
  if (!sharesBody(facts.architecture, target.architecture)) {
    throw new RangeError(
      `Cannot start from "${path}": it is a model of kind "${facts.architecture}", wanted "${target.architecture}"`,
    );
  }
  const { featureSettings: wanted } = facts, { featureSettings: found } = data;
  const differing = wanted === null || found === null ? [] : differingSettings(wanted, found);
  if (differing.length > 0) {
    throw new RangeError(
      `Cannot start from "${path}": the features of the data are not made as those that it knows: ${
        differing.join(", ")
      }`,
    );
  }
  if (facts.channels === data.channels) return;
  throw new RangeError(
    `Cannot start from "${path}": it takes frames of ${facts.channels} channels, and those of the data have ${data.channels}`,
  );
}

function note(names: readonly string[], what: string): string[] {
  if (names.length === 0) return [];
  const shown = [...names.slice(0, 3), ...(names.length > 3 ? ["…"] : [])].join(", ");
  return [`${names.length} weights are ${what}: ${shown}`];
}

interface HeadRequest {
  readonly initial: InitialModel;
  readonly target: Target;
  /** The head's tensors by name. */
  readonly head: Readonly<Record<string, Tensor>>;
  /** Names in the file that the model does not have. */
  readonly extra: readonly string[];
  /** Tensors of the head that have a place for each class, and the axis where they have it. */
  readonly classes: ReadonlyMap<Tensor, number>;
}

/** The weights of the head that go on, and a line about them. */
function headOf(arrays: Readonly<ArrayDict>, { initial, target, head, extra, classes }: HeadRequest): HeadWeights {
  const anew = (why: string): HeadWeights => ({ arrays: null, line: `head drawn anew for ${countOf(target)}: ${why}` });
  const { rows, line } = rowsOf(target, initial.facts);
  if (rows === null) return anew(line);
  const taken: ArrayDict = {};
  for (const [name, tensor] of Object.entries(head)) {
    const found = Object.hasOwn(arrays, name) ? arrays[name] : undefined;
    if (found === undefined) return anew("its head is of another kind");
    const axis = classes.get(tensor);
    taken[name] = rows === "all" || axis === undefined ? found : pick(found, { rows, axis });
    if (String(taken[name].shape) === String(tensor.shape)) continue;
    return anew(`its ${name} is [${found.shape}], wanted [${tensor.shape}]`);
  }
  const isOther = extra.some((name) => isBeside(name, head));
  return isOther ? anew("its head is of another kind") : { arrays: taken, line };
}

/** Whether a name lies in the same module as a head's weights: the bias of a linear head, where cosines have none. */
function isBeside(name: string, head: Readonly<Record<string, Tensor>>): boolean {
  const folder = (name: string) => name.slice(0, name.lastIndexOf(".") + 1);
  return Object.keys(head).some((own) => folder(own) !== "" && folder(own) === folder(name));
}

function countOf({ classes, speedClasses = [] }: Target): string {
  return `${classes.length + speedClasses.length} classes`;
}

/** Which rows of the initial head are those of the target's scores; "all" for all as they are, null where some are not there. */
function rowsOf(target: Target, facts: ModelFacts | null): { rows: readonly number[] | "all" | null; line: string } {
  if (facts === null) {
    return { rows: "all", line: "its classes have no names and are taken to be those of the data, in their order" };
  }
  const [wanted, had] = [target, facts].map(({ classes, speedClasses = [] }) => [...classes, ...speedClasses]);
  const unknown = target.classes.filter((name) => !facts.classes.includes(name)).length;
  if (unknown > 0 || target.classes.length !== facts.classes.length) {
    const shared = target.classes.length - unknown;
    return { rows: null, line: `it has ${facts.classes.length} classes, ${shared} of them the same` };
  }
  const places = new Map(had.map((name, i) => [name, i]));
  const rows = wanted.map((name) => places.get(name) ?? -1);
  if (rows.includes(-1)) return { rows: null, line: "it knows no classes at these speeds" };
  if (rows.every((row, i) => row === i) && had.length === wanted.length) return { rows: "all", line: "head and all" };
  const line = had.length > wanted.length
    ? `of its head the rows of ${wanted.length} classes, without those at other speeds`
    : "its head's classes put into the data's order";
  return { rows, line };
}

/** The rows of an array, or its columns where it has its classes there. */
function pick({ shape, data }: NamedArray, { rows, axis }: { rows: readonly number[]; axis: number }): NamedArray {
  const size = shape[axis] ?? 0;
  if (rows.some((row) => row >= size)) return { shape, data }; // not what its description says: the shapes will tell
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1), outer = data.length / (size * inner);
  const picked = data.slice(0, outer * rows.length * inner);
  for (let i = 0; i < outer; i++) {
    rows.forEach((row, k) => {
      const from = (i * size + row) * inner;
      picked.set(data.subarray(from, from + inner), (i * rows.length + k) * inner);
    });
  }
  return { shape: shape.with(axis, rows.length), data: picked };
}
