/** A Transformer over frames of speech. @module */
import { rand, type Tensor, where } from "../../../tensor/mod.ts";
import { Dropout } from "../../dropout.ts";
import { LayerNorm } from "../../layer_norm.ts";
import { lengthMask } from "../../length_mask.ts";
import type { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import { ModuleList } from "../../module_list.ts";
import { type LayerStack, runLayer } from "../../recompute.ts";
import type { SpeechEncoderConfig } from "./config.ts";
import { encoderLinear } from "./initial.ts";
import { PositionalConvEmbedding } from "./position_conv.ts";

/** Two linear maps with GELU between. */
class FeedForward extends Module {
  /** Widens. */
  readonly intermediate_dense: Linear;
  /** Narrows. */
  readonly output_dense: Linear;
  /** Between them. */
  readonly intermediate_dropout: Dropout;
  /** Comes last. */
  readonly output_dropout: Dropout;

  constructor({ hiddenSize, intermediateSize, activationDropout, hiddenDropout }: SpeechEncoderConfig) {
    super();
    this.intermediate_dense = encoderLinear(hiddenSize, intermediateSize);
    this.output_dense = encoderLinear(intermediateSize, hiddenSize);
    this.intermediate_dropout = new Dropout(activationDropout);
    this.output_dropout = new Dropout(hiddenDropout);
  }

  forward(x: Tensor): Tensor {
    const inner = this.intermediate_dropout.forward(this.intermediate_dense.forward(x).gelu());
    return this.output_dropout.forward(this.output_dense.forward(inner));
  }
}

/** The attention of such a layer. */
export interface EncoderAttention extends Module {
  /** The bias by head, query and key that all layers are given, (heads, time, time); null for a kind of attention without one. Asked of the first layer. */
  positionBias(time: number): Tensor | null;
  /** (batch, time, dim) → the same shape; frames from `lengths`, int32 (batch), on are padding. */
  forward(x: Tensor, positionBias: Tensor | null, options?: { lengths?: Tensor | null }): Tensor;
}

/** Attention and feed-forward around sums; norms after them, or before them where `doStableLayerNorm` is set. */
export class EncoderLayer<A extends EncoderAttention = EncoderAttention> extends Module {
  /** What frames see of each other by. */
  readonly attention: A;
  /** Follows attention, or comes before it. */
  readonly layer_norm: LayerNorm;
  /** See there. */
  readonly feed_forward: FeedForward;
  /** Follows the feed-forward block, or comes before it. */
  readonly final_layer_norm: LayerNorm;
  /** Follows attention. */
  readonly dropout: Dropout;
  readonly #stable: boolean;

  /** A layer around an attention. */
  constructor(config: SpeechEncoderConfig, attention: A) {
    super();
    const { hiddenSize, layerNormEps: eps } = config;
    this.attention = attention;
    this.layer_norm = new LayerNorm(hiddenSize, { eps });
    this.feed_forward = new FeedForward(config);
    this.final_layer_norm = new LayerNorm(hiddenSize, { eps });
    this.dropout = new Dropout(config.hiddenDropout);
    this.#stable = config.doStableLayerNorm;
  }

  /** (batch, time, dim) → the same shape. Parameters as of {@linkcode EncoderAttention.forward}. */
  forward(x: Tensor, positionBias: Tensor | null, options: { lengths?: Tensor | null } = {}): Tensor {
    const attend = (seen: Tensor) => x.add(this.dropout.forward(this.attention.forward(seen, positionBias, options)));
    if (this.#stable) {
      const y = attend(this.layer_norm.forward(x));
      return y.add(this.feed_forward.forward(this.final_layer_norm.forward(y)));
    }
    const y = this.layer_norm.forward(attend(x));
    return this.final_layer_norm.forward(y.add(this.feed_forward.forward(y)));
  }
}

/** Positions, then layers. */
export class SpeechEncoder<A extends EncoderAttention = EncoderAttention> extends Module implements LayerStack {
  /** Added to the frames first. */
  readonly pos_conv_embed: PositionalConvEmbedding;
  /** Before the layers, or after the last one where `doStableLayerNorm` is set. */
  readonly layer_norm: LayerNorm;
  /** One after the other. */
  readonly layers: ModuleList<EncoderLayer<A>>;
  /** Before the layers. */
  readonly dropout: Dropout;
  readonly #stable: boolean;
  readonly #layerdrop: number;

  /** `attentionOf` makes the attention of the layer with such a number. */
  constructor(config: SpeechEncoderConfig, attentionOf: (layer: number) => A) {
    super();
    const { hiddenSize, layerNormEps: eps, numConvPosEmbeddings: kernelSize, numConvPosEmbeddingGroups: groups } =
      config;
    this.pos_conv_embed = new PositionalConvEmbedding(hiddenSize, { kernelSize, groups });
    this.layer_norm = new LayerNorm(hiddenSize, { eps });
    const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => new EncoderLayer(config, attentionOf(i)));
    this.layers = new ModuleList(layers);
    this.dropout = new Dropout(config.hiddenDropout);
    this.#stable = config.doStableLayerNorm;
    this.#layerdrop = config.layerdrop;
  }

  /** See `setRecompute`. */
  get stacksLayers(): true {
    return true;
  }

  /** Input of the first layer and output of each, all (batch, time, dim); frames from `lengths`, int32 (batch), on are padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor[] {
    const time = x.shape[1];
    const frames = lengths === null ? x : x.maskedFill(lengthMask(lengths, time).unsqueeze(-1), 0);
    const placed = frames.add(this.pos_conv_embed.forward(frames));
    const states = [this.dropout.forward(this.#stable ? placed : this.layer_norm.forward(placed))];
    const positionBias = this.layers.length > 0 ? this.layers[0].attention.positionBias(time) : null;
    for (const [i, layer] of [...this.layers].entries()) {
      const y = runLayer(this, (x) => layer.forward(x, positionBias, { lengths }), states[i]);
      const always = i === 0 && positionBias !== null; // the layer that makes the bias of all
      states.push(always ? y : this.#orSkipped(y, states[i]));
    }
    if (this.#stable) states.push(this.layer_norm.forward(states.pop()!));
    return states;
  }

  /**
   * A layer's output or, at random in training, its input in its place (LayerDrop, Fan et al. 2019, arXiv 1909.11556). A captured step is the
   * same list of kernels each time: the layer is computed in any case, and its gradient is 0 where it was skipped.
   */
  #orSkipped(y: Tensor, x: Tensor): Tensor {
    return this.training && this.#layerdrop > 0 ? where(rand([1]).lt(this.#layerdrop), x, y) : y;
  }
}
