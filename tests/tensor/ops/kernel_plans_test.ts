import assert from "node:assert/strict";
import type { GpuPlan, GpuTraits } from "../../../tensor/device/kernel.ts";
import type { AttentionBackwardArgs } from "../../../tensor/ops/attention_kernel.ts";
import {
  attentionBackwardGpu,
  attentionBackwardNaiveGpu,
  attentionGpu,
  attentionNaiveGpu,
} from "../../../tensor/ops/attention.wgsl.ts";
import { channelDotsPlan, channelMomentsPlan } from "../../../tensor/ops/channels.wgsl.ts";
import type { MatmulArgs } from "../../../tensor/ops/matmul_kernel.ts";
import { matmulGpu, matmulNaiveGpu } from "../../../tensor/ops/matmul.wgsl.ts";
import type { PoolArgs } from "../../../tensor/ops/pool.ts";
import { poolBackwardPlan, poolPlan } from "../../../tensor/ops/pool.wgsl.ts";
import { hardwareTraits, softwareTraits } from "../gpu_runner.ts";

/** (batch, heads, time, headDim) attention with everything on. */
function attention(time: number, headDim: number, packed: boolean): AttentionBackwardArgs {
  const layout = { offset: 0, batch: 4 * time * headDim, head: time * headDim, time: headDim };
  return {
    ...{ batch: 4, heads: 4, queries: time, keys: time, headDim, scale: 1, dropout: 0.1, counter: 0, packed },
    ...{ q: layout, k: layout, v: layout, out: layout, dq: layout, dk: layout, dv: layout },
    mask: { offset: 0, strides: [time, 0, 0, 1] },
    bias: { offset: time - 1, strides: [0, 2 * time - 1, -1, 1] },
    gate: { offset: 0, strides: [4 * time, time, 1] },
    ...{ dGate: true, dBias: 1 },
  };
}

function matmul(m: number, n: number, k: number, transpose: boolean): MatmulArgs {
  const at = (row: number, col: number) => ({ offset: 0, batch: [0, 0], row, col }) as const;
  return {
    ...{ batch: [1, 1], m, n, k, alpha: 1, bias: 0, activation: "relu" },
    ...(transpose ? { a: at(1, m), b: at(1, k) } : { a: at(k, 1), b: at(n, 1) }),
    c: at(n, 1),
  };
}

function channels(outer: number, channels: number, inner: number, channelsLast: boolean, masked: boolean) {
  const layout = { outer, channels, inner, time: masked ? inner : 1, channelsLast, masked };
  return { ...layout, eps: 1e-5, momentum: 0.1, running: true, tracked: true };
}

function pool(op: "max" | "average", planes: number, size: number, kernel: number): PoolArgs {
  const stride = Math.max(1, kernel);
  const axis = { size, out: kernel === 0 ? 3 : Math.floor(size / stride), kernel, stride, padding: 0, dilation: 1 };
  return { op, planes, rows: axis, columns: axis, countIncludePad: true, indices: op === "max" };
}

function eachPlan(check: (plan: GpuPlan) => void): void {
  for (const traits of [softwareTraits, hardwareTraits]) {
    for (const transpose of [false, true]) {
      for (const [m, n, k] of [[1, 1, 1], [2048, 240, 80], [80, 240, 2048], [7, 9, 70_000], [5_000_000, 1, 3]]) {
        check(matmulGpu(matmul(m, n, k, transpose), traits));
        check(matmulNaiveGpu(matmul(m, n, k, transpose)));
      }
    }
    for (
      const [outer, count, inner] of [[1, 1, 1], [8, 64, 29_820], [128, 512, 200], [1, 100_000, 5], [4000, 2, 900]]
    ) {
      for (const channelsLast of [false, true]) {
        for (const masked of [false, true]) {
          check(channelMomentsPlan(channels(outer, count, inner, channelsLast, masked), traits));
          check(channelDotsPlan(channels(outer, count, inner, channelsLast, masked), traits));
        }
      }
    }
    for (const [planes, size, kernel] of [[1, 1, 1], [512, 400, 2], [100_000, 9, 3], [3, 50, 0]]) {
      for (const op of ["max", "average"] as const) {
        check(poolPlan(pool(op, planes, size, kernel), traits));
        check(poolBackwardPlan(pool(op, planes, size, kernel), traits));
      }
    }
    for (const [time, headDim] of [[1, 5], [128, 20], [1500, 64], [33, 128], [16, 200]]) {
      for (const packed of [false, true]) {
        const everything = attention(time, headDim, packed);
        const plain = { ...everything, bias: null, gate: null, dGate: false, dBias: 0 };
        for (const args of [everything, plain, { ...everything, mask: null, dropout: 0 }]) {
          for (const make of [attentionGpu, attentionBackwardGpu]) check(make(args, traits));
          for (const make of [attentionNaiveGpu, attentionBackwardNaiveGpu]) check(make(args));
        }
      }
    }
  }
}

/** Access of each storage binding as the source declares it. */
function accesses(source: string): string[] {
  return [...source.matchAll(/@binding\((\d+)\) var<storage, (read|read_write)>/g)].map((match) => match[2]);
}

Deno.test("every dispatch keeps to 8 storage bindings and 65,535 workgroups a dimension", () => {
  eachPlan(({ dispatches }) => {
    for (const { label, bindings, grid, source } of dispatches) {
      assert.ok(bindings.length <= 8, label);
      assert.equal(accesses(source).length, bindings.length, label);
      assert.ok(grid.every((size) => Number.isInteger(size) && size >= 1 && size <= 65535), `${label}: ${grid}`);
    }
  });
});

Deno.test("no dispatch reads and writes one buffer", () => {
  eachPlan(({ dispatches }) => {
    for (const { label, bindings, source } of dispatches) {
      const kinds = accesses(source);
      const written = bindings.filter((_, i) => kinds[i] === "read_write");
      const read = bindings.filter((_, i) => kinds[i] === "read");
      assert.equal(new Set(written).size, written.length, label);
      assert.ok(written.every((index) => !read.includes(index)), label);
    }
  });
});

Deno.test("pipelines do not depend on sizes", () => {
  const sources = (plan: GpuPlan) => plan.dispatches.map(({ source }) => source);
  for (const traits of [softwareTraits, hardwareTraits] satisfies GpuTraits[]) {
    const product = (m: number) => sources(matmulGpu(matmul(m, 240, 80, false), traits));
    assert.deepEqual(product(2048), product(1920));
    for (const make of [attentionGpu, attentionBackwardGpu]) {
      assert.deepEqual(sources(make(attention(128, 20, true), traits)), sources(make(attention(97, 20, true), traits)));
    }
  }
});

Deno.test("scratch of attention does not grow with the square of its length", () => {
  const bytes = (time: number) => {
    const { scratch = [] } = attentionBackwardGpu({ ...attention(time, 64, false), dropout: 0 }, softwareTraits);
    return scratch.reduce((sum, size) => sum + size, 0);
  };
  assert.ok(bytes(1500) < 20 * bytes(75) * 1.1);
});
