/**
 * Times matrix products and attention as the training recipes use them: `deno run -A tests/tensor/kernel_bench.ts [filter]`.
 * Prints the median and the best of several runs by the device's clock, the processor time divided by the cores (steady on a shared
 * machine), and the first run with compilation.
 * @module
 */
import type { GpuPlan } from "../../tensor/device/kernel.ts";
import type { AttentionBackwardArgs } from "../../tensor/ops/attention_kernel.ts";
import { attentionBackwardGpu, attentionGpu } from "../../tensor/ops/attention.wgsl.ts";
import type { MatmulArgs, MatrixLayout } from "../../tensor/ops/matmul_kernel.ts";
import { matmulGpu } from "../../tensor/ops/matmul.wgsl.ts";
import { GpuRunner, hardwareTraits, softwareTraits } from "./gpu_runner.ts";

const traits = Deno.args.includes("--hardware") ? hardwareTraits : softwareTraits;
const filter = Deno.args.find((arg) => !arg.startsWith("--")) ?? "";
const runner = await GpuRunner.open();
if (!runner) Deno.exit(1);

type Floats = Float32Array<ArrayBuffer>;
type Kind = "forward" | "dX" | "dW";

/** Processor time of all threads of this process so far, in milliseconds; Linux only. */
function processorMs(): number {
  let sum = 0;
  for (const { name } of Deno.readDirSync("/proc/self/task")) {
    sum += Number(Deno.readTextFileSync(`/proc/self/task/${name}/schedstat`).split(" ")[0]);
  }
  return sum / 1e6;
}

async function report(name: string, plan: GpuPlan, inputs: Floats[], outputs: Floats[], flops: number) {
  const [samples, repeats] = [7, 2];
  const { firstMs } = await runner!.time(plan, inputs, outputs, { repeats, samples: 1 });
  const before = processorMs();
  const { ms, bestMs } = await runner!.time(plan, inputs, outputs, { repeats, samples });
  const shareMs = (processorMs() - before) / (samples * repeats + 1) / navigator.hardwareConcurrency;
  const column = (value: number, digits: number) => value.toFixed(digits).padStart(8);
  console.log(
    `${name.padEnd(34)} median ${column(ms, 2)} ms, best ${column(bestMs, 2)} ms ${
      column(flops / bestMs / 1e6, 1)
    } GFLOP/s,`,
    `processor time a core ${column(shareMs, 2)} ms ${column(flops / shareMs / 1e6, 1)} GFLOP/s, first ${
      column(firstMs, 0)
    } ms`,
  );
  return shareMs;
}

/** y = x·Wᵀ (rows × in by out × in), its input gradient, and its weight gradient. */
function linear(kind: Kind, rows: number, inputs: number, outputs: number): MatmulArgs {
  const at = (row: number, col: number): MatrixLayout => ({ offset: 0, batch: [0, 0], row, col });
  const common = { batch: [1, 1], alpha: 1, bias: null, activation: "none" } as const;
  if (kind === "forward") {
    return { ...common, m: rows, n: outputs, k: inputs, a: at(inputs, 1), b: at(1, inputs), c: at(outputs, 1) };
  }
  if (kind === "dX") {
    return { ...common, m: rows, n: inputs, k: outputs, a: at(outputs, 1), b: at(inputs, 1), c: at(inputs, 1) };
  }
  return { ...common, m: outputs, n: inputs, k: rows, a: at(1, outputs), b: at(inputs, 1), c: at(inputs, 1) };
}

async function benchLinear(rows: number, inputs: number, outputs: number): Promise<number> {
  let sum = 0;
  for (const kind of ["forward", "dX", "dW"] as const) {
    const name = `${kind} ${rows}x${inputs}->${outputs}`;
    if (!name.includes(filter)) continue;
    const args = linear(kind, rows, inputs, outputs);
    const { m, n, k } = args;
    const data = [new Float32Array(m * k).fill(0.5), new Float32Array(k * n).fill(0.5)];
    sum += await report(name, matmulGpu(args, traits), data, [new Float32Array(m * n)], 2 * m * n * k);
  }
  return sum;
}

async function benchAttention(batch: number, heads: number, time: number, headDim: number, dropout: number) {
  const name = `attention ${batch}x${heads}x${time}x${headDim}${dropout ? " dropout" : ""}`;
  if (!name.includes(filter)) return 0;
  const d = heads * headDim;
  const layout = (offset: number, row: number) => ({ offset, batch: time * row, head: headDim, time: row });
  const [q, k, v] = [0, 1, 2].map((i) => layout(i * d, 3 * d));
  const args: AttentionBackwardArgs = {
    ...{ batch, heads, queries: time, keys: time, headDim, scale: headDim ** -0.5, q, k, v, out: layout(0, d) },
    ...{ mask: null, dropout, counter: 1, packed: true, dq: q, dk: k, dv: v },
    ...{ bias: null, gate: null, dGate: false, dBias: 0 },
  };
  const flops = 2 * batch * heads * time * time * headDim;
  const data = Float32Array.from({ length: batch * time * 3 * d }, () => Math.random() - 0.5);
  const [out, rows] = [new Float32Array(batch * time * d), new Float32Array(batch * heads * time)];
  const state = dropout ? [new Float32Array([1, 2, 3, 4])] : [];
  const gradient = new Float32Array(data.length);
  const forward = attentionGpu(args, traits);
  const backward = attentionBackwardGpu(args, traits);
  return await report(name, forward, [data, data, data, ...state], [out, rows], 2 * flops) +
    await report(`${name} backward`, backward, [data, data, data, out, out, rows, ...state], [gradient], 5 * flops);
}

/** All matrix products and attention of a Transformer training step. */
async function benchStep(
  name: string,
  { batch, d, heads, ff, layers }: { batch: number; d: number; heads: number; ff: number; layers: number },
) {
  const rows = batch * 128;
  let sum = d === 40 ? 0 : await benchLinear(rows, 40, d);
  let layer = 0;
  for (const [inputs, outputs] of [[d, 3 * d], [d, d], [d, ff], [ff, d]]) {
    layer += await benchLinear(rows, inputs, outputs);
  }
  layer += await benchAttention(batch, heads, 128, d / heads, 0.1);
  sum += layers * layer;
  console.log(`${name}: ${sum.toFixed(1)} ms a step, of the processor times above`);
}

await benchStep("hw4-simple", { batch: 16, d: 80, heads: 2, ff: 256, layers: 1 });
await benchStep("hw4-medium", { batch: 32, d: 160, heads: 8, ff: 256, layers: 2 });
await benchStep("hw4-512", { batch: 16, d: 512, heads: 16, ff: 2048, layers: 1 });
runner.close();
