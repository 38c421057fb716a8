/** Initial values as Hugging Face has them. @module */
import { kaimingNormal, normal, uniform, zeros } from "../../init.ts";
import { Conv1d } from "../../conv.ts";
import { Linear } from "../../linear.ts";

/** Normal weights of deviation 0.02 and no bias. */
export function encoderLinear(inFeatures: number, outFeatures: number): Linear {
  const linear = new Linear(inFeatures, outFeatures);
  normal(linear.weight, { std: 0.02 });
  if (linear.bias !== null) zeros(linear.bias);
  return linear;
}

/** Uniform in ±1 / √inFeatures. */
export function uniformLinear(inFeatures: number, outFeatures: number): Linear {
  const linear = new Linear(inFeatures, outFeatures), bound = 1 / Math.sqrt(inFeatures);
  uniform(linear.weight, { low: -bound, high: bound });
  if (linear.bias !== null) uniform(linear.bias, { low: -bound, high: bound });
  return linear;
}

/** A convolution with He's normal weights. */
export function featureConv(
  sizes: { from: number; to: number; kernel: number; stride: number; bias: boolean },
): Conv1d {
  const conv = new Conv1d(sizes.from, sizes.to, sizes.kernel, { stride: sizes.stride, bias: sizes.bias });
  kaimingNormal(conv.weight);
  return conv;
}
