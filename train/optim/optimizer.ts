/**
 * What optimizers share: parameter groups, flat buffers, and one elementwise kernel a buffer and step.
 * @module
 */
import { noGrad } from "../../tensor/autograd.ts";
import { type Expr, input } from "../../tensor/expr/expr.ts";
import { parse } from "../../tensor/expr/parse.ts";
import { beforeEachRun } from "../../tensor/memory.ts";
import { mapElementsInto } from "../../tensor/ops/elementwise.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { type FlatParameters, flatten, MOST_ELEMENTS, part, type Run } from "./flat.ts";

/** Parameters with settings of their own. */
export type ParameterGroup<S> = {
  /** The group's parameters. */
  readonly parameters: Iterable<Tensor>;
  /** Factor of `lr` in every step, whoever sets it; a number from 0. Default 1. */
  readonly lrScale?: number;
} & Partial<S>;

/** As many parameters of a group as one buffer can hold. */
export interface GroupPart {
  /**
   * Parameters and gradients as flat buffers.
   *
   * @ignore
   */
  readonly flat: FlatParameters;
  /** What the optimizer remembers, such as momentum: flat tensors as long as these parameters together. */
  readonly states: Readonly<Record<string, Tensor>>;
}

/** A group as the optimizer keeps it. */
export interface Group<S> {
  /** May be changed between steps, captured or not: schedules set `lr`. */
  readonly settings: S;
  /** Factor of `settings.lr` in every step: the group's part of a rate that is set for all groups. */
  readonly lrScale: number;
  /** The group's parameters: in one part, unless there are more than 33 million. */
  readonly parts: readonly GroupPart[];
  /** Numbers that the kernel reads, written before every step. */
  readonly numbers: Tensor;
  /** Steps made so far. */
  steps: number;
}

/** A formula for a step: names are w (value), g (gradient), the states, and the numbers. */
export interface Update {
  /** Names of state buffers. */
  readonly states: readonly string[];
  /** Names of numbers that change from step to step. */
  readonly numbers: readonly string[];
  /** Formulas evaluated in order, each of which may use those before: state names, other names, and w last. */
  readonly formulas: Readonly<Record<string, string>>;
}

/** Optimizer state for a checkpoint: flat buffers by "group.name", and steps made by each group. */
export interface OptimizerState {
  /** State buffers by "group.name", such as "0.m". */
  readonly arrays: Record<string, { shape: number[]; data: Float32Array<ArrayBuffer> }>;
  /** Steps that each group has made. */
  readonly steps: number[];
}

/** Settings that every optimizer has. */
export interface BaseSettings {
  /** Learning rate. */
  lr: number;
}

/** Base of the optimizers: subclasses give a formula and its numbers. */
export abstract class Optimizer<S extends BaseSettings = BaseSettings> {
  /** Parameter groups in the order given. */
  readonly groups: readonly Group<S>[];
  readonly #update: readonly Update[];

  /**
   * Moves the parameters' values into flat buffers and makes the state, all zeros.
   *
   * @throws TypeError if there is no parameter, one repeats, or one requires no gradient; RangeError for a `lrScale` below 0.
   */
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<S>[], defaults: S) {
    const list = [...parameters] as (Tensor | ParameterGroup<S>)[];
    const isTensors = list.every((p): p is Tensor => p instanceof Tensor);
    const whole = { parameters: list } as unknown as ParameterGroup<S>;
    const given = isTensors ? [whole] : (list as ParameterGroup<S>[]);
    const settings = given.map(({ parameters: _, lrScale: __, ...own }) => ({ ...defaults, ...own }) as S);
    settings.forEach((s) => this.check(s));
    given.forEach(({ lrScale = 1 }) => checkScale(lrScale));
    this.#update = settings.map((s) => this.update(s));
    this.groups = given.map((group, i) => {
      const { states, numbers } = this.#update[i];
      const parts = flatten([...group.parameters], this.mostElements).map((flat) => ({
        flat,
        states: Object.fromEntries(states.map((name) => [name, flat.state()])),
      }));
      const { device } = parts[0].flat.values;
      return {
        settings: settings[i],
        lrScale: group.lrScale ?? 1,
        parts,
        numbers: Tensor.persistent(device, [numbers.length], "float32"),
        steps: 0,
      };
    });
  }

  /** Elements of the largest flat buffer. */
  protected get mostElements(): number {
    return MOST_ELEMENTS;
  }

  /** The formula for a group's settings. */
  protected abstract update(settings: S): Update;

  /** The values of the formula's numbers at step 1, 2, …. */
  protected abstract numbers(settings: S, step: number): Record<string, number>;

  /** Throws a RangeError for settings out of range. */
  protected check(settings: S): void {
    if (!(settings.lr >= 0)) {
      throw new RangeError(`Cannot optimize with learning rate ${settings.lr}: expected 0 or more`);
    }
  }

  /** The learning rate of the first group, before its `lrScale`. */
  get lr(): number {
    return this.groups[0].settings.lr;
  }

  /** Sets the learning rate of every group, of which each takes its `lrScale`. */
  set lr(lr: number) {
    for (const { settings } of this.groups) settings.lr = lr;
  }

  /** Forgets all gradients; the next backward writes new ones. */
  zeroGrad(): void {
    for (const { flat } of this.groups.flatMap(({ parts }) => parts)) for (const p of flat.parameters) p.grad = null;
  }

  /** Updates every parameter that has a gradient: one kernel a part of a group. */
  step(): void {
    noGrad(() =>
      this.groups.forEach((group, i) => {
        const active = group.parts.flatMap((part) => part.flat.activeRuns().map((run) => ({ part, run })));
        if (active.length === 0) return;
        beforeEachRun(() => {
          const { settings, lrScale } = group;
          const values = this.numbers({ ...settings, lr: settings.lr * lrScale }, ++group.steps);
          group.numbers.assign(Float32Array.from(this.#update[i].numbers, (name) => values[name]));
        });
        for (const { part, run } of active) this.#apply(part, this.#update[i], { run, numbers: group.numbers });
      })
    );
  }

  #apply(
    { flat, states }: GroupPart,
    { states: stateNames, numbers: numberNames, formulas }: Update,
    { run, numbers }: { run: Run; numbers: Tensor },
  ): void {
    const targets = [flat.values, ...stateNames.map((name) => states[name])].map((t) => part(t, run));
    const one = (i: number) => new Tensor(numbers.storage, targets[0].shape, "float32", [0], i);
    const inputs = [...targets, part(flat.gradients, run), ...numberNames.map((_, i) => one(i))];
    const names: Record<string, Expr> = {};
    ["w", ...stateNames, "g", ...numberNames].forEach((name, i) => (names[name] = input(i)));
    for (const [name, text] of Object.entries(formulas)) names[name] = parse(text, names);
    mapElementsInto(targets, ["w", ...stateNames].map((name) => names[name]), inputs, { label: this.constructor.name });
  }

  /** Reads the state for a checkpoint. */
  async state(): Promise<OptimizerState> {
    const arrays: OptimizerState["arrays"] = {};
    for (const [key, tensors] of this.#states()) {
      const pieces = await Promise.all(tensors.map((t) => t.data())) as Float32Array<ArrayBuffer>[];
      arrays[key] = { shape: [sizeOf(tensors)], data: pieces.length === 1 ? pieces[0] : joined(pieces) };
    }
    return { arrays, steps: this.groups.map((g) => g.steps) };
  }

  /**
   * Puts back what {@linkcode Optimizer.state} read.
   *
   * @throws TypeError if the state is of another optimizer or model.
   */
  loadState({ arrays, steps }: OptimizerState): void {
    const wanted = this.#states();
    for (const [key, tensors] of wanted) {
      if (arrays[key]?.data.length !== sizeOf(tensors)) {
        throw new TypeError(
          `Cannot load optimizer state: ${key} has ${arrays[key]?.data.length ?? "no"} values, expected ${
            sizeOf(tensors)
          }`,
        );
      }
    }
    if (Object.keys(arrays).length !== wanted.length || steps.length !== this.groups.length) {
      throw new TypeError("Cannot load optimizer state: it was saved by another optimizer");
    }
    for (const [key, tensors] of wanted) {
      let start = 0;
      for (const tensor of tensors) tensor.assign(arrays[key].data.subarray(start, start += tensor.size));
    }
    this.groups.forEach((g, i) => (g.steps = steps[i]));
  }

  /** State buffers by "group.name": those of a group's parts, which make one array in a file. */
  #states(): [string, Tensor[]][] {
    return this.groups.flatMap(({ parts }, i) =>
      Object.keys(parts[0].states).map((name): [string, Tensor[]] => [
        `${i}.${name}`,
        parts.map(({ states }) => states[name]),
      ])
    );
  }

  /** Frees all buffers; the parameters, whose values lie in them, go as well. */
  dispose(): void {
    for (const { parts, numbers } of this.groups) {
      numbers.dispose();
      for (const { flat, states } of parts) {
        for (const t of [flat.values, flat.gradients, ...Object.values(states)]) t.dispose();
      }
    }
  }
}

function checkScale(scale: number): void {
  if (scale >= 0 && scale < Infinity) return;
  throw new RangeError(`Cannot optimize with lrScale ${scale}: expected a number from 0`);
}

function sizeOf(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { size }) => sum + size, 0);
}

function joined(pieces: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const piece of pieces) {
    all.set(piece, end);
    end += piece.length;
  }
  return all;
}
