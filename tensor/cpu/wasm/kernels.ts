/**
 * The module of all kernels that are not compiled from expressions. Engines compile a function when it is first called, so that
 * unused ones cost next to nothing.
 * @module
 */
import { addAttention } from "./attention.ts";
import { addChannels } from "./channels.ts";
import { addConv } from "./conv.ts";
import { addDepthwise } from "./depthwise.ts";
import { addDepthwiseLast } from "./depthwise_last.ts";
import { addGemm } from "./gemm.ts";
import { ModuleBuilder, type Target } from "./module.ts";
import { addPhiloxFill } from "./philox.ts";
import { addPooling } from "./pooling.ts";
import { addRows } from "./rows.ts";

/** Exports of {@linkcode kernelModule}. */
export const KERNEL_JOBS = [
  ...["packB", "tiles", "products", "reduce", "attention", "attentionBackward"] as const,
  ...["softmaxRows", "softmaxRowsBackward", "logSumExpRows", "layerNormRows", "layerNormRowsBackward"] as const,
  ...["rowSums", "columnSums", "layerNormWeights", "convForward", "convWeight"] as const,
  ...["runMoments", "runDots", "blockMoments", "blockDots"] as const,
  ...["pool", "maxPoolBackward", "avgPoolBackward"] as const,
  ...["depthwise", "depthwiseWeight", "depthwiseLast", "depthwiseLastWeight"] as const,
] as const;

/** The bytes of the module. */
export function kernelModule(target: Target): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(target);
  const gemm = addGemm(module);
  addAttention(module, gemm, addPhiloxFill(module));
  addRows(module);
  addChannels(module);
  addPooling(module);
  addConv(module, gemm);
  addDepthwise(module);
  addDepthwiseLast(module);
  return module.finish();
}
