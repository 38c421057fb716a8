/** How the golden cases of family `optim` are computed: op → outputs. */
import { Tensor, tensor } from "../tensor/mod.ts";
import { Adam, AdamW, clipGradNorm, type Optimizer, RMSprop, SGD } from "../train/optim/mod.ts";

/** From a case's inputs (tensors by name) and `args`, the outputs by name. */
export type OptimCase = (
  inputs: Record<string, Tensor>,
  args: Record<string, unknown>,
) => Promise<Record<string, Tensor>>;

type Make = (parameters: Tensor[], settings: Record<string, unknown>) => Optimizer;

/** Six steps with given gradients; the parameter after each. */
function sixSteps(make: Make): OptimCase {
  return async ({ p, ...gradients }, args) => {
    const parameter = tensor((await p.data()) as Float32Array, { shape: p.shape, requiresGrad: true });
    const optimizer = make([parameter], args);
    const outputs: Record<string, Tensor> = {};
    for (let i = 0; `g${i}` in gradients; i++) {
      optimizer.zeroGrad();
      parameter.mul(gradients[`g${i}`]).sum().backward();
      optimizer.step();
      outputs[`y${i}`] = tensor((await parameter.data()) as Float32Array, { shape: p.shape });
    }
    return outputs;
  };
}

/** By the case's `op`. */
export const optimCases: Record<string, OptimCase> = {
  SGD: sixSteps((p, s) => new SGD(p, s)),
  Adam: sixSteps((p, s) => new Adam(p, s)),
  AdamW: sixSteps((p, s) => new AdamW(p, s)),
  RMSprop: sixSteps((p, s) => new RMSprop(p, s)),
  clipGradNorm: ({ g0, g1 }, { maxNorm }) => {
    const parameters = [g0, g1].map((g) => Tensor.persistent(g.device, g.shape, "float32").requireGrad());
    parameters.forEach((p, i) => p.mul([g0, g1][i]).sum().backward());
    const norm = clipGradNorm(parameters, maxNorm as number);
    return Promise.resolve({ norm, y0: parameters[0].grad!, y1: parameters[1].grad! });
  },
};
