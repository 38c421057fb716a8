/** Softmax and cross-entropy in one kernel. @module */
import { track } from "../autograd.ts";
import type { Kernel } from "../device/kernel.ts";
import { allocate, run } from "../memory.ts";
import { show } from "../shape.ts";
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
}

/**
 * Inputs [x, target, weight?]; outputs [row losses, row facts (log-sum-exp, weight of the target)]. With smoothing ε over C classes the loss
 * of a row is (1−ε)·w_t·(lse − x_t) + ε/C · Σ_c w_c·(lse − x_c).
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
      loss[row] = ignored ? 0 : (1 - smoothing) * w * (lse - x[start + t]) + smoothing / columns * spread;
      facts[2 * row] = lse;
      facts[2 * row + 1] = w;
    }
  },
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "crossEntropy",
      inputs: ["x", "label:i32", ...(args.weighted ? ["weight"] : [])],
      outputs: ["loss", "facts"],
      scalars: [args.smoothing, args.ignoreIndex],
      body: `
  var top = -3.4028234e38; FOR { top = max(top, x[base + j]); } let m = MAX(top);
  var part0 = 0.0; FOR { part0 += exp(x[base + j] - m); }
  let lse = m + log(SUM(part0));
  var part1 = 0.0; FOR { part1 += ${args.weighted ? "weight[j] * " : ""}(lse - x[base + j]); }
  let spread = SUM(part1);
  if (FIRST) {
    let t = label[row];
    if (t == i32(scalar1)) { loss[row] = 0.0; facts[2u * row + 1u] = 0.0; }
    else {
      let w = ${args.weighted ? "weight[t]" : "1.0"};
      loss[row] = (1.0 - scalar0) * w * (lse - x[base + u32(t)]) + scalar0 / f32(columns) * spread;
      facts[2u * row + 1u] = w;
    }
    facts[2u * row] = lse;
  }`,
    }, traits),
};

/** Inputs [x, target, facts, scale of each row, weight?]; output [dx]. */
const crossEntropyBackwardKernel: Kernel<LossArgs> = {
  name: "crossEntropyBackward",
  cpu({ rows, columns, smoothing, ignoreIndex, weighted }, inputs, [{ f32: dx }]) {
    const [x, target, facts, scale] = [inputs[0].f32, inputs[1].i32, inputs[2].f32, inputs[3].f32];
    const weight = weighted ? inputs[4].f32 : null;
    for (let row = 0; row < rows; row++) {
      const [start, t, lse, w] = [row * columns, target[row], facts[2 * row], facts[2 * row + 1]];
      let mass = columns; // Σ of the classes' weights
      if (weight !== null) { for (let j = mass = 0; j < columns; j++) mass += weight[j]; }
      for (let j = 0; j < columns; j++) {
        const p = Math.exp(x[start + j] - lse);
        const even = smoothing / columns * (p * mass - (weight === null ? 1 : weight[j]));
        const sharp = (1 - smoothing) * w * (p - (j === t ? 1 : 0));
        dx[start + j] = t === ignoreIndex ? 0 : scale[row] * (sharp + even);
      }
    }
  },
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "crossEntropyBackward",
      inputs: ["x", "label:i32", "facts", "scale", ...(args.weighted ? ["weight"] : [])],
      outputs: ["dx"],
      scalars: [args.smoothing, args.ignoreIndex],
      body: `
  let t = label[row]; let lse = facts[2u * row]; let w = facts[2u * row + 1u];
  ${args.weighted ? "var part0 = 0.0; FOR { part0 += weight[j]; } let mass = SUM(part0);" : "let mass = f32(columns);"}
  let s = select(scale[row], 0.0, t == i32(scalar1));
  FOR {
    let p = exp(x[base + j] - lse);
    let even = scalar0 / f32(columns) * (p * mass - ${args.weighted ? "weight[j]" : "1.0"});
    let sharp = (1.0 - scalar0) * w * (p - select(0.0, 1.0, i32(j) == t));
    dx[base + j] = s * (sharp + even);
  }`,
    }, traits),
};

/** Row losses, tracked, and the weights of the rows. */
function rowLosses(
  x: Tensor,
  target: Tensor,
  weight: Tensor | null,
  smoothing: number,
  ignoreIndex: number,
): { losses: Tensor; weights: Tensor } {
  const [rows, columns] = x.shape;
  const args: LossArgs = { rows, columns, smoothing, ignoreIndex, weighted: weight !== null };
  const [logits, labels] = [packed(x.detach()), packed(target)];
  const extra = weight === null ? [] : [packed(weight).storage];
  const losses = new Tensor(allocate(x.device, 4 * rows), [rows], "float32");
  const facts = new Tensor(allocate(x.device, 8 * rows), [rows, 2], "float32");
  run({
    kernel: crossEntropyKernel,
    args,
    inputs: [logits.storage, labels.storage, ...extra],
    outputs: [losses.storage, facts.storage],
  });
  track("crossEntropy", [x], losses, (g) => {
    const dx = new Tensor(allocate(x.device, 4 * x.size), x.shape, "float32");
    const inputs = [logits, labels, facts, packed(g)].map((t) => t.storage);
    run({ kernel: crossEntropyBackwardKernel, args, inputs: [...inputs, ...extra], outputs: [dx.storage] });
    return [dx];
  });
  return { losses, weights: facts.slice(1, 1, 2).reshape([rows]) };
}

/**
 * Cross-entropy of logits x (batch, classes) against class numbers target (batch), int32. Safe for large logits.
 *
 * @throws TypeError if the shapes or types do not fit. A target outside 0 … classes − 1 other than `ignoreIndex` is not checked: data sets check labels.
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
  const { losses, weights } = rowLosses(x, target, weight, labelSmoothing, ignoreIndex);
  if (reduction === "none") return losses;
  if (reduction === "sum") return losses.sum();
  // without weights or ignored rows the mean needs no second reduction
  return weight === null && !("ignoreIndex" in options) ? losses.mean() : losses.sum().div(weights.sum());
}
