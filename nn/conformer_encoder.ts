/** A stack of Conformer blocks. @module */
import type { Tensor } from "../tensor/mod.ts";
import type { ConformerBlock } from "./conformer_block.ts";
import { Module } from "./module.ts";
import { ModuleList } from "./module_list.ts";
import { type LayerStack, runLayer } from "./recompute.ts";

/**
 * Blocks in order. Names are torchaudio's: `conformer_layers.0.ffn1.sequential.1.weight`, so that a state dict of its `Conformer` loads
 * where the blocks have its parts.
 *
 * @example
 * ```ts
 * import { ConformerBlock, ConformerEncoder } from "./mod.ts";
 * const torchaudio = { attention: "full", depthwiseBias: true, convolvePadding: true } as const;
 * const encoder = new ConformerEncoder(() => new ConformerBlock(80, 4, { ...torchaudio, ffExpansion: 2 }), 2);
 * console.log(encoder.namedParameters()[0][0]); // conformer_layers.0.ffn1.sequential.0.weight
 * ```
 */
export class ConformerEncoder extends Module implements LayerStack {
  /** In the order they are applied. */
  readonly conformer_layers: ModuleList<ConformerBlock>;

  /**
   * A stack of new blocks.
   *
   * @param makeBlock called for each block, so that each has weights, and initial values, of its own
   * @param numLayers how many
   */
  constructor(makeBlock: () => ConformerBlock, numLayers: number) {
    super();
    this.conformer_layers = new ModuleList(Array.from({ length: numLayers }, makeBlock));
  }

  /** See `setRecompute`. */
  get stacksLayers(): true {
    return true;
  }

  /** (batch, time, channels) → the same shape; `lengths` int32 (batch): frames of each utterance, the rest being padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    let value = x;
    for (const block of this.conformer_layers) value = runLayer(this, (x) => block.forward(x, lengths), value);
    return value;
  }
}
