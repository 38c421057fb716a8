/**
 * Objects of classes that a weight file's pickle mentions and that nobody calls: settings that a trainer saved beside the weights. What the
 * pickle would have given to the class is kept, so that plain values in it can be read.
 */
import { PickleGlobal } from "./pickle.ts";

/** A class or function by its name. */
export class InertClass extends PickleGlobal {
  /** `module.name`. */
  readonly className: string;

  /** Calling it makes an {@linkcode InertObject} and runs nothing. */
  constructor(className: string) {
    super((args) => new InertObject(className, args));
    this.className = className;
  }
}

/** What a pickle has put together for a class; as a Map it holds the items of a dictionary's subclass. */
export class InertObject extends Map<unknown, unknown> {
  /** `module.name`. */
  readonly className: string;
  /** What the class would have been called with. */
  readonly args: readonly unknown[];
  /** What a list's subclass would have been filled with. */
  readonly items: unknown[] = [];
  /** Its attributes, as a rule a Map; undefined for none. */
  state: unknown = undefined;

  /** An object may be called like a class: nothing runs either. */
  readonly build = (args: readonly unknown[]): InertObject => new InertObject(`${this.className}()`, args);

  /** An object of a class. */
  constructor(className: string, args: readonly unknown[]) {
    super();
    this.className = className;
    this.args = args;
  }
}

/**
 * Names that an honest file of weights never has. Nothing of the file is run anyway, but a file that asks for them was made to attack others,
 * and its user should know.
 */
const ATTACKS = /^(os|posix|nt|subprocess|sys|pty|socket|shutil|runpy|importlib|ctypes|webbrowser)(\.|$)/;
const ATTACKING_BUILTINS = /^(eval|exec|execfile|compile|open|__import__|input|breakpoint)$/;

/** The inert class of a name; undefined for one that only an attack has, and for kinds of storages that tensors would need. */
export function findInert(module: string, name: string): InertClass | undefined {
  if (ATTACKS.test(module)) return undefined;
  if (/^(builtins|__builtin__)$/.test(module) && ATTACKING_BUILTINS.test(name)) return undefined;
  if (/^torch(\.cuda)?$/.test(module) && name.endsWith("Storage")) return undefined;
  return new InertClass(`${module}.${name}`);
}

/** What an inert object has to say: entries by key of its attributes, its items, or a value that stands for it. */
export function contentsOf(object: InertObject): unknown {
  const { className, args, items, state } = object;
  if (className.startsWith("pathlib.")) return args.join("/").replace(/^\/\//, "/");
  if (className.startsWith("omegaconf.") && state instanceof Map) {
    return state.has("_content") ? state.get("_content") : state.get("_val");
  }
  const attributes = state instanceof Map ? [...state] : [];
  if (object.size > 0 || attributes.length > 0) return new Map([...attributes, ...object]);
  if (items.length > 0) return items;
  return className === "copyreg._reconstructor" || args.length === 0 ? undefined : args;
}
