/** The convolution of CAM++ whose channels are weighed by what is around. @module */
import { arange, type Tensor } from "../../../tensor/mod.ts";
import { Conv1d } from "../../conv.ts";
import { kaimingNormal, zeros } from "../../init.ts";
import { Module } from "../../module.ts";

/** Frames of a segment. */
const SEGMENT = 100;

/** A convolution over time with the original's initial values. */
export function timeConv(
  inChannels: number,
  outChannels: number,
  options: { kernel?: number; stride?: number; dilation?: number; bias?: boolean } = {},
): Conv1d {
  const { kernel = 1, stride = 1, dilation = 1, bias = false } = options;
  const padding = dilation * (kernel - 1) / 2;
  const conv = new Conv1d(inChannels, outChannels, kernel, { stride, dilation, padding, bias });
  kaimingNormal(conv.weight);
  if (conv.bias !== null) zeros(conv.bias);
  return conv;
}

/**
 * Context-aware masking (Wang et al. 2023, arXiv 2303.00332): a convolution over time, times sigmoid(W₂·relu(W₁·(mean over the utterance + mean over
 * the segment of 100 frames that the frame is in))).
 */
export class ContextMask extends Module {
  /** Looks at 3 frames. */
  readonly linear_local: Conv1d;
  /** W₁, to half the channels. */
  readonly linear1: Conv1d;
  /** W₂. */
  readonly linear2: Conv1d;

  /** From `inChannels` to `outChannels`; `dilation`: distance of the frames. */
  constructor(inChannels: number, outChannels: number, dilation: number) {
    super();
    const half = Math.floor(inChannels / 2);
    this.linear_local = timeConv(inChannels, outChannels, { kernel: 3, dilation });
    this.linear1 = timeConv(inChannels, half, { bias: true });
    this.linear2 = timeConv(half, outChannels, { bias: true });
  }

  /**
   * (batch, inChannels, time) → (batch, outChannels, time).
   *
   * @param lengths int32 (batch): frames of each utterance; x has to be 0 behind them
   */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    const hidden = this.linear1.forward(contexts(x, lengths), { activation: "relu" });
    return spread(this.linear_local.forward(x), this.linear2.forward(hidden).sigmoid());
  }
}

/** Mean over the utterance plus mean over the segment, (batch, channels, segments): all frames of a segment have the same. */
function contexts(x: Tensor, lengths: Tensor | null): Tensor {
  const [batch, channels, time] = x.shape;
  const segments = Math.max(1, Math.ceil(time / SEGMENT));
  const sums = segments === 1
    ? x.sum(2, { keepdim: true })
    : x.pad([0, segments * SEGMENT - time]).reshape([batch, channels, segments, SEGMENT]).sum(3);
  const starts = arange(0, segments * SEGMENT, SEGMENT, { device: x.device });
  const left = lengths === null ? starts.neg().add(time).unsqueeze(0) : lengths.unsqueeze(1).sub(starts.unsqueeze(0));
  const counts = left.clamp(1, SEGMENT).toFloat().unsqueeze(1);
  const all = lengths === null ? Math.max(1, time) : lengths.toFloat().clamp(1).reshape([-1, 1, 1]);
  return sums.div(counts).add(sums.sum(2, { keepdim: true }).div(all));
}

/** y (batch, channels, time) times the mask of each frame's segment, (batch, channels, segments). */
function spread(y: Tensor, mask: Tensor): Tensor {
  const [batch, channels, time] = y.shape, segments = mask.shape[2];
  if (segments === 1) return y.mul(mask);
  const whole = y.pad([0, segments * SEGMENT - time]).reshape([batch, channels, segments, SEGMENT]);
  return whole.mul(mask.unsqueeze(3)).reshape([batch, channels, segments * SEGMENT]).slice(2, 0, time);
}
