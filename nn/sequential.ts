/** Layers one after the other. @module */
import type { Tensor } from "../tensor/mod.ts";
import { type Layer, Module } from "./module.ts";

/** Applies layers in order; their names are their positions: `0.weight`, `2.weight`, … */
export class Sequential extends Module {
  /** The layer at a position. Positions are fields, and so become names by the rule of all modules. */
  readonly [position: number]: Layer;
  readonly #layers: readonly Layer[];

  /** Takes the layers in order. */
  constructor(...layers: Layer[]) {
    super();
    this.#layers = layers;
    Object.assign(this, layers);
  }

  /** The last layer's output. */
  forward(x: Tensor): Tensor {
    return this.#layers.reduce((value, layer) => layer.forward(value), x);
  }
}
