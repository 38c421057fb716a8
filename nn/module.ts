/**
 * The base of all modules: naming, modes, saving and loading. A module's fields are its parts; nothing is registered.
 * @module
 */
import { Tensor } from "../tensor/mod.ts";
import { show } from "../tensor/shape.ts";
import { Buffer, Parameter } from "./parameter.ts";
import { type LoadOptions, type LoadReport, loadState, type StateArray } from "./state_dict.ts";

type Part = Parameter | Buffer | Module;

/** A module from one tensor to one tensor, as {@linkcode Sequential} takes them. */
export interface Layer extends Module {
  /** The layer's output for `x`. */
  forward(x: Tensor): Tensor;
}

/**
 * A part of a network. Fields that hold a {@linkcode Parameter}, a {@linkcode Buffer} or a module are its parts, and a part's name is its
 * field's: `layers.0.linear1.weight`. Fields that PyTorch writes in snake_case (`in_proj_weight`) are therefore so here too, which is
 * what lets a PyTorch state dict load by name. Private `#fields` and other values are no parts.
 *
 * Each subclass has a `forward` with its own types; subclasses are abstract or final.
 *
 * @example
 * ```ts
 * import { Linear, Module } from "./mod.ts";
 * import { Tensor, tensor } from "../tensor/mod.ts";
 *
 * class Classifier extends Module {
 *   readonly hidden = new Linear(4, 8);
 *   readonly head = new Linear(8, 2);
 *   forward(x: Tensor): Tensor {
 *     return this.head.forward(this.hidden.forward(x).relu());
 *   }
 * }
 * const model = new Classifier();
 * console.log(model.namedParameters().map(([name]) => name)); // hidden.weight, hidden.bias, head.weight, head.bias
 * console.log(await model.forward(tensor([[1, 2, 3, 4]])).data());
 * ```
 */
export abstract class Module {
  /** True while training (the default), false in evaluation: dropout and normalisation ask. Set by {@linkcode Module.train}. */
  training = true;
  #frozen = false;

  /** Own parts by field name, in the order of the fields. */
  #parts(): [string, Part][] {
    return Object.entries(this).filter((field): field is [string, Part] => {
      const [name, value] = field;
      if (isPart(value)) return true;
      const where = `field "${name}" of ${this.constructor.name}`;
      if (Array.isArray(value) && value.some(isPart)) {
        throw new TypeError(`Cannot name the parts in ${where}: put them into a ModuleList instead of an array`);
      }
      if (value instanceof Tensor && value.requiresGrad && value.node === null) {
        throw new TypeError(`Cannot train ${where}: make it a Parameter instead of a tensor`);
      }
      return false;
    });
  }

  /** The modules that are fields of this one, by field name. */
  namedChildren(): [string, Module][] {
    return this.#parts().filter((part): part is [string, Module] => part[1] instanceof Module);
  }

  /** This module under the name `prefix`, then all modules inside, outer ones first. */
  namedModules(prefix = ""): [string, Module][] {
    const inner = this.namedChildren().flatMap(([name, child]) => child.namedModules(join(prefix, name)));
    return [[prefix, this], ...inner];
  }

  /** Parameters and buffers here and inside, under every name they have. */
  #namedTensors(): [string, Parameter | Buffer][] {
    return this.namedModules().flatMap(([path, module]) =>
      module.#parts().flatMap(([name, part]): [string, Parameter | Buffer][] =>
        part instanceof Module ? [] : [[join(path, name), part]]
      )
    );
  }

  /** Every parameter with its name; one that is shared appears once, under its first name. */
  namedParameters(): [string, Parameter][] {
    return unique(this.#namedTensors().filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter));
  }

  /** Every buffer with its name; one that is shared appears once, under its first name. */
  namedBuffers(): [string, Buffer][] {
    return unique(this.#namedTensors().filter((entry): entry is [string, Buffer] => entry[1] instanceof Buffer));
  }

  /** Every parameter once, as an optimizer takes them. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** How many numbers the parameters have, frozen ones included. */
  get numParameters(): number {
    return this.parameters().reduce((total, { size }) => total + size, 0);
  }

  /**
   * Switches this module and all inside to training, or to evaluation where `mode` is false. Default true. What is
   * {@linkcode Module.freeze frozen} stays in evaluation.
   */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode && !module.#frozen;
    return this;
  }

  /** Switches to evaluation: no dropout, running statistics. */
  eval(): this {
    return this.train(false);
  }

  /**
   * Takes this module and all inside out of training for good: no parameter requires a gradient any more, and the modules stay in
   * evaluation, so that nothing is dropped out and running statistics do not move. What they do to data that require no gradient
   * themselves is not recorded for a way back.
   */
  freeze(): this {
    for (const [, module] of this.namedModules()) {
      module.#frozen = true;
      module.training = false;
    }
    for (const parameter of this.parameters()) parameter.requireGrad(false);
    return this;
  }

  /** Whether {@linkcode Module.freeze} was called on this module or one around it. */
  get frozen(): boolean {
    return this.#frozen;
  }

  /** Parameters and buffers by name: the tensors themselves, not copies, so that they change as training goes on. */
  stateDict(): Record<string, Tensor> {
    return Object.fromEntries(this.#namedTensors());
  }

  /** A copy of the values of {@linkcode Module.stateDict}, as files hold them. */
  async stateArrays(): Promise<Record<string, StateArray>> {
    const entries = this.#namedTensors().map(async ([name, t]) =>
      [name, { shape: [...t.shape], data: await t.data() }] as const
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  /**
   * Overwrites parameters and buffers by name. Either all is loaded or, where something does not fit, nothing. `prefix` and `rename` lead
   * from the names of another program's file to the module's own.
   *
   * @returns the names that did not meet, where `strict` is false
   * @throws TypeError if a shape or type differs, two arrays are renamed alike, none begins with the prefix, or (unless `strict` is false)
   * a name is missing or extra; one message says it all, with the first names of each list.
   *
   * @example
   * ```ts
   * import { Linear, Sequential } from "./mod.ts";
   *
   * const theirs = await new Sequential(new Linear(4, 2)).stateArrays(); // 0.weight, 0.bias
   * const model = new Linear(4, 2);
   * model.loadStateDict(theirs, { prefix: "0." });
   * const { missing } = model.loadStateDict({ w: theirs["0.weight"] }, { rename: { w: "weight" }, strict: false });
   * console.log(missing); // ["bias"]
   * ```
   */
  loadStateDict(arrays: Readonly<Record<string, StateArray>>, options?: LoadOptions): LoadReport {
    return loadState(this.constructor.name, this.stateDict(), arrays, options);
  }

  /** The tree of modules as PyTorch prints it, with settings and the shapes of parameters. */
  toString(): string {
    const settings = Object.entries(this).flatMap(([name, value]) => {
      if (isPart(value)) return value instanceof Module ? [] : [`${name}=${show(value.shape)}`];
      return /number|string|boolean/.test(typeof value) && name !== "training" ? [`${name}=${value}`] : [];
    }).join(", ");
    const children = this.namedChildren().map(([name, child]) => `(${name}): ${child}`);
    if (children.length === 0) return `${this.constructor.name}(${settings})`;
    const lines = (settings === "" ? children : [settings, ...children]).join("\n").replaceAll("\n", "\n  ");
    return `${this.constructor.name}(\n  ${lines}\n)`;
  }

  /** `console.log(model)` prints the tree, not the fields. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function isPart(value: unknown): value is Part {
  return value instanceof Module || value instanceof Parameter || value instanceof Buffer;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** The first entry of each tensor. */
function unique<T>(entries: [string, T][]): [string, T][] {
  const seen = new Set<T>();
  return entries.filter(([, tensor]) => !seen.has(tensor) && seen.add(tensor));
}
