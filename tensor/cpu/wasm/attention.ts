/**
 * Attention in blocks of query rows: scores by the matrix product into scratch, softmax in place, the product with V.
 * Backward computes the probabilities again from the scores and the rows' log-sum-exp (Dao et al. 2022, arXiv 2205.14135).
 * @module
 */
import {
  addBiasRow,
  addBiasSlopeRow,
  addGateSlope,
  addMaskRow,
  addScaleRow,
  addSlopeRow,
  addSoftmaxRow,
} from "./attention_rows.ts";
import { GEMM_SCRATCH, type GemmFunctions } from "./gemm.ts";
import { ADD_TO_C } from "./gemm_panel.ts";
import { JobArguments } from "./job_arguments.ts";
import { type Body, type Func, type ModuleBuilder, result } from "./module.ts";
import { f32, type I32, i32 } from "./ops.ts";
import type { Local, Value } from "./value.ts";

const OPERANDS = ["q", "k", "v", "out"] as const;
const GRADIENTS = ["dOut", "dq", "dk", "dv"] as const;
const SIZES = [
  ...["heads", "queries", "keys", "headDim", "scale", "kc", "blockRows", "blocks", "scoreRow"] as const,
  ...["lse", "mask", "maskBatch", "maskHead", "maskQuery", "maskKey", "state", "counter", "drop", "keepScale"] as const,
  ...["bias", "biasBatch", "biasHead", "biasQuery", "biasKey", "gate", "gateBatch", "gateHead", "gateQuery"] as const,
  ...["scratch", "stride"] as const,
] as const;
/** Gradients of gates and biases, and the batch items of a chunk. */
const BIAS_GRADIENTS = ["dGate", "dBias", "dBiasBatch", "items"] as const;

type Layouts<N extends string> = N | `${N}Batch` | `${N}Head` | `${N}Time`;

function layoutNames<N extends string>(names: readonly N[]): Layouts<N>[] {
  return names.flatMap((n): Layouts<N>[] => [n, `${n}Batch`, `${n}Head`, `${n}Time`]);
}

/** Arguments of the job `attention`: a chunk is a block of queries of one head. Strides are bytes. */
export const ATTENTION_ARGUMENTS = new JobArguments(...layoutNames(OPERANDS), ...SIZES);
/** Arguments of the job `attentionBackward`: a chunk is one head, of all batch items where the gradient of their common bias is wanted. */
export const ATTENTION_BACKWARD_ARGUMENTS = new JobArguments(
  ...layoutNames([...OPERANDS, ...GRADIENTS]),
  ...SIZES,
  ...BIAS_GRADIENTS,
);

type ForwardNames = Layouts<typeof OPERANDS[number]> | typeof SIZES[number];
type BackwardNames = ForwardNames | Layouts<typeof GRADIENTS[number]> | typeof BIAS_GRADIENTS[number];
type Words<N extends string> = Readonly<Record<N, Local<"i32">>>;

/** Bytes of scratch of a thread: the product's, scores and their gradient, a number for each row and each key. */
export function attentionScratch(blockRows: number, scoreRow: number): number {
  return GEMM_SCRATCH + 2 * blockRows * scoreRow + 4 * blockRows + 64 + scoreRow;
}

/** Functions that attention is made of. */
interface Parts extends Pick<GemmFunctions, "product"> {
  readonly fill: Func;
  readonly maskRow: Func;
  readonly softmaxRow: Func;
  readonly slopeRow: Func;
  readonly scaleRow: Func;
  readonly biasRow: Func;
  readonly biasSlopeRow: Func;
  readonly gateSlope: Func;
}

/** Adds the jobs `attention` and `attentionBackward`; `fill` is that of {@linkcode addPhiloxFill}. */
export function addAttention(module: ModuleBuilder, { product }: GemmFunctions, fill: Func): void {
  const parts: Parts = {
    product,
    fill,
    maskRow: addMaskRow(module),
    softmaxRow: addSoftmaxRow(module),
    slopeRow: addSlopeRow(module),
    scaleRow: addScaleRow(module),
    biasRow: addBiasRow(module),
    biasSlopeRow: addBiasSlopeRow(module),
    gateSlope: addGateSlope(module),
  };
  addForward(module, parts);
  addBackward(module, parts);
}

/** One head: its numbers, and where a thread's scratch lies. */
class Head {
  readonly f: Body;
  readonly words: Words<ForwardNames>;
  readonly batch: Local<"i32">;
  readonly head: Local<"i32">;
  /** Scratch of the matrix product, then scores, their gradients, random numbers of a row, factors of rows. */
  readonly scratch: Local<"i32">;
  readonly scores: Local<"i32">;
  readonly slopes: Local<"i32">;
  readonly random: Local<"i32">;
  readonly factors: Local<"i32">;

  constructor(f: Body, words: Words<ForwardNames>, index: Local<"i32">, thread: Local<"i32">) {
    const local = (value: Value<"i32">) => f.local("i32", value);
    this.f = f;
    this.words = words;
    this.batch = local(i32.divU(index, words.heads));
    this.head = local(i32.sub(index, i32.mul(this.batch, words.heads)));
    const matrix = local(i32.mul(words.blockRows, words.scoreRow));
    this.scratch = local(i32.add(words.scratch, i32.mul(thread, words.stride)));
    this.scores = local(i32.add(this.scratch, GEMM_SCRATCH));
    this.slopes = local(i32.add(this.scores, matrix));
    this.random = local(i32.add(this.slopes, matrix));
    this.factors = local(i32.add(this.random, words.scoreRow));
  }

  /** Address of this head's rows from `time` on. */
  at(base: Local<"i32">, batch: Local<"i32">, head: Local<"i32">, time: Local<"i32">, first: I32 = 0): Local<"i32"> {
    const offset = i32.add(i32.mul(this.batch, batch), i32.mul(this.head, head));
    return this.f.local("i32", i32.add(i32.add(base, offset), i32.mul(first, time)));
  }

  /** Number of a query among all rows of all heads. */
  row(query: Local<"i32">): Local<"i32"> {
    const { heads, queries } = this.words;
    const head = i32.add(i32.mul(this.batch, heads), this.head);
    return this.f.local("i32", i32.add(i32.mul(head, queries), query));
  }

  /** Address of the first bias of a query. */
  #biasAt(query: Local<"i32">): Value<"i32"> {
    const { bias, biasBatch, biasHead, biasQuery } = this.words;
    const head = i32.add(i32.mul(this.batch, biasBatch), i32.mul(this.head, biasHead));
    return i32.add(bias, i32.add(head, i32.mul(query, biasQuery)));
  }

  /** The factor of a query's biases. */
  #gateOf(query: Local<"i32">): Local<"f32"> {
    const { f, words: w } = this;
    const gate = f.local("f32", f32.const(1));
    f.if(w.gate, () => {
      const head = i32.add(i32.mul(this.batch, w.gateBatch), i32.mul(this.head, w.gateHead));
      f.set(gate, f32.load(i32.add(w.gate, i32.add(head, i32.mul(query, w.gateQuery)))));
    });
    return gate;
  }

  /** From a row's dS: its part of the gradients of gate and bias, as far as they are wanted. */
  biasGradients(parts: Parts, words: Words<BackwardNames>, { slope, query, row, item }: {
    slope: Value<"i32">;
    query: Local<"i32">;
    row: Local<"i32">;
    item: Local<"i32">;
  }): void {
    const { f } = this;
    const { dGate, dBias, dBiasBatch, queries, keys, biasKey } = words;
    f.if(dGate, () => {
      const sum = result("f32", parts.gateSlope, slope, this.#biasAt(query), biasKey, keys);
      f.do(f32.store(i32.add(dGate, i32.shl(row, 2)), sum));
    });
    f.if(dBias, () => {
      const place = i32.shl(i32.mul(i32.add(i32.mul(this.head, queries), query), keys), 2);
      const to = i32.add(dBias, i32.add(i32.mul(this.batch, dBiasBatch), place));
      f.call(parts.biasSlopeRow, to, slope, keys, this.#gateOf(query), item);
    });
  }

  /** Adds biases to one row of scores, masks it and makes its random numbers ready; returns their address, 0 without dropout. */
  prepareRow(parts: Parts, scores: Local<"i32">, query: Local<"i32">, row: Local<"i32">): Local<"i32"> {
    const { f, words: w } = this;
    f.if(w.bias, () => f.call(parts.biasRow, scores, this.#biasAt(query), w.biasKey, w.keys, this.#gateOf(query)));
    const mask = f.local("i32", w.mask);
    f.if(w.mask, () => {
      const offset = i32.add(i32.mul(this.batch, w.maskBatch), i32.mul(this.head, w.maskHead));
      f.step(mask, i32.add(offset, i32.mul(query, w.maskQuery)));
    });
    f.call(parts.maskRow, scores, mask, w.maskKey, w.keys);
    const random = f.local("i32", i32.const(0));
    f.if(w.state, () => {
      const blocks = f.local("i32", i32.shrU(i32.add(w.keys, 15), 4));
      f.set(random, this.random);
      f.call(parts.fill, random, w.state, w.counter, i32.mul(row, blocks), blocks);
    });
    return random;
  }
}

/** Arguments of a product after its sizes: what is added, no bias, the scale, no clipping, scratch. */
function rest(add: I32, scale: Value<"f32">, head: Head): (Value<"i32"> | Value<"f32"> | number)[] {
  return [typeof add === "number" ? i32.const(add) : add, 0, scale, f32.const(-Infinity), head.scratch];
}

function addForward(module: ModuleBuilder, parts: Parts): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const w = ATTENTION_ARGUMENTS.read(f, args);
    const floats = ATTENTION_ARGUMENTS.readFloats(f, args, ["scale", "drop", "keepScale"]);
    const index = f.local("i32", i32.divU(chunk, w.blocks));
    const first = f.local("i32", i32.mul(i32.sub(chunk, i32.mul(index, w.blocks)), w.blockRows));
    const rows = f.local("i32", i32.minS(w.blockRows, i32.sub(w.queries, first)));
    const head = new Head(f, w, index, thread);
    const q = head.at(w.q, w.qBatch, w.qHead, w.qTime, first);
    const k = head.at(w.k, w.kBatch, w.kHead, w.kTime);
    const v = head.at(w.v, w.vBatch, w.vHead, w.vTime);
    const out = head.at(w.out, w.outBatch, w.outHead, w.outTime, first);
    const { scores } = head;
    const one = f32.const(1);
    const toScores = [scores, w.scoreRow, rows, w.keys, w.headDim, w.headDim, ...rest(0, floats.scale, head)];
    f.call(parts.product, q, w.qTime, 4, k, 4, w.kTime, ...toScores);
    const i = f.local("i32");
    f.for(i, 0, rows, 1, () => {
      const score = f.local("i32", i32.add(scores, i32.mul(i, w.scoreRow)));
      const query = f.local("i32", i32.add(first, i));
      const row = head.row(query);
      const random = head.prepareRow(parts, score, query, row);
      const [lse, factor] = [i32.add(w.lse, i32.shl(row, 2)), i32.add(head.factors, i32.shl(i, 2))];
      f.call(parts.softmaxRow, score, w.keys, lse, factor, random, floats.drop, floats.keepScale);
    });
    const toOut = [out, w.outTime, rows, w.headDim, w.keys, w.kc, ...rest(0, one, head)];
    f.call(parts.product, scores, w.scoreRow, 4, v, w.vTime, 4, ...toOut);
    f.for(i, 0, rows, 1, () => {
      f.call(parts.scaleRow, i32.add(out, i32.mul(i, w.outTime)), w.headDim, i32.add(head.factors, i32.shl(i, 2)));
    });
  }, "attention");
}

function addBackward(module: ModuleBuilder, parts: Parts): void {
  const backwardHead = addBackwardHead(module, parts);
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const { items, heads } = ATTENTION_BACKWARD_ARGUMENTS.read(f, args);
    const item = f.local("i32");
    f.for(item, 0, items, 1, () => f.call(backwardHead, args, i32.add(chunk, i32.mul(item, heads)), thread, item));
  }, "attentionBackward");
}

/** Adds `backwardHead(args, index, thread, item)`: all gradients of one head of one batch item, the chunk's `item`th. */
function addBackwardHead(module: ModuleBuilder, parts: Parts): Func {
  return module.func(["i32", "i32", "i32", "i32"], (f, args, index, thread, item) => {
    const w: Words<BackwardNames> = ATTENTION_BACKWARD_ARGUMENTS.read(f, args);
    const floats = ATTENTION_BACKWARD_ARGUMENTS.readFloats(f, args, ["scale", "drop", "keepScale"]);
    const head = new Head(f, w, index, thread);
    const biasWanted = f.hoist(i32.or(i32.load(args, place("dGate")), i32.load(args, place("dBias"))));
    const slopeScale = f.local("f32", f32.select(f32.const(1), floats.scale, biasWanted));
    const [k, v] = [head.at(w.k, w.kBatch, w.kHead, w.kTime), head.at(w.v, w.vBatch, w.vHead, w.vTime)];
    const [dk, dv] = [head.at(w.dk, w.dkBatch, w.dkHead, w.dkTime), head.at(w.dv, w.dvBatch, w.dvHead, w.dvTime)];
    const [first, i] = [f.local("i32"), f.local("i32")];
    f.for(first, 0, w.queries, w.blockRows, () => {
      const rows = f.local("i32", i32.minS(w.blockRows, i32.sub(w.queries, first)));
      const q = head.at(w.q, w.qBatch, w.qHead, w.qTime, first);
      const dq = head.at(w.dq, w.dqBatch, w.dqHead, w.dqTime, first);
      const out = head.at(w.out, w.outBatch, w.outHead, w.outTime, first);
      const dOut = head.at(w.dOut, w.dOutBatch, w.dOutHead, w.dOutTime, first);
      const { scores, slopes } = head;
      const square = [w.scoreRow, rows, w.keys, w.headDim, w.headDim] as const;
      f.call(parts.product, q, w.qTime, 4, k, 4, w.kTime, scores, ...square, ...rest(0, floats.scale, head));
      f.call(parts.product, dOut, w.dOutTime, 4, v, 4, w.vTime, slopes, ...square, ...rest(0, f32.const(1), head));
      f.for(i, 0, rows, 1, () => {
        const at = f.local("i32", i32.mul(i, w.scoreRow));
        const [score, slope] = [f.local("i32", i32.add(scores, at)), f.local("i32", i32.add(slopes, at))];
        const query = f.local("i32", i32.add(first, i));
        const row = head.row(query);
        const random = head.prepareRow(parts, score, query, row);
        const lse = i32.add(w.lse, i32.shl(row, 2));
        const [o, d] = [i32.add(out, i32.mul(i, w.outTime)), i32.add(dOut, i32.mul(i, w.dOutTime))];
        const { drop, keepScale } = floats;
        f.call(parts.slopeRow, score, slope, w.keys, lse, o, d, w.headDim, random, drop, keepScale, slopeScale);
        f.if(biasWanted, () => {
          head.biasGradients(parts, w, { slope, query, row, item });
          f.call(parts.scaleRow, slope, w.keys, i32.add(args, place("scale")));
        });
      });
      const add = f.local("i32", i32.select(ADD_TO_C, 0, first));
      const toKeys = [w.keys, w.headDim, rows, rows, ...rest(add, f32.const(1), head)];
      f.call(parts.product, scores, 4, w.scoreRow, dOut, w.dOutTime, 4, dv, w.dvTime, ...toKeys);
      f.call(parts.product, slopes, 4, w.scoreRow, q, w.qTime, 4, dk, w.dkTime, ...toKeys);
      const toQueries = [rows, w.headDim, w.keys, w.kc, ...rest(0, f32.const(1), head)];
      f.call(parts.product, slopes, w.scoreRow, 4, k, w.kTime, 4, dq, w.dqTime, ...toQueries);
    });
  });
}

/** Where an argument of the backward job stands in its block, in bytes. */
function place(name: BackwardNames): number {
  return 4 * ATTENTION_BACKWARD_ARGUMENTS.names.indexOf(name);
}
