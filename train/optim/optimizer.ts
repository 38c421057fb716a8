/**
 * What optimizers share: parameter groups, flat buffers, and one elementwise kernel a group and step.
 * @module
 */
import { noGrad } from "../../tensor/autograd.ts";
import { type Expr, input } from "../../tensor/expr/expr.ts";
import { parse } from "../../tensor/expr/parse.ts";
import { beforeEachRun } from "../../tensor/memory.ts";
import { mapElementsInto } from "../../tensor/ops/elementwise.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { FlatParameters, part, type Run } from "./flat.ts";

/** Parameters with settings of their own. */
export type ParameterGroup<S> = { readonly parameters: Iterable<Tensor> } & Partial<S>;

/** A group as the optimizer keeps it. */
export interface Group<S> {
  /** May be changed between steps, captured or not: schedules set `lr`. */
  readonly settings: S;
  /**
   * The group's parameters and gradients as flat buffers.
   *
   * @ignore
   */
  readonly flat: FlatParameters;
  /** What the optimizer remembers, such as momentum: flat tensors as long as all parameters together. */
  readonly states: Readonly<Record<string, Tensor>>;
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
   * Moves the parameters' values into one flat buffer and makes the state, all zeros.
   *
   * @throws TypeError if there is no parameter, one repeats, or one requires no gradient.
   */
  constructor(parameters: Iterable<Tensor> | readonly ParameterGroup<S>[], defaults: S) {
    const list = [...parameters] as (Tensor | ParameterGroup<S>)[];
    const isTensors = list.every((p): p is Tensor => p instanceof Tensor);
    const whole = { parameters: list } as unknown as ParameterGroup<S>;
    const given = isTensors ? [whole] : (list as ParameterGroup<S>[]);
    const settings = given.map(({ parameters: _, ...own }) => ({ ...defaults, ...own }) as S);
    settings.forEach((s) => this.check(s));
    this.#update = settings.map((s) => this.update(s));
    this.groups = given.map((group, i) => {
      const flat = new FlatParameters([...group.parameters]);
      const { states, numbers } = this.#update[i];
      return {
        settings: settings[i],
        flat,
        states: Object.fromEntries(states.map((name) => [name, flat.state()])),
        numbers: Tensor.persistent(flat.values.device, [numbers.length], "float32"),
        steps: 0,
      };
    });
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

  /** The learning rate of the first group. */
  get lr(): number {
    return this.groups[0].settings.lr;
  }

  /** Sets the learning rate of every group. */
  set lr(lr: number) {
    for (const { settings } of this.groups) settings.lr = lr;
  }

  /** Forgets all gradients; the next backward writes new ones. */
  zeroGrad(): void {
    for (const { flat } of this.groups) for (const p of flat.parameters) p.grad = null;
  }

  /** Updates every parameter that has a gradient: one kernel a group. */
  step(): void {
    noGrad(() =>
      this.groups.forEach((group, i) => {
        const runs = group.flat.activeRuns();
        if (runs.length === 0) return;
        beforeEachRun(() => {
          const values = this.numbers(group.settings, ++group.steps);
          group.numbers.assign(Float32Array.from(this.#update[i].numbers, (name) => values[name]));
        });
        for (const run of runs) this.#apply(group, this.#update[i], run);
      })
    );
  }

  #apply(
    { flat, states, numbers }: Group<S>,
    { states: stateNames, numbers: numberNames, formulas }: Update,
    run: Run,
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
    for (const [i, { states }] of this.groups.entries()) {
      for (const [name, tensor] of Object.entries(states)) {
        arrays[`${i}.${name}`] = { shape: [...tensor.shape], data: (await tensor.data()) as Float32Array<ArrayBuffer> };
      }
    }
    return { arrays, steps: this.groups.map((g) => g.steps) };
  }

  /**
   * Puts back what {@linkcode Optimizer.state} read.
   *
   * @throws TypeError if the state is of another optimizer or model.
   */
  loadState({ arrays, steps }: OptimizerState): void {
    const wanted = this.groups.flatMap((g, i) =>
      Object.entries(g.states).map(([name, tensor]) => [`${i}.${name}`, tensor] as const)
    );
    for (const [key, tensor] of wanted) {
      if (arrays[key]?.data.length !== tensor.size) {
        throw new TypeError(
          `Cannot load optimizer state: ${key} has ${arrays[key]?.data.length ?? "no"} values, expected ${tensor.size}`,
        );
      }
    }
    if (Object.keys(arrays).length !== wanted.length || steps.length !== this.groups.length) {
      throw new TypeError("Cannot load optimizer state: it was saved by another optimizer");
    }
    for (const [key, tensor] of wanted) tensor.assign(arrays[key].data);
    this.groups.forEach((g, i) => (g.steps = steps[i]));
  }
}
