/** A stack of Transformer encoder layers. @module */
import type { Tensor } from "../tensor/mod.ts";
import type { AttentionMasks } from "./attention_masks.ts";
import { type Layer, Module } from "./module.ts";
import { ModuleList } from "./module_list.ts";
import { type LayerStack, runLayer } from "./recompute.ts";
import type { TransformerEncoderLayer } from "./transformer_encoder_layer.ts";

/** Layers in order, then a normalisation if there is one. Names are PyTorch's: `layers.0.self_attn.in_proj_weight`, `norm.weight`. */
export class TransformerEncoder extends Module implements LayerStack {
  /** In the order they are applied. */
  readonly layers: ModuleList<TransformerEncoderLayer>;
  /** Applied last, if there is one. */
  readonly norm: Layer | null;

  /**
   * A stack of new layers.
   *
   * @param makeLayer called for each layer, so that each has weights, and initial values, of its own
   * @param numLayers how many
   * @param norm applied to the last layer's output, as after layers that normalise first. Default none.
   */
  constructor(
    makeLayer: () => TransformerEncoderLayer,
    numLayers: number,
    { norm = null }: { norm?: Layer | null } = {},
  ) {
    super();
    this.layers = new ModuleList(Array.from({ length: numLayers }, makeLayer));
    this.norm = norm;
  }

  /** See `setRecompute`. */
  get stacksLayers(): true {
    return true;
  }

  /** (batch, time, channels) → the same shape. */
  forward(x: Tensor, masks: AttentionMasks = {}): Tensor {
    let value = x;
    for (const layer of this.layers) value = runLayer(this, (x) => layer.forward(x, masks), value);
    return this.norm === null ? value : this.norm.forward(value);
  }
}
