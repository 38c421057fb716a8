/** Global-norm gradient clipping. @module */
import { noGrad } from "../../tensor/autograd.ts";
import { input, scalar } from "../../tensor/expr/expr.ts";
import { parse } from "../../tensor/expr/parse.ts";
import { mapElementsInto } from "../../tensor/ops/elementwise.ts";
import { sumOfSquares } from "../../tensor/ops/reduce.ts";
import { add } from "../../tensor/ops/mod.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { type BaseSettings, Optimizer } from "./optimizer.ts";
import { part } from "./flat.ts";

const SCALE = parse("g * min(limit / (norm + 1e-6), 1)", { g: input(0), norm: input(1), limit: scalar(0) });

/** Gradients as few tensors as possible: whole flat ranges of an optimizer, or one for each parameter. */
function gradientsOf(source: Iterable<Tensor> | Optimizer<BaseSettings>): Tensor[] {
  if (source instanceof Optimizer) {
    const flats = source.groups.flatMap(({ parts }) => parts.map(({ flat }) => flat));
    return flats.flatMap((flat) => flat.activeRuns().map((run) => part(flat.gradients, run)));
  }
  return [...source].flatMap((p) => (p.grad === null ? [] : [p.grad]));
}

/**
 * Scales all gradients in place so that their joint Euclidean norm is at most `maxNorm`, as PyTorch's `clip_grad_norm_`, and returns the norm
 * before (a tensor of one element). Given an optimizer, works on its flat buffers: two kernels, the second of which a captured step fuses with
 * the update.
 *
 * @throws RangeError unless maxNorm > 0; TypeError if there is no gradient.
 */
export function clipGradNorm(source: Iterable<Tensor> | Optimizer<BaseSettings>, maxNorm: number): Tensor {
  if (!(maxNorm > 0)) throw new RangeError(`Cannot clip gradients to norm ${maxNorm}: expected a number above 0`);
  return noGrad(() => {
    const gradients = gradientsOf(source);
    if (gradients.length === 0) throw new TypeError("Cannot clip gradients: there are none; call backward() first");
    const norm = gradients.map((g) => sumOfSquares(g)).reduce(add).sqrt();
    for (const g of gradients) {
      const everywhere = new Tensor(norm.storage, g.shape, "float32", g.shape.map(() => 0));
      mapElementsInto([g], [SCALE], [g, everywhere], { scalars: [maxNorm], label: "clipGradNorm" });
    }
    return norm;
  });
}
