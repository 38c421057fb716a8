import assert from "node:assert/strict";
import type { GpuPlan } from "../../../tensor/device/kernel.ts";
import type { AttentionArgs, AttentionBackwardArgs, HeadLayout } from "../../../tensor/ops/attention_kernel.ts";
import {
  attentionBackwardGpu,
  attentionBackwardNaiveGpu,
  attentionGpu,
  attentionNaiveGpu,
} from "../../../tensor/ops/attention.wgsl.ts";
import { attentionBackwardRegisterGpu } from "../../../tensor/ops/attention_backward_register.wgsl.ts";
import { attentionRegisterGpu } from "../../../tensor/ops/attention_register.wgsl.ts";
import { GpuRunner, hardwareTraits, softwareTraits } from "../gpu_runner.ts";
import { attentionOracle, maskAt } from "./attention_oracle.ts";

interface Variant {
  readonly forward: (args: AttentionArgs) => GpuPlan;
  readonly backward: (args: AttentionBackwardArgs) => GpuPlan;
}

const chosen: Record<string, Variant> = {
  naive: { forward: attentionNaiveGpu, backward: attentionBackwardNaiveGpu },
  software: {
    forward: (args) => attentionGpu(args, softwareTraits),
    backward: (args) => attentionBackwardGpu(args, softwareTraits),
  },
  hardware: {
    forward: (args) => attentionGpu(args, hardwareTraits),
    backward: (args) => attentionBackwardGpu(args, hardwareTraits),
  },
};

interface Case {
  /** Run by every variant, forced ones too. */
  readonly all?: true;
  readonly batch?: number;
  readonly heads?: number;
  readonly queries: number;
  readonly keys: number;
  readonly headDim: number;
  /** Rows of the mask: none, one for each batch item, or one for every query of every head. */
  readonly mask?: "keys" | "full";
  readonly dropout?: number;
  /** q, k and v (and their gradients) interleaved in one buffer, (batch, time, 3, heads, headDim). Needs queries = keys. */
  readonly packed?: boolean;
  /** Scores spread wider by this. */
  readonly spread?: number;
  /** Biases: by distance (a view of a table), for every pair of a head, or for every pair of a batch item. */
  readonly bias?: "distance" | "pairs" | "items";
  readonly gate?: true;
  /** Which of the two gradients is not wanted. */
  readonly frozen?: "bias" | "gate";
}

/** Tiles that are otherwise chosen for larger problems than a test should run. */
const forced: Record<string, Variant> = Object.fromEntries([4, 8].map((rows) => [`software, ${rows} rows`, {
  forward: (args) => attentionRegisterGpu(args, rows),
  backward: (args) => attentionBackwardRegisterGpu(args, rows),
}]));
const variants = { ...chosen, ...forced };

const STATE = [0x12345678, -77, 1000, 3];

/** (batch, time, heads, headDim): the layout a projection leaves. */
function interleaved(offset: number, time: number, heads: number, headDim: number, parts = 1): HeadLayout {
  const row = heads * headDim * parts;
  return { offset, batch: time * row, head: headDim, time: row };
}

/** (batch, heads, time, headDim). */
function headMajor(time: number, heads: number, headDim: number): HeadLayout {
  return { offset: 0, batch: heads * time * headDim, head: time * headDim, time: headDim };
}

function toArgs(shape: Case): AttentionBackwardArgs {
  const { batch = 2, heads = 3, queries, keys, headDim, packed = false, bias, gate, frozen } = shape;
  const width = queries + keys - 1;
  const biasStrides = {
    distance: [0, width, -1, 1],
    pairs: [0, queries * keys + 3, keys, 1],
    items: [heads * queries * keys, queries * keys, 1, queries],
  } as const;
  const part = (i: number) => interleaved(i * heads * headDim, queries, heads, headDim, 3);
  const [q, k, v] = packed
    ? [part(0), part(1), part(2)]
    : [interleaved(0, queries, heads, headDim), headMajor(keys, heads, headDim), interleaved(5, keys, heads, headDim)];
  const strides = { keys: [keys, 0, 0, 1], full: [heads * queries * keys, queries * keys, keys, 1] } as const;
  return {
    ...{ batch, heads, queries, keys, headDim, packed, q, k, v, dq: q, dk: k, dv: v },
    scale: (shape.spread ?? 1) / Math.sqrt(headDim),
    out: interleaved(0, queries, heads, headDim),
    mask: shape.mask ? { offset: 2, strides: strides[shape.mask] } : null,
    dropout: shape.dropout ?? 0,
    counter: 9,
    bias: bias ? { offset: bias === "distance" ? queries - 1 : 1, strides: biasStrides[bias] } : null,
    gate: gate ? { offset: 2, strides: [queries * heads, 1, heads] } : null,
    dBias: bias === undefined || frozen === "bias" ? 0 : bias === "items" ? batch : 1,
    dGate: gate !== undefined && frozen !== "gate",
  };
}

/** Roughly normal numbers, the same on every run. */
function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
  return Float32Array.from({ length: count }, () => next() + next() + next());
}

/** Item 0 loses its last third of keys; with a full mask, odd elements of the others and all of their last row. */
function makeMask(args: AttentionArgs, kind: "keys" | "full"): Int32Array<ArrayBuffer> {
  const { batch, heads, queries, keys } = args;
  const rows = kind === "keys" ? 1 : heads * queries;
  const mask = new Int32Array(2 + batch * rows * keys);
  for (let z = 0; z < batch; z++) {
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < keys; j++) {
        const last = kind === "full" && row % queries === queries - 1;
        const masked = z === 0
          ? j >= keys - Math.floor(keys / 3)
          : kind === "full" && (last || (row * 5 + j) % 3 === 1);
        mask[2 + (z * rows + row) * keys + j] = masked ? 1 : 0;
      }
    }
  }
  return mask;
}

function extent(layout: HeadLayout, { batch, heads, headDim }: AttentionArgs, time: number): number {
  return layout.offset + (batch - 1) * layout.batch + (heads - 1) * layout.head + (time - 1) * layout.time + headDim;
}

function compare(name: string, shape: Case, what: string, actual: Float32Array, expected: Float32Array): void {
  // A weight's relative error is the absolute error of its score, which grows with the score.
  const tolerance = 5e-6 * (shape.spread ?? 1);
  let largest = 1e-3;
  for (const value of expected) largest = Math.max(largest, Math.abs(value));
  assert.equal(actual.length, expected.length);
  const wrong = expected.findIndex((value, i) => !(Math.abs(actual[i] - value) <= tolerance * largest));
  const where = `${name} ${JSON.stringify(shape)} ${what}`;
  assert.equal(wrong, -1, `${where}: element ${wrong} is ${actual[wrong]}, not ${expected[wrong]}`);
}

async function check(runner: GpuRunner, name: string, shape: Case): Promise<void> {
  const args = toArgs(shape);
  const sizes = [
    extent(args.q, args, args.queries),
    extent(args.k, args, args.keys),
    extent(args.v, args, args.keys),
  ];
  const shared = numbers(Math.max(...sizes), 1);
  const [q, k, v] = shape.packed ? [shared, shared, shared] : sizes.map((size, i) => numbers(size, i + 1));
  const mask = shape.mask ? makeMask(args, shape.mask) : null;
  const { batch, heads, queries, keys } = args;
  const bias = args.bias ? numbers(3 + (batch * heads + 1) * (queries + 3) * (keys + 3), 5) : null;
  const gate = args.gate ? numbers(2 + batch * heads * queries, 6) : null;
  const state = args.dropout ? Int32Array.from(STATE) : null;
  const tail = [mask, state, bias, gate].filter((array) => array !== null);
  const outSize = extent(args.out, args, args.queries);
  const dOut = numbers(outSize, 4);
  const expected = attentionOracle(args, { q, k, v, dOut, mask, state: STATE, bias, gate });
  const rows = batch * heads * queries;
  const [out, logSumExp] = await runner.run(
    variants[name].forward(args),
    [q, k, v, ...tail],
    [new Float32Array(outSize), new Float32Array(rows)],
  );
  compare(name, shape, "out", out, expected.out);
  const wanted = [
    ...(shape.packed ? ["dq"] as const : ["dq", "dk", "dv"] as const),
    ...(args.dGate ? ["dGate"] as const : []),
    ...(args.dBias ? ["dBias"] as const : []),
  ];
  const backward = await runner.run(
    variants[name].backward(args),
    [q, k, v, expected.out, dOut, logSumExp as Float32Array<ArrayBuffer>, ...tail],
    wanted.map((gradient) => new Float32Array(expected[gradient].length)),
  );
  wanted.forEach((gradient, i) => compare(name, shape, gradient, backward[i], expected[gradient]));
}

const cases: Case[] = [
  { queries: 1, keys: 1, headDim: 5 },
  { queries: 63, keys: 63, headDim: 8 },
  { queries: 64, keys: 64, headDim: 20, packed: true },
  { all: true, queries: 65, keys: 65, headDim: 32, packed: true, mask: "keys" },
  { queries: 33, keys: 70, headDim: 40, mask: "keys" },
  { queries: 70, keys: 33, headDim: 64, mask: "full" },
  { all: true, queries: 17, keys: 40, headDim: 7, mask: "full", dropout: 0.25 },
  { queries: 128, keys: 128, headDim: 20, dropout: 0.1, packed: true },
  { queries: 257, keys: 257, headDim: 40, batch: 1, heads: 2, mask: "keys", dropout: 0.5 },
  { all: true, queries: 1, keys: 257, headDim: 16, spread: 12 },
  { queries: 257, keys: 1, headDim: 5, batch: 1 },
  { queries: 130, keys: 1100, headDim: 8, batch: 1, heads: 1, mask: "keys", dropout: 0.2 },
  { queries: 50, keys: 50, headDim: 20, spread: 30, packed: true, mask: "full" },
  { queries: 1, keys: 2, headDim: 5, bias: "pairs", gate: true },
  { all: true, queries: 65, keys: 63, headDim: 7, bias: "distance", gate: true, mask: "keys", dropout: 0.25 },
  { queries: 64, keys: 64, headDim: 8, bias: "items", gate: true, dropout: 0.1, packed: true, mask: "full" },
  { queries: 149, keys: 149, headDim: 8, batch: 1, bias: "distance", gate: true, frozen: "bias" },
  { queries: 257, keys: 30, headDim: 8, heads: 1, bias: "pairs" },
];

for (const name of Object.keys(variants)) {
  Deno.test(`attention ${name} equals softmax attention in float64, forward and backward`, async () => {
    const runner = await GpuRunner.open();
    if (!runner) return;
    for (const shape of cases) if (name in chosen || shape.all) await check(runner, name, shape);
    runner.close();
  });
}

Deno.test("the masks under test have a row with every key masked", () => {
  const args = toArgs({ queries: 4, keys: 5, headDim: 2, mask: "full" });
  const mask = makeMask(args, "full");
  assert.ok([0, 1, 2, 3, 4].every((j) => maskAt(args, mask, 1, 0, 3, j)));
});
