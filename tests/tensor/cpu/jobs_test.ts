import assert from "node:assert/strict";
import { Elementwise } from "../../../tensor/cpu/elementwise.ts";
import { Heap } from "../../../tensor/cpu/heap.ts";
import { Jobs } from "../../../tensor/cpu/jobs.ts";
import type { Gemm } from "../../../tensor/cpu/runtime.ts";
import { ModuleBuilder } from "../../../tensor/cpu/wasm/module.ts";
import { i32 } from "../../../tensor/cpu/wasm/ops.ts";
import { WasmRuntime } from "../../../tensor/cpu/wasm_runtime.ts";
import { type ElementwiseArgs, input } from "../../../tensor/expr/expr.ts";
import { parse } from "../../../tensor/expr/parse.ts";

/** A job that adds 1 to the word of its chunk; on a worker it reads past the heap if the second argument is 1. */
function countingModule(heap: Heap): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(heap.target);
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const address = f.local("i32", i32.add(i32.load(args), i32.shl(chunk, 2)));
    f.if(i32.and(i32.load(args, 4), i32.ne(thread, 0)), () => f.set(address, i32.load(-16)));
    f.do(i32.store(address, i32.add(i32.load(address), 1)));
  }, "run");
  return module.finish();
}

/** Runs jobs until the workers are up; they are started by the first one. */
function awaitWorkers(jobs: Jobs, job: () => void): void {
  const deadline = performance.now() + 20_000;
  while (jobs.workers < jobs.threads - 1) {
    job();
    assert.ok(performance.now() < deadline, "workers do not start");
  }
}

Deno.test("every chunk runs exactly once, whoever takes it", () => {
  const heap = new Heap();
  const jobs = new Jobs(heap, 4);
  const { run } = jobs.load(countingModule(heap), ["run"]);
  const counts = heap.allocate(4 * 10_000);
  const { i32: words } = counts;
  awaitWorkers(jobs, () => jobs.run(run, [counts.ptr, 0], 8));
  for (let round = 0; round < 500; round++) {
    words.fill(0);
    const chunks = 1 + (round * 37) % (round % 10 === 0 ? 10_000 : 1000);
    jobs.run(run, [counts.ptr, 0], chunks);
    assert.ok(words.every((n, i) => n === (i < chunks ? 1 : 0)), `round ${round}`);
  }
  jobs.close();
});

Deno.test("a failure on a worker is an error of the job, and the next job works", () => {
  const heap = new Heap();
  const jobs = new Jobs(heap, 3);
  const { run } = jobs.load(countingModule(heap), ["run"]);
  const counts = heap.allocate(4 * 4000);
  awaitWorkers(jobs, () => jobs.run(run, [counts.ptr, 0], 8));
  let failures = 0;
  for (let round = 0; round < 100; round++) {
    try {
      jobs.run(run, [counts.ptr, 1], 4000);
    } catch (error) {
      assert.match(String(error), /failed on a worker/);
      failures++;
    }
  }
  assert.ok(failures > 0, "no worker took a chunk");
  counts.i32.fill(0);
  jobs.run(run, [counts.ptr, 0], 4000);
  assert.ok(counts.i32.every((n) => n === 1));
  jobs.close();
});

/** Results of products and elementwise kernels on some threads. */
function results(threads: number): Float32Array[] {
  const heap = new Heap({ shared: threads > 1 });
  const jobs = new Jobs(heap, threads);
  const runtime = new WasmRuntime(heap, jobs);
  const filled = (length: number) => {
    const slice = heap.allocate(4 * length);
    slice.f32.forEach((_, i, all) => all[i] = Math.fround(Math.sin(i)));
    return slice;
  };
  const view = (rows: number, columns: number, row: number, col: number) => ({
    ...{ slice: filled(rows * columns), offset: 0, batch: [0, 0] as [number, number], row, col },
  });
  const gemm = (m: number, n: number, k: number): Gemm => ({
    ...{ batch: [1, 1], m, n, k, a: view(m, k, 1, m), b: view(k, n, n, 1), c: view(m, n, n, 1) },
  });
  const products = [gemm(80, 70, 3000), gemm(500, 300, 200), gemm(64, 900, 1100)];
  if (threads > 1) awaitWorkers(jobs, () => runtime.gemm(products[1]));
  for (const p of products) runtime.gemm(p);
  const [x, out] = [filled(100_003), filled(100_003)];
  const args: ElementwiseArgs = {
    shape: [100_003],
    inputs: [{ strides: [1], offset: 0, dtype: "float32" }],
    outputs: [{ offset: 0, dtype: "float32", expr: parse("exp(x) * tanh(x)", { x: input(0) }) }],
    scalars: [],
    counters: [],
  };
  new Elementwise(jobs).run(args, [x], [out]);
  jobs.close();
  return [...products.map((p) => p.c.slice.f32.slice()), out.f32.slice()];
}

Deno.test("results are the same bits on one, two and five threads", () => {
  const one = results(1);
  for (const threads of [2, 5]) {
    results(threads).forEach((values, i) => assert.deepEqual(values, one[i], `${threads} threads, result ${i}`));
  }
});

/** Runs products on three threads in a process of its own, without any permission. */
async function runAlone(before: string, after: string): Promise<void> {
  const url = (path: string) => new URL(`../../../tensor/cpu/${path}`, import.meta.url);
  const script = `
    ${before}
    const { Heap } = await import("${url("heap.ts")}");
    const { Jobs } = await import("${url("jobs.ts")}");
    const { WasmRuntime } = await import("${url("wasm_runtime.ts")}");
    const heap = new Heap();
    const jobs = new Jobs(heap, 3);
    const runtime = new WasmRuntime(heap, jobs);
    const view = () => ({ slice: heap.allocate(4 * 90000), offset: 0, batch: [0, 0], row: 300, col: 1 });
    const product = { batch: [1, 1], m: 300, n: 300, k: 300, a: view(), b: view(), c: view() };
    while (jobs.workers < 2) {
      runtime.gemm(product);
      await new Promise((resolve) => setTimeout(resolve));
    }
    runtime.gemm(product);
    ${after}
    console.log("done");`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, script);
  const args = ["run", "--no-check", "--no-prompt", file];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  await Deno.remove(file);
  assert.equal(new TextDecoder().decode(stdout).trim(), "done", new TextDecoder().decode(stderr));
  assert.equal(code, 0);
}

Deno.test("a process with idle workers ends by itself and asks for no permission", async () => {
  await runAlone("", "");
});

Deno.test("workers start from a blob where there is no node:worker_threads, and end with the device", async () => {
  await runAlone("globalThis.process = undefined;", "jobs.close();");
});
