/** Activation functions as layers, for {@linkcode Sequential}. Elementwise; formulas stand in tensor/ops/pointwise.ts. @module */
import { type GeluOptions, glu, type Tensor } from "../tensor/mod.ts";
import { Module } from "./module.ts";

/** x. */
export class Identity extends Module {
  /** `x` itself. */
  forward(x: Tensor): Tensor {
    return x;
  }
}

/** max(x, 0). */
export class ReLU extends Module {
  /** Of each element. */
  forward(x: Tensor): Tensor {
    return x.relu();
  }
}

/** x where positive, else slope · x. */
export class LeakyReLU extends Module {
  /** Factor on what is below 0. */
  readonly slope: number;

  /** `slope`: default 0.01. */
  constructor(slope = 0.01) {
    super();
    this.slope = slope;
  }

  /** Of each element. */
  forward(x: Tensor): Tensor {
    return x.leakyRelu(this.slope);
  }
}

/** x where positive, else alpha · (eˣ − 1). */
export class ELU extends Module {
  /** Minus the limit far below 0. */
  readonly alpha: number;

  /** `alpha`: default 1. */
  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }

  /** Of each element. */
  forward(x: Tensor): Tensor {
    return x.elu(this.alpha);
  }
}

/** x · Φ(x), Φ the normal distribution function. */
export class GELU extends Module {
  /** Which formula. */
  readonly approximate: "none" | "tanh";

  /** `approximate: "tanh"` for the approximation by a hyperbolic tangent. Default "none": exact. */
  constructor({ approximate = "none" }: GeluOptions = {}) {
    super();
    this.approximate = approximate;
  }

  /** Of each element. */
  forward(x: Tensor): Tensor {
    return x.gelu({ approximate: this.approximate });
  }
}

/** x · sigmoid(x), also known as Swish. */
export class SiLU extends Module {
  /** Of each element. */
  forward(x: Tensor): Tensor {
    return x.silu();
  }
}

/** Hyperbolic tangent. */
export class Tanh extends Module {
  /** Of each element. */
  forward(x: Tensor): Tensor {
    return x.tanh();
  }
}

/** 1 / (1 + e⁻ˣ). */
export class Sigmoid extends Module {
  /** Of each element. */
  forward(x: Tensor): Tensor {
    return x.sigmoid();
  }
}

/** log(1 + eˣ). */
export class Softplus extends Module {
  /** Of each element. */
  forward(x: Tensor): Tensor {
    return x.softplus();
  }
}

/** The first half of an axis times the sigmoid of the second half (Dauphin et al. 2017, arXiv 1612.08083). */
export class GLU extends Module {
  /** The axis that is halved. */
  readonly dim: number;

  /** `dim`: default −1, the last. */
  constructor(dim = -1) {
    super();
    this.dim = dim;
  }

  /** Half as wide as x along the axis. TypeError if that has an odd size. */
  forward(x: Tensor): Tensor {
    return glu(x, this.dim);
  }
}
