/** Multi-head attention as wav2vec 2.0 has it. @module */
import { scaledDotProductAttention, type Tensor } from "../../../tensor/mod.ts";
import { lengthMask } from "../../length_mask.ts";
import type { Linear } from "../../linear.ts";
import { Module } from "../../module.ts";
import type { EncoderAttention } from "../speech_encoder/encoder.ts";
import { encoderLinear } from "../speech_encoder/initial.ts";
import { splitHeads } from "../speech_encoder/split_heads.ts";

/** softmax(q·k / √channels) · v in each head (Vaswani et al. 2017, arXiv 1706.03762), under Hugging Face's names; all four maps have a bias. */
export class Wav2Vec2Attention extends Module implements EncoderAttention {
  /** Keys. */
  readonly k_proj: Linear;
  /** Values. */
  readonly v_proj: Linear;
  /** Queries. */
  readonly q_proj: Linear;
  /** Joins the heads. */
  readonly out_proj: Linear;
  readonly #heads: number;
  readonly #dropout: number;

  /** Of `dim` channels in `heads` heads; dropout of attention weights is 0 by default. */
  constructor(dim: number, heads: number, { dropout = 0 }: { dropout?: number } = {}) {
    super();
    this.k_proj = encoderLinear(dim, dim);
    this.v_proj = encoderLinear(dim, dim);
    this.q_proj = encoderLinear(dim, dim);
    this.out_proj = encoderLinear(dim, dim);
    this.#heads = heads;
    this.#dropout = dropout;
  }

  /** None: frames know their place from the positional convolution alone. */
  positionBias(): null {
    return null;
  }

  /** See {@linkcode EncoderAttention}. */
  forward(
    x: Tensor,
    _positionBias: Tensor | null = null,
    { lengths = null }: { lengths?: Tensor | null } = {},
  ): Tensor {
    const [batch, time, dim] = x.shape;
    const [q, k, v] = [this.q_proj, this.k_proj, this.v_proj].map((map) => splitHeads(map.forward(x), this.#heads));
    const mask = lengths === null ? null : lengthMask(lengths, time).reshape([batch, 1, 1, time]);
    const heads = scaledDotProductAttention(q, k, v, { mask, dropout: this.training ? this.#dropout : 0 });
    return this.out_proj.forward(heads.permute([0, 2, 1, 3]).reshape([batch, time, dim]));
  }
}
