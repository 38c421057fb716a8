/** Sizes of a foreign model, which its weights tell: what a config says is compared with them. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import type { YamlFile } from "./yaml.ts";

/** Most layers of a kind: a list in a model file ends there. */
const MOST_LAYERS = 512;

/** Weights from a file, with errors that name it and the key. */
export class WeightSizes {
  readonly #arrays: Readonly<ArrayDict>;
  /** Path of the file. */
  readonly path: string;

  /** Of weights by their own toolkit's names. */
  constructor(arrays: Readonly<ArrayDict>, path: string) {
    this.#arrays = arrays;
    this.path = path;
  }

  /** Whether there is such a weight. */
  has(key: string): boolean {
    return Object.hasOwn(this.#arrays, key);
  }

  /** Shape of a weight of so many axes. RangeError where there is none, or it has others. */
  shape(key: string, axes: number): readonly number[] {
    if (!this.has(key)) throw new RangeError(`Cannot import "${this.path}": it has no ${key}`);
    const { shape } = this.#arrays[key];
    if (shape.length === axes && shape.every((size) => size > 0)) return shape;
    throw new RangeError(`Cannot import "${this.path}": ${key} is [${shape}], expected ${axes} sizes above 0`);
  }

  /** How many modules `beginning.0.…`, `beginning.1.…` there are. RangeError where one is left out. */
  count(beginning: string): number {
    const numbers = new Set(
      Object.keys(this.#arrays).filter((key) => key.startsWith(beginning)).map((key) =>
        Number(/^\d+/.exec(key.slice(beginning.length))?.[0] ?? NaN)
      ).filter(Number.isFinite),
    );
    if (numbers.size > MOST_LAYERS) {
      throw new RangeError(
        `Cannot import "${this.path}": it has ${numbers.size} of ${beginning}*, expected at most ${MOST_LAYERS}`,
      );
    }
    for (let i = 0; i < numbers.size; i++) {
      if (numbers.has(i)) continue;
      throw new RangeError(`Cannot import "${this.path}": it has no ${beginning}${i}.*, but higher numbers`);
    }
    return numbers.size;
  }

  /**
   * Compares a config's number or list with what a weight has. RangeError where the config says otherwise; nothing where it does not say.
   *
   * @param weight the weight that tells, or several as text
   */
  check(yaml: YamlFile, key: string, { is, weight }: { is: number | readonly number[]; weight: string }): void {
    const stated = typeof is === "number" ? yaml.number(key) : yaml.numbers(key);
    if (stated === undefined || String(stated) === String(is)) return;
    const [says, has] = [stated, is].map((value) => typeof value === "number" ? `${value}` : `[${value.join(", ")}]`);
    throw yaml.fault(key, `is ${says}, but ${weight} of "${this.path}" says ${has}`);
  }

  /** RangeError for the first weight that `known` does not accept. */
  refuseOthers(known: (key: string) => boolean): void {
    const extra = Object.keys(this.#arrays).find((key) => !known(key));
    if (extra !== undefined) throw new RangeError(`Cannot import "${this.path}": it has ${extra}, which has no place`);
  }
}

/** Dilations that a config states, as many as there are layers; default `usual`. RangeError for others. */
export function dilationsOf(yaml: YamlFile, key: string, usual: readonly number[]): readonly number[] {
  const stated = yaml.numbers(key) ?? usual;
  if (stated.length === usual.length && stated.every((n) => Number.isSafeInteger(n) && n >= 1 && n <= 1e4)) {
    return stated;
  }
  throw yaml.fault(key, `is [${stated.join(", ")}], expected ${usual.length} whole numbers from 1`);
}
