/** Trading time for memory: what backward needs is computed again instead of kept. @module */
import { gradientsOf, isGradEnabled, nextNode, originsOf, track, withGrad } from "./autograd.ts";
import { asRerun, scope } from "./memory.ts";
import { noteRandomCalls, repeatRandomCalls } from "./random.ts";
import { sameShape, show } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/**
 * `fn(...inputs)` without keeping what its backward needs: backward runs `fn` a second time, with the same random numbers, and frees what
 * that made as soon as the gradients are there. A network of n checkpointed layers keeps n inputs of layers and what one layer needs, for
 * about a third more time (Chen et al. 2016, arXiv 1604.06174; PyTorch's `torch.utils.checkpoint` with `use_reentrant=False`).
 *
 * Gradients reach the inputs and everything else that `fn` uses: parameters, and tensors computed before. Checkpoints may be nested, and
 * stand inside {@linkcode capture}. `fn` must compute the same both times; what it changes
 * changes twice, but for the running means of batch normalisation. Tensors that it makes and does not return are freed when it ends.
 *
 * @example
 * ```ts
 * import { checkpoint, tensor } from "./mod.ts";
 * const w = tensor([[1, 2], [3, 4]], { requiresGrad: true });
 * const layer = (x: typeof w) => x.matmul(w).tanh();
 * const y = checkpoint(layer, checkpoint(layer, tensor([[0.1, 0.2]])));
 * y.sum().backward();
 * console.log(w.grad?.shape); // [2, 2]
 * ```
 * @throws TypeError if `fn` returns anything but a tensor. Backward throws an Error where `fn` does something else the second time.
 */
export function checkpoint<A extends readonly Tensor[]>(fn: (...inputs: A) => Tensor, ...inputs: A): Tensor {
  const first = nextNode();
  const { result: made, calls } = noteRandomCalls(() => scope(() => requireTensor(fn(...inputs))));
  if (!isGradEnabled()) return made;
  const origins = originsOf(made, first);
  const { shape } = made;
  return track("checkpoint", origins, made.detach(), (grad) =>
    scope(() => {
      const start = nextNode();
      const again = asRerun(() => withGrad(() => repeatRandomCalls(calls, () => requireTensor(fn(...inputs)))));
      if (!sameShape(again.shape, shape)) {
        throw new Error(
          `Cannot compute again what a checkpoint left out: its function returned ${show(shape)} at first and ${
            show(again.shape)
          } now; it must do the same both times`,
        );
      }
      const found = gradientsOf(again, start, grad);
      return origins.map((t) => found.get(t) ?? null);
    }));
}

function requireTensor(result: unknown): Tensor {
  if (result instanceof Tensor) return result;
  throw new TypeError("Cannot checkpoint a function that does not return one tensor");
}
