/**
 * The tensors a module owns. Both kinds outlive scopes and start as zeros, so that a forgotten initialisation is never random memory.
 * @module
 */
import { currentDevice, type DType, type Shape, Tensor } from "../tensor/mod.ts";
import { zeros } from "./init.ts";

/** A tensor that is trained: it requires a gradient. float32, on the current device. */
export class Parameter extends Tensor {
  /** Zeros of `shape`; see init.ts for other values. */
  constructor(shape: Shape) {
    super(Tensor.persistent(currentDevice(), shape, "float32").storage, shape, "float32");
    zeros(this).requireGrad();
  }
}

/** A tensor that is saved with the parameters but not trained, such as a running mean. On the current device. */
export class Buffer extends Tensor {
  /** Zeros of `shape`. */
  constructor(shape: Shape, dtype: DType = "float32") {
    super(Tensor.persistent(currentDevice(), shape, dtype).storage, shape, dtype);
    zeros(this);
  }
}
