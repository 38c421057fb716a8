/** Modules in an array. @module */
import { Module } from "./module.ts";

/** A list of modules whose names are their positions: `layers.0`, `layers.1`, … */
export class ModuleList<T extends Module> extends Module implements Iterable<T> {
  /** The module at a position. Positions are fields, and so become names by the rule of all modules. */
  readonly [position: number]: T;
  readonly #modules: readonly T[];

  /** Takes the modules in order. */
  constructor(modules: Iterable<T>) {
    super();
    this.#modules = [...modules];
    Object.assign(this, this.#modules);
  }

  /** How many there are. */
  get length(): number {
    return this.#modules.length;
  }

  /** The modules in order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#modules[Symbol.iterator]();
  }
}
