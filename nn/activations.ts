/** Activation functions as layers, for {@linkcode Sequential}. Elementwise; formulas stand in tensor/ops/pointwise.ts. @module */
import type { GeluOptions, Tensor } from "../tensor/mod.ts";
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
