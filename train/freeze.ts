/** Keeping weights as they are while others are trained. @module */
import { nearNames } from "../data/near_names.ts";
import { type Module, Parameter } from "../nn/mod.ts";

/** What {@linkcode freezeWeights} froze. */
export interface Frozen {
  /** Numbers in frozen parameters. */
  readonly numbers: number;
  /** The outermost modules that are frozen whole, by name. */
  readonly modules: readonly string[];
}

/** Patterns that freeze nothing, or leave nothing to train: what the user gave does not fit the model. */
export class FreezeError extends RangeError {
  override name = "RangeError";
}

/**
 * Freezes the parameters whose names fit one of the patterns: they get no gradient, and no optimizer is to be given them.
 * A module all of whose parameters are frozen is frozen as a whole (`Module.freeze`): it stays in evaluation, so that its
 * dropout drops nothing and running statistics of its batch normalisation do not move.
 *
 * @param globs names in which `*` stands for any characters, dots too
 * @throws {FreezeError} Where a pattern fits no parameter (near names are given), or nothing is left to train.
 *
 * @example
 * ```ts
 * import { nn } from "../mod.ts";
 * import { freezeWeights } from "./freeze.ts";
 *
 * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(3, 2));
 * console.log(freezeWeights(model, ["0.*"])); // { numbers: 9, modules: ["0"] }
 * ```
 */
export function freezeWeights(model: Module, globs: readonly string[]): Frozen {
  const named = Object.entries(model.stateDict()).filter((entry): entry is [string, Parameter] =>
    entry[1] instanceof Parameter // under every name that a shared one has
  );
  const frozen = new Set(globs.flatMap((glob) => fitting(glob, named)));
  const all = model.parameters();
  if (frozen.size === all.length && all.length > 0) {
    throw new FreezeError(`Cannot freeze ${quotedList(globs)}: that is every weight, and nothing is left to train`);
  }
  for (const parameter of frozen) parameter.requireGrad(false);
  const modules = globs.length === 0 ? [] : freezeWhole(model, frozen);
  return { numbers: [...frozen].reduce((sum, { size }) => sum + size, 0), modules };
}

/** The parameters whose names fit a pattern. */
function fitting(glob: string, named: readonly (readonly [string, Parameter])[]): Parameter[] {
  const pattern = patternOf(glob);
  const found = named.filter(([name]) => pattern.test(name)).map(([, parameter]) => parameter);
  if (found.length > 0) return found;
  throw new FreezeError(`Cannot freeze "${glob}": no weight has such a name; ${hintFor(glob, named.map(([n]) => n))}`);
}

function patternOf(glob: string): RegExp {
  return new RegExp(`^${glob.split(/\*+/).map(RegExp.escape).join(".*")}$`, "su");
}

/** Patterns that the user may have meant, or else the model's parts. */
function hintFor(glob: string, names: readonly string[]): string {
  const parts = names.flatMap((name) => prefixesOf(name).map((prefix) => `${prefix}.*`));
  const near = nearNames(glob, [...new Set([...parts, ...names])]);
  if (near.length > 0) return `did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`;
  const outer = new Set(names.map((name) => name.includes(".") ? `${name.split(".")[0]}.*` : name));
  return `its parts are ${quotedList([...outer])}`;
}

/** `a.b.c` lies in `a` and in `a.b`. */
function prefixesOf(name: string): string[] {
  const parts = name.split(".");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("."));
}

/** Freezes the outermost modules that have no parameter left to train, and names them. */
function freezeWhole(model: Module, frozen: ReadonlySet<Parameter>): string[] {
  const visit = (module: Module, path: string): string[] => {
    const own = module.parameters();
    if (own.length > 0 && own.every((parameter) => frozen.has(parameter))) {
      module.freeze();
      return [path];
    }
    return module.namedChildren().flatMap(([name, child]) => visit(child, path === "" ? name : `${path}.${name}`));
  };
  return visit(model, "");
}

function quotedList(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
