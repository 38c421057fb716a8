/**
 * Which attention kernels run: chosen by size and adapter.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import type { AttentionArgs, AttentionBackwardArgs } from "./attention_kernel.ts";
import { attentionBackwardNaiveGpu, attentionNaiveGpu } from "./attention_naive.wgsl.ts";
import { attentionBackwardRegisterGpu } from "./attention_backward_register.wgsl.ts";
import { attentionRegisterGpu } from "./attention_register.wgsl.ts";

export { attentionBackwardNaiveGpu, attentionNaiveGpu } from "./attention_naive.wgsl.ts";

/** The plan of attention forward. Inputs [q, k, v, mask?, randomState?], outputs [out, logSumExp]. */
export function attentionGpu(args: AttentionArgs, traits: GpuTraits): GpuPlan {
  if (traits.software) return attentionRegisterGpu(args);
  return attentionNaiveGpu(args);
}

/** The plan of attention backward. Inputs [q, k, v, out, dOut, logSumExp, mask?, randomState?], outputs [dq, dk, dv] or [packed]. */
export function attentionBackwardGpu(args: AttentionBackwardArgs, traits: GpuTraits): GpuPlan {
  if (traits.software) return attentionBackwardRegisterGpu(args);
  return attentionBackwardNaiveGpu(args);
}
