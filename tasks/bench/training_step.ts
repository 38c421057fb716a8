/** Training steps of a model: forward, backward, AdamW; or its forward passes alone. @module */
import {
  capture,
  crossEntropy,
  type Device,
  formatKernelTime,
  manualSeed,
  memory,
  noGrad,
  profile,
  randn,
  type Tensor,
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
  /** Losses before and after; absent where only the forward pass is timed. */
  readonly losses?: { readonly first: number; readonly last: number };
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
  stepCase: StepCase,
  device: Device,
  { steps, kernelLine }: BenchOptions,
): Promise<StepResult> {
  manualSeed(0);
  const step = stepCase.forwardOnly ? forwardPass(stepCase) : trainingStep(stepCase);
  const started = performance.now();
  const first = await lossOf(step());
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
  const last = await lossOf(step());
  const losses = stepCase.forwardOnly ? undefined : { first, last };
  const result = { msPerStep: median(times), firstMs, kernels: step.kernels, bytes, losses };
  step.dispose();
  return result;
}

function trainingStep({ make, input, classes, loss: lossFunction = crossEntropy }: StepCase) {
  const model = make();
  const optimizer = new AdamW(model.parameters());
  const x = randn(input);
  const y = tensor(Int32Array.from({ length: input[0] }, (_, i) => (i * 37) % classes));
  return capture(() => {
    optimizer.zeroGrad();
    const loss = lossFunction(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
}

function forwardPass({ make, input }: StepCase) {
  const model = make();
  model.eval();
  const x = randn(input);
  return capture(() => noGrad(() => model.forward(x)));
}

/** The loss of a training step; of scores their first number, which is read only to wait for it. */
async function lossOf(result: Tensor): Promise<number> {
  return (await result.data())[0];
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
