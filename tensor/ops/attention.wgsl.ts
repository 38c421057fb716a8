/**
 * Which attention kernels run: chosen by adapter and head size.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import { attentionBackwardRegisterGpu } from "./attention_backward_register.wgsl.ts";
import { attentionBackwardSharedGpu } from "./attention_backward_shared.wgsl.ts";
import type { AttentionArgs, AttentionBackwardArgs } from "./attention_kernel.ts";
import { attentionBackwardNaiveGpu, attentionNaiveGpu } from "./attention_naive.wgsl.ts";
import { attentionRegisterGpu } from "./attention_register.wgsl.ts";
import { attentionSharedGpu } from "./attention_shared.wgsl.ts";

export { attentionBackwardNaiveGpu, attentionNaiveGpu } from "./attention_naive.wgsl.ts";

/** The widest head of the fused kernels, whose rows live in registers. */
const MAX_HEAD = 128;

/** The plan of attention forward. Inputs and outputs as attentionKernel has them. */
export function attentionGpu(args: AttentionArgs, traits: GpuTraits): GpuPlan {
  if (args.headDim > MAX_HEAD) return attentionNaiveGpu(args);
  return traits.software ? attentionRegisterGpu(args) : attentionSharedGpu(args);
}

/** The plan of attention backward. Inputs and outputs as attentionBackwardKernel has them. */
export function attentionBackwardGpu(args: AttentionBackwardArgs, traits: GpuTraits): GpuPlan {
  if (args.headDim > MAX_HEAD) return attentionBackwardNaiveGpu(args);
  return traits.software ? attentionBackwardRegisterGpu(args) : attentionBackwardSharedGpu(args);
}
