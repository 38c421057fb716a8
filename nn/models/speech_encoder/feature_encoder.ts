/** From samples to frames. @module */
import { EVERY_GPU_BINDS } from "../../../tensor/device/device.ts";
import { cat, type Tensor } from "../../../tensor/mod.ts";
import { Conv1d } from "../../conv.ts";
import { Dropout } from "../../dropout.ts";
import { GroupNorm } from "../../group_norm.ts";
import { LayerNorm } from "../../layer_norm.ts";
import type { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import { ModuleList } from "../../module_list.ts";
import { type LayerStack, runLayer } from "../../recompute.ts";
import type { SpeechEncoderConfig } from "./config.ts";
import { featureConv, uniformLinear } from "./initial.ts";
import { wavlmFrames } from "./lengths.ts";

type ConvKeys = "convDim" | "convKernel" | "convStride" | "convBias" | "featExtractNorm";

/** A convolution without padding, maybe a norm, GELU. */
class FeatureConvLayer extends Module {
  /** Without padding. */
  readonly conv: Conv1d;
  /** Over time for each channel ("group"), over channels ("layer"), or none. */
  readonly layer_norm: GroupNorm | LayerNorm | null;

  constructor(config: Pick<SpeechEncoderConfig, ConvKeys>, i: number) {
    super();
    const { convDim, convKernel, convStride, convBias: bias, featExtractNorm } = config, to = convDim[i];
    this.conv = featureConv({
      from: i === 0 ? 1 : convDim[i - 1],
      to,
      kernel: convKernel[i],
      stride: convStride[i],
      bias,
    });
    if (featExtractNorm === "layer") this.layer_norm = new LayerNorm(to);
    else this.layer_norm = i === 0 ? new GroupNorm(to, to) : null;
  }

  /** (batch, channels, time) → (batch, convDim[i], time′). */
  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x), norm = this.layer_norm;
    if (norm === null) return y.gelu();
    return (norm instanceof LayerNorm ? norm.forward(y.transpose(1, 2)).transpose(1, 2) : norm.forward(y)).gelu();
  }
}

/** The convolutions of wav2vec 2.0 (Baevski et al. 2020, arXiv 2006.11477) under Hugging Face's names. */
export class FeatureEncoder extends Module implements LayerStack {
  /** One after the other. */
  readonly conv_layers: ModuleList<FeatureConvLayer>;
  readonly #config: Pick<SpeechEncoderConfig, ConvKeys>;

  /** See {@linkcode SpeechEncoderConfig}. */
  constructor(config: Pick<SpeechEncoderConfig, ConvKeys>) {
    super();
    this.#config = config;
    this.conv_layers = new ModuleList(config.convDim.map((_, i) => new FeatureConvLayer(config, i)));
  }

  /** See {@linkcode LayerStack}: what can be computed again is all layers together. */
  get stacksLayers(): true {
    return true;
  }

  /**
   * (batch, samples) → (batch, the last of `convDim`, frames). Recordings do not meet here, so that many of them go through a few at a time.
   *
   * @param most bytes of the largest array between layers, unless a single recording needs more; default 128 MiB
   */
  forward(x: Tensor, most: number = EVERY_GPU_BINDS): Tensor {
    const [batch, samples] = x.shape, together = Math.max(1, Math.floor(most / this.#rowBytes(samples)));
    const parts = Array.from({ length: Math.ceil(batch / together) }, (_, i) => {
      const first = i * together, count = Math.min(together, batch - first);
      return runLayer(this, (part) => this.#layers(part), count === batch ? x : x.slice(0, first, first + count));
    });
    return parts.length === 1 ? parts[0] : cat(parts, 0);
  }

  #layers(x: Tensor): Tensor {
    let y = x.unsqueeze(1);
    for (const layer of this.conv_layers) y = layer.forward(y);
    return y;
  }

  /** Bytes of the largest output of a layer for a recording. */
  #rowBytes(samples: number): number {
    const { convDim, convKernel, convStride } = this.#config;
    const frames = (layer: number) =>
      wavlmFrames(samples, { convKernel: convKernel.slice(0, layer + 1), convStride: convStride.slice(0, layer + 1) });
    return Math.max(...convDim.map((channels, i) => 4 * channels * frames(i)));
  }
}

/** Layer norm, if there is one, then a linear map to the encoder's channels. */
export class FeatureProjection extends Module {
  /** Over channels, or null. */
  readonly layer_norm: LayerNorm | null;
  /** To the encoder's channels. */
  readonly projection: Linear;
  /** Comes last. */
  readonly dropout: Dropout;

  /** From `channels` to `hiddenSize`. */
  constructor(channels: number, options: FeatureProjectionOptions) {
    super();
    const { hiddenSize, layerNormEps: eps, featProjDropout = 0, featProjLayerNorm = true } = options;
    this.layer_norm = featProjLayerNorm ? new LayerNorm(channels, { eps }) : null;
    this.projection = uniformLinear(channels, hiddenSize);
    this.dropout = new Dropout(featProjDropout);
  }

  /** (batch, time, channels) → `y` (batch, time, hiddenSize), and what was mapped, `normed`. */
  forward(x: Tensor): { y: Tensor; normed: Tensor } {
    const normed = this.layer_norm === null ? x : this.layer_norm.forward(x);
    return { y: this.dropout.forward(this.projection.forward(normed)), normed };
  }
}

/** Options of {@linkcode FeatureProjection}. */
export interface FeatureProjectionOptions extends Pick<SpeechEncoderConfig, "hiddenSize" | "layerNormEps"> {
  /** Default 0. */
  readonly featProjDropout?: number;
  /** Whether it normalises first; some HuBERT models do not. Default true. */
  readonly featProjLayerNorm?: boolean;
}
