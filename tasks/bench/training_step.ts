/** Training steps of a model: forward, backward, AdamW; cross-entropy. @module */
import {
  capture,
  crossEntropy,
  type Device,
  formatKernelTime,
  manualSeed,
  memory,
  profile,
  randn,
  tensor,
} from "../../tensor/mod.ts";
import { AdamW } from "../../train/optim/mod.ts";
import type { StepCase } from "./step_cases.ts";

/** What a case took. */
export interface StepResult {
  /** Median of the steps after warm-up. */
  readonly msPerStep: number;
  /** The first call: recording, compilation and one step. */
  readonly firstMs: number;
  readonly kernels: number;
  /** Most bytes held during the steps. */
  readonly bytes: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
}

/** Options of {@linkcode benchStep}. */
export interface BenchOptions {
  /** Timed steps after three for warm-up. */
  readonly steps: number;
  /** Where to print a line for every kernel, if wanted. */
  readonly kernelLine?: (line: string) => void;
}

/** Times a case on the current device. On a GPU several steps share one wait for the device, whose answer is slow. */
export async function benchStep(
  { make, input, classes }: StepCase,
  device: Device,
  { steps, kernelLine }: BenchOptions,
): Promise<StepResult> {
  manualSeed(0);
  const model = make();
  const optimizer = new AdamW(model.parameters());
  const x = randn(input);
  const y = tensor(Int32Array.from({ length: input[0] }, (_, i) => (i * 37) % classes));
  const step = capture(() => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  const started = performance.now();
  const firstLoss = await step().item();
  const firstMs = performance.now() - started;
  const single = await timed(device, step, 1);
  const together = device.type === "cpu" ? 1 : Math.max(1, Math.round(100 / single));
  const times: number[] = [];
  for (let i = 0; i < Math.ceil(steps / together); i++) times.push(await timed(device, step, together));
  const bytes = memory(device).used;
  if (kernelLine) {
    for (const kernel of await profile(() => void step(), device)) {
      kernelLine(formatKernelTime(kernel));
    }
  }
  const lastLoss = await step().item();
  const result = { msPerStep: median(times), firstMs, kernels: step.kernels, bytes, firstLoss, lastLoss };
  step.dispose();
  return result;
}

async function timed(device: Device, step: () => unknown, times: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < times; i++) step();
  await device.synchronize();
  return (performance.now() - start) / times;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
