/** The Transformer of WavLM. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import { Dropout } from "../../dropout.ts";
import { LayerNorm } from "../../layer_norm.ts";
import { lengthMask } from "../../length_mask.ts";
import type { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import { ModuleList } from "../../module_list.ts";
import { WavLMAttention } from "./attention.ts";
import type { WavLMConfig } from "./config.ts";
import { wavlmLinear } from "./initial.ts";
import { WavLMPositionalConvEmbedding } from "./position_conv.ts";

/** Two linear maps with GELU between. */
class WavLMFeedForward extends Module {
  /** Widens. */
  readonly intermediate_dense: Linear;
  /** Narrows. */
  readonly output_dense: Linear;
  /** Between them. */
  readonly intermediate_dropout: Dropout;
  /** Comes last. */
  readonly output_dropout: Dropout;

  constructor({ hiddenSize, intermediateSize, activationDropout, hiddenDropout }: WavLMConfig) {
    super();
    this.intermediate_dense = wavlmLinear(hiddenSize, intermediateSize);
    this.output_dense = wavlmLinear(intermediateSize, hiddenSize);
    this.intermediate_dropout = new Dropout(activationDropout);
    this.output_dropout = new Dropout(hiddenDropout);
  }

  forward(x: Tensor): Tensor {
    const inner = this.intermediate_dropout.forward(this.intermediate_dense.forward(x).gelu());
    return this.output_dropout.forward(this.output_dense.forward(inner));
  }
}

/** Attention and feed-forward around sums; norms after them, or before them where `doStableLayerNorm` is set. */
export class WavLMEncoderLayer extends Module {
  /** See {@linkcode WavLMAttention}. */
  readonly attention: WavLMAttention;
  /** Follows attention, or comes before it. */
  readonly layer_norm: LayerNorm;
  /** See there. */
  readonly feed_forward: WavLMFeedForward;
  /** Follows the feed-forward block, or comes before it. */
  readonly final_layer_norm: LayerNorm;
  /** Follows attention. */
  readonly dropout: Dropout;
  readonly #stable: boolean;

  /** The first layer has the table of biases by distance. */
  constructor(config: WavLMConfig, { hasRelativePositionBias }: { hasRelativePositionBias: boolean }) {
    super();
    const { hiddenSize, numAttentionHeads, layerNormEps: eps, attentionDropout: dropout } = config;
    this.attention = new WavLMAttention(hiddenSize, numAttentionHeads, { ...config, hasRelativePositionBias, dropout });
    this.layer_norm = new LayerNorm(hiddenSize, { eps });
    this.feed_forward = new WavLMFeedForward(config);
    this.final_layer_norm = new LayerNorm(hiddenSize, { eps });
    this.dropout = new Dropout(config.hiddenDropout);
    this.#stable = config.doStableLayerNorm;
  }

  /** (batch, time, dim) → the same shape. Parameters as of {@linkcode WavLMAttention.forward}. */
  forward(x: Tensor, positionBias: Tensor, options: { lengths?: Tensor | null } = {}): Tensor {
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
export class WavLMEncoder extends Module {
  /** Added to the frames first. */
  readonly pos_conv_embed: WavLMPositionalConvEmbedding;
  /** Before the layers, or after the last one where `doStableLayerNorm` is set. */
  readonly layer_norm: LayerNorm;
  /** One after the other. */
  readonly layers: ModuleList<WavLMEncoderLayer>;
  /** Before the layers. */
  readonly dropout: Dropout;
  readonly #stable: boolean;

  /** See {@linkcode WavLMConfig}. */
  constructor(config: WavLMConfig) {
    super();
    const { hiddenSize, layerNormEps: eps, numConvPosEmbeddings: kernelSize, numConvPosEmbeddingGroups: groups } =
      config;
    this.pos_conv_embed = new WavLMPositionalConvEmbedding(hiddenSize, { kernelSize, groups });
    this.layer_norm = new LayerNorm(hiddenSize, { eps });
    const make = (_: unknown, i: number) => new WavLMEncoderLayer(config, { hasRelativePositionBias: i === 0 });
    this.layers = new ModuleList(Array.from({ length: config.numHiddenLayers }, make));
    this.dropout = new Dropout(config.hiddenDropout);
    this.#stable = config.doStableLayerNorm;
  }

  /** Input of the first layer and output of each, all (batch, time, dim); frames from `lengths`, int32 (batch), on are padding. */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor[] {
    const time = x.shape[1];
    const frames = lengths === null ? x : x.maskedFill(lengthMask(lengths, time).unsqueeze(-1), 0);
    const placed = frames.add(this.pos_conv_embed.forward(frames));
    const states = [this.dropout.forward(this.#stable ? placed : this.layer_norm.forward(placed))];
    const positionBias = this.layers.length > 0 ? this.layers[0].attention.positionBias(time) : null;
    for (const layer of this.layers) states.push(layer.forward(states[states.length - 1], positionBias!, { lengths }));
    if (this.#stable) states.push(this.layer_norm.forward(states.pop()!));
    return states;
  }
}
