/** Softmax and cross-entropy in one kernel. @module */
import { track } from "../autograd.ts";
import type { Kernel } from "../device/kernel.ts";
import type { Storage } from "../device/storage.ts";
import { allocate, run } from "../memory.ts";
import { show, sizeOf } from "../shape.ts";
import { requireFloat, requireSameDevice, Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { type RowArgs, rowPlan } from "./rows.ts";

/** How row losses become the result. */
export type Reduction = "mean" | "sum" | "none";

/** Options of {@linkcode crossEntropy}. */
export interface CrossEntropyOptions {
  /** Rescales classes, (classes). Default 1 each. */
  weight?: Tensor | null;
  /** Share of the target spread evenly over all classes (Szegedy et al. 2015, arXiv 1512.00567). Default 0. */
  labelSmoothing?: number;
  /** Rows with this target count for nothing. Default −100. */
  ignoreIndex?: number;
  /** Default "mean": the mean weighted by the targets' weights. */
  reduction?: Reduction;
}

interface LossArgs extends RowArgs {
  readonly smoothing: number;
  readonly ignoreIndex: number;
  readonly weighted: boolean;
  readonly reduction: Reduction;
}

/**
 * Inputs [x, target, weight?]; outputs [row losses, row facts (log-sum-exp, weight of the target)]. With smoothing ε over C classes the loss
 * of a row is (1−ε)·w_t·(lse − x_t) + ε/C · Σ_c w_c·(lse − x_c); of a target that is no class it is NaN, so that it shows.
 */
const crossEntropyKernel: Kernel<LossArgs> = {
  name: "crossEntropy",
  cpu({ rows, columns, smoothing, ignoreIndex, weighted }, inputs, [{ f32: loss }, { f32: facts }]) {
    const [x, target, weight] = [inputs[0].f32, inputs[1].i32, weighted ? inputs[2].f32 : null];
    for (let row = 0; row < rows; row++) {
      const start = row * columns;
      let top = -Infinity;
      for (let j = 0; j < columns; j++) top = Math.max(top, x[start + j]);
      let total = 0;
      for (let j = 0; j < columns; j++) total += Math.exp(x[start + j] - top);
      const lse = top + Math.log(total);
      const t = target[row];
      const ignored = t === ignoreIndex;
      const w = ignored ? 0 : weight === null ? 1 : weight[t];
      let spread = 0;
      if (smoothing > 0 && !ignored) {
        for (let j = 0; j < columns; j++) spread += (weight === null ? 1 : weight[j]) * (lse - x[start + j]);
      }
      const own = t >= 0 && t < columns ? x[start + t] : NaN;
      loss[row] = ignored ? 0 : (1 - smoothing) * w * (lse - own) + smoothing / columns * spread;
      facts[2 * row] = lse;
      facts[2 * row + 1] = w;
    }
  },
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "crossEntropy",
      inputs: ["x", "label:i32", ...(args.weighted ? ["weight"] : [])],
      outputs: ["loss", "facts"],
      scalars: [args.smoothing, args.ignoreIndex, NaN],
      body: `
  var top = x[base]; FOR { top = max(top, x[base + j]); } let m = MAX(top);
  var part0 = 0.0; FOR { part0 += exp(x[base + j] - m); }
  let lse = m + log(SUM(part0));
  ${args.smoothing > 0 ? spreadOver(args.weighted) : "let spread = 0.0;"}
  if (FIRST) {
    let t = label[row];
    let own = u32(clamp(t, 0, i32(columns) - 1));
    let w = select(${args.weighted ? "weight[own]" : "1.0"}, 0.0, t == i32(scalar1));
    let value = (1.0 - scalar0) * w * (lse - x[base + own]) + scalar0 / f32(columns) * spread;
    let sound = select(scalar2, value, t >= 0 && t < i32(columns));
    loss[row] = select(sound, 0.0, t == i32(scalar1));
    facts[2u * row] = lse;
    facts[2u * row + 1u] = w;
  }`,
    }, traits),
};

function spreadOver(weighted: boolean): string {
  return `var part1 = 0.0; FOR { part1 += ${
    weighted ? "weight[j] * " : ""
  }(lse - x[base + j]); } let spread = SUM(part1);`;
}

/** Inputs [row losses, row facts] of `columns` rows; output [Σ loss / Σ weight, 1 / Σ weight]. */
const meanLossKernel: Kernel<RowArgs> = {
  name: "meanLoss",
  cpu({ columns }, [{ f32: loss }, { f32: facts }], [{ f32: total }]) {
    let [sum, weight] = [0, 0];
    for (let j = 0; j < columns; j++) {
      sum += loss[j];
      weight += facts[2 * j + 1];
    }
    total[0] = sum / weight;
    total[1] = 1 / weight;
  },
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "meanLoss",
      inputs: ["loss", "facts"],
      outputs: ["total"],
      body: `var part0 = 0.0; FOR { part0 += loss[j]; } let sum = SUM(part0);
  var part1 = 0.0; FOR { part1 += facts[2u * j + 1u]; } let weight = SUM(part1);
  if (FIRST) { total[0] = sum / weight; total[1] = 1.0 / weight; }`,
    }, traits),
};

/** The gradient of a row's loss. */
const GRADIENT: Record<Reduction, string> = { none: "g[row]", sum: "g[0]", mean: "g[0] * total[1]" };

/** Inputs [x, target, facts, gradient (of each row, or of the one result), total?, weight?]; output [dx]. `total` is there for a mean. */
const crossEntropyBackwardKernel: Kernel<LossArgs> = {
  name: "crossEntropyBackward",
  cpu({ rows, columns, smoothing, ignoreIndex, weighted, reduction }, inputs, [{ f32: dx }]) {
    const [x, target, facts, g] = [inputs[0].f32, inputs[1].i32, inputs[2].f32, inputs[3].f32];
    const weight = weighted ? inputs[reduction === "mean" ? 5 : 4].f32 : null;
    const factor = reduction === "mean" ? inputs[4].f32[1] : 1;
    for (let row = 0; row < rows; row++) {
      const [start, t, lse, w] = [row * columns, target[row], facts[2 * row], facts[2 * row + 1]];
      let mass = columns; // Σ of the classes' weights
      if (weight !== null) { for (let j = mass = 0; j < columns; j++) mass += weight[j]; }
      for (let j = 0; j < columns; j++) {
        const p = Math.exp(x[start + j] - lse);
        const even = smoothing / columns * (p * mass - (weight === null ? 1 : weight[j]));
        const sharp = (1 - smoothing) * w * (p - (j === t ? 1 : 0));
        dx[start + j] = t === ignoreIndex ? 0 : factor * g[reduction === "none" ? row : 0] * (sharp + even);
      }
    }
  },
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "crossEntropyBackward",
      inputs: [
        ...["x", "label:i32", "facts", "g"],
        ...(args.reduction === "mean" ? ["total"] : []),
        ...(args.weighted ? ["weight"] : []),
      ],
      outputs: ["dx"],
      scalars: [args.smoothing, args.ignoreIndex],
      body: `
  let t = label[row]; let lse = facts[2u * row]; let w = facts[2u * row + 1u];
  ${args.weighted ? "var part0 = 0.0; FOR { part0 += weight[j]; } let mass = SUM(part0);" : "let mass = f32(columns);"}
  let s = select(${GRADIENT[args.reduction]}, 0.0, t == i32(scalar1));
  FOR {
    let p = exp(x[base + j] - lse);
    let even = scalar0 / f32(columns) * (p * mass - ${args.weighted ? "weight[j]" : "1.0"});
    let sharp = (1.0 - scalar0) * w * (p - select(0.0, 1.0, i32(j) == t));
    dx[base + j] = s * (sharp + even);
  }`,
    }, traits),
};

/** Runs kernels forward; `backward` runs the one of the gradient. */
function losses(args: LossArgs, x: Tensor, target: Tensor, weight: Tensor | null) {
  const { rows, columns, reduction } = args;
  const [logits, labels] = [packed(x.detach()).storage, packed(target).storage];
  const weights = weight === null ? [] : [packed(weight.detach()).storage];
  const make = (...shape: number[]) => new Tensor(allocate(x.device, 4 * sizeOf(shape)), shape, "float32");
  const [perRow, facts] = [make(rows), make(rows, 2)];
  run({
    kernel: crossEntropyKernel,
    args,
    inputs: [logits, labels, ...weights],
    outputs: [perRow.storage, facts.storage],
  });
  let out = reduction === "sum" ? perRow.sum() : perRow;
  const totals: Storage[] = [];
  if (reduction === "mean") {
    const total = make(2);
    const inputs = [perRow.storage, facts.storage];
    run({ kernel: meanLossKernel, args: { rows: 1, columns: rows }, inputs, outputs: [total.storage] });
    out = new Tensor(total.storage, [], "float32");
    totals.push(total.storage);
  }
  const backward = (g: Tensor): Tensor => {
    const dx = make(rows, columns);
    const inputs = [logits, labels, facts.storage, packed(g).storage, ...totals, ...weights];
    run({ kernel: crossEntropyBackwardKernel, args, inputs, outputs: [dx.storage] });
    return dx;
  };
  return { out, backward };
}

/**
 * Cross-entropy of logits x (batch, classes) against class numbers target (batch), int32. Safe for large logits.
 *
 * @throws TypeError if the shapes or types do not fit. A target outside 0 … classes − 1
 * other than `ignoreIndex` makes the loss NaN.
 */
export function crossEntropy(x: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { weight = null, labelSmoothing = 0, ignoreIndex = -100, reduction = "mean" } = options;
  if (x.ndim !== 2 || target.ndim !== 1 || target.size !== x.shape[0] || target.dtype !== "int32") {
    throw new TypeError(
      `Cannot crossEntropy ${show(x.shape)} against ${target.dtype} ${
        show(target.shape)
      }: expected [batch, classes] and int32 [batch]`,
    );
  }
  if (weight !== null && (weight.ndim !== 1 || weight.size !== x.shape[1])) {
    throw new TypeError(`Cannot weight ${x.shape[1]} classes by ${show(weight.shape)}`);
  }
  requireFloat("crossEntropy", x);
  requireSameDevice("crossEntropy", weight === null ? [x, target] : [x, target, weight]);
  const [rows, columns] = x.shape;
  if (x.size === 0) throw new RangeError(`Cannot crossEntropy ${show(x.shape)}: there are no elements`);
  const args = { rows, columns, smoothing: labelSmoothing, ignoreIndex, weighted: weight !== null, reduction };
  const { out, backward } = losses(args, x, target, weight);
  return track("crossEntropy", [x], out, (g) => [backward(g)]);
}
