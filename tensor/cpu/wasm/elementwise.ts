/**
 * Emits the loop of an elementwise kernel. Sizes, strides, scalars and addresses come in a block of arguments at run time; the number of
 * axes, the expressions and how each input moves along the last axis are compiled in.
 * @module
 */
import { apply, type ElementwiseArgs, type Expr, walk } from "../../expr/expr.ts";
import { ExpressionLowering, type Leaves } from "./expression.ts";
import { type Body, type Func, ModuleBuilder, type Target } from "./module.ts";
import { f32, f32x4, i32, type V128, v128 } from "./ops.ts";
import { addPhiloxFill } from "./philox.ts";
import type { Local } from "./value.ts";
import { type HostMath, importHostMath } from "./vec_math64.ts";

/** How an input moves along the last axis: not at all, to the next element, or by any stride. */
export type StrideClass = "repeat" | "next" | "any";

type RandomNode = Extract<Expr, { op: "random" }>;

/** Elements that random numbers are made ready for at once. */
const RANDOM_SEGMENT = 1024;
/** Bytes of scratch a thread needs for one random number node: a segment and its ends, rounded to blocks of 16. */
export const RANDOM_BYTES = 4 * (RANDOM_SEGMENT + 32);

/** Word numbers in the block of arguments. */
export class ElementwiseLayout {
  static readonly total = 0;
  static readonly chunk = 1;
  static readonly inner = 2;
  static readonly scratch = 3;
  static readonly scratchStride = 4;
  /** Sizes of all axes but the last. */
  readonly sizes = 5;
  readonly outputs: number;
  /** Addresses of the inputs. */
  readonly inputs: number;
  /** Byte strides, all axes of input 0, then of input 1, … */
  readonly strides: number;
  readonly scalars: number;
  /** (address of the state, counter) of each random node. */
  readonly randoms: number;
  readonly words: number;
  readonly axes: number;
  readonly randomNodes: readonly RandomNode[];

  constructor(args: ElementwiseArgs) {
    this.axes = Math.max(1, args.shape.length);
    this.randomNodes = randomNodes(args);
    this.outputs = this.sizes + this.axes - 1;
    this.inputs = this.outputs + args.outputs.length;
    this.strides = this.inputs + args.inputs.length;
    this.scalars = this.strides + args.inputs.length * this.axes;
    this.randoms = this.scalars + args.scalars.length;
    this.words = this.randoms + 2 * this.randomNodes.length;
  }
}

/** Random nodes with different numbers. */
function randomNodes(args: ElementwiseArgs): RandomNode[] {
  const found = new Map<string, RandomNode>();
  walk(args.outputs.map((o) => o.expr), (node) => {
    if (node.op === "random") found.set(randomKey(node), node);
  });
  return [...found.values()];
}

const randomKey = (node: RandomNode): string => `${node.state},${node.counter}`;

/** Words of arguments that a loop reads. */
function word(args: Local<"i32">, index: number) {
  return i32.load(args, 4 * index);
}

/** Emission of one kernel: the state shared by its parts. */
class ElementwiseEmitter {
  readonly #f: Body;
  readonly #args: Local<"i32">;
  readonly #layout: ElementwiseLayout;
  readonly #classes: readonly StrideClass[];
  readonly #lowering: ExpressionLowering;
  readonly #fill: Func | null;
  /** Addresses of the inputs' current row. */
  readonly #rows: readonly Local<"i32">[];
  /** Addresses within the row, of inputs, outputs and random numbers. */
  readonly #inputs: readonly Local<"i32">[];
  readonly #outputs: readonly Local<"i32">[];
  readonly #randoms: readonly Local<"i32">[];
  readonly #repeated: readonly (Local<"v128"> | null)[];
  readonly #used: readonly boolean[];
  readonly #roots: readonly Expr[];

  constructor(
    f: Body,
    args: Local<"i32">,
    kernel: ElementwiseArgs,
    classes: readonly StrideClass[],
    parts: { target: Target; host: HostMath; fill: Func | null },
  ) {
    const address = () => f.local("i32");
    this.#f = f;
    this.#args = args;
    this.#layout = new ElementwiseLayout(kernel);
    this.#classes = classes;
    this.#lowering = new ExpressionLowering(f, parts.target, parts.host);
    this.#fill = parts.fill;
    this.#rows = kernel.inputs.map(address);
    this.#inputs = kernel.inputs.map(address);
    this.#outputs = kernel.outputs.map(address);
    this.#randoms = this.#layout.randomNodes.map(address);
    this.#repeated = classes.map((c) => c === "repeat" ? f.local("v128") : null);
    this.#roots = kernel.outputs.map((o) => apply(o.dtype === "float32" ? "float" : "int", [o.expr]));
    const used = new Set<number>();
    walk(this.#roots, (n) => n.op === "input" && used.add(n.index));
    this.#used = kernel.inputs.map((_, i) => used.has(i));
  }

  /** The elements [chunk·size, (chunk+1)·size), row by row. */
  emit(chunk: Local<"i32">, thread: Local<"i32">): void {
    const f = this.#f;
    const position = f.local("i32", i32.mul(chunk, word(this.#args, ElementwiseLayout.chunk)));
    const end = f.local("i32", i32.add(position, word(this.#args, ElementwiseLayout.chunk)));
    const total = f.local("i32", word(this.#args, ElementwiseLayout.total));
    f.if(i32.gtU(end, total), () => f.set(end, total));
    const inner = f.local("i32", word(this.#args, ElementwiseLayout.inner));
    const row = f.local("i32", i32.divU(position, inner));
    const column = f.local("i32", i32.sub(position, i32.mul(row, inner)));
    const indices = this.#startRow(row);
    const count = f.local("i32");
    const scratch = this.#fill === null ? null : f.local(
      "i32",
      i32.add(
        word(this.#args, ElementwiseLayout.scratch),
        i32.mul(thread, word(this.#args, ElementwiseLayout.scratchStride)),
      ),
    );
    f.while(i32.ltU(position, end), () => {
      f.set(count, i32.minS(i32.sub(inner, column), i32.sub(end, position)));
      if (scratch !== null) {
        f.set(count, i32.minS(count, RANDOM_SEGMENT));
        this.#prepareRandom(position, count, scratch);
      }
      this.#segment(position, column, count);
      f.step(position, count);
      f.step(column, count);
      if (indices.length > 0) this.#nextRow(indices, column, inner);
    });
  }

  #stride(input: number, axis: number) {
    return word(this.#args, this.#layout.strides + input * this.#layout.axes + axis);
  }

  /** Takes a row number apart into indices and sets the rows' addresses. */
  #startRow(row: Local<"i32">): Local<"i32">[] {
    const f = this.#f;
    this.#rows.forEach((p, i) => this.#used[i] && f.set(p, word(this.#args, this.#layout.inputs + i)));
    const indices: Local<"i32">[] = [];
    for (let axis = this.#layout.axes - 2; axis >= 0; axis--) {
      const size = word(this.#args, this.#layout.sizes + axis);
      indices[axis] = f.local("i32", i32.remU(row, size));
      f.set(row, i32.divU(row, size));
      this.#rows.forEach((p, i) => this.#used[i] && f.step(p, i32.mul(indices[axis], this.#stride(i, axis))));
    }
    return indices;
  }

  /** At the end of a row: one step on the last outer axis, carrying over to those before it. */
  #nextRow(indices: readonly Local<"i32">[], column: Local<"i32">, inner: Local<"i32">): void {
    const f = this.#f;
    const carry = (axis: number): void => {
      if (axis < 0) return;
      const size = word(this.#args, this.#layout.sizes + axis);
      f.step(indices[axis], 1);
      this.#rows.forEach((p, i) => this.#used[i] && f.step(p, this.#stride(i, axis)));
      if (axis === 0) return;
      f.if(i32.eq(indices[axis], size), () => {
        f.set(indices[axis], 0);
        this.#rows.forEach((p, i) => this.#used[i] && f.set(p, i32.sub(p, i32.mul(size, this.#stride(i, axis)))));
        carry(axis - 1);
      });
    };
    f.if(i32.eq(column, inner), () => {
      f.set(column, 0);
      carry(indices.length - 1);
    });
  }

  #prepareRandom(position: Local<"i32">, count: Local<"i32">, scratch: Local<"i32">): void {
    const f = this.#f;
    const fill = this.#fill;
    if (fill === null) return;
    const block = f.local("i32", i32.shrU(position, 4));
    const blocks = f.local("i32", i32.sub(i32.shrU(i32.add(i32.add(position, count), 15), 4), block));
    this.#randoms.forEach((p, n) => {
      const at = this.#layout.randoms + 2 * n;
      const to = f.local("i32", i32.add(scratch, n * RANDOM_BYTES));
      f.call(fill, to, word(this.#args, at), word(this.#args, at + 1), block, blocks);
      f.set(p, i32.add(to, i32.shl(i32.and(position, 15), 2)));
    });
  }

  /** `count` elements of one row from `column` on. */
  #segment(position: Local<"i32">, column: Local<"i32">, count: Local<"i32">): void {
    const f = this.#f;
    const last = this.#layout.axes - 1;
    this.#inputs.forEach((p, i) => {
      if (!this.#used[i]) return;
      const repeated = this.#repeated[i];
      if (repeated !== null) f.set(repeated, v128.load32Splat(this.#rows[i]));
      else f.set(p, i32.add(this.#rows[i], i32.mul(column, this.#stride(i, last))));
    });
    this.#outputs.forEach((p, o) => {
      f.set(p, i32.add(word(this.#args, this.#layout.outputs + o), i32.shl(position, 2)));
    });
    const left = f.local("i32", count);
    const unroll = this.#unroll();
    if (unroll > 1) this.#loop(left, 4 * unroll, () => this.#vectors(unroll));
    this.#loop(left, 4, () => this.#vectors(1));
    this.#loop(left, 1, () => this.#single());
  }

  #loop(left: Local<"i32">, width: number, body: () => void): void {
    this.#f.while(i32.geS(left, width), () => {
      body();
      this.#advance(width);
      this.#f.step(left, -width);
    });
  }

  /** Short expressions over plain rows are worth four vectors a round. */
  #unroll(): number {
    let nodes = 0;
    walk(this.#roots, (n) => nodes += "args" in n && n.args.length > 0 ? 1 : 0);
    return nodes <= 8 && this.#classes.every((c) => c !== "any") ? 4 : 1;
  }

  #advance(width: number): void {
    const last = this.#layout.axes - 1;
    this.#inputs.forEach((p, i) => {
      if (!this.#used[i] || this.#classes[i] === "repeat") return;
      const stride = this.#f.hoist(this.#stride(i, last));
      this.#f.step(p, this.#classes[i] === "next" ? 4 * width : i32.mul(stride, width));
    });
    for (const p of [...this.#outputs, ...this.#randoms]) this.#f.step(p, 4 * width);
  }

  #vectors(count: number): void {
    for (let v = 0; v < count; v++) {
      const values = this.#values((i) => this.#load(i, 16 * v), (p) => v128.load(p, 16 * v));
      values.forEach((x, o) => this.#f.do(v128.store(this.#outputs[o], x, 16 * v)));
    }
  }

  /** One element in every lane, for the end of a row: nothing past it may be read. */
  #single(): void {
    const values = this.#values((i) => v128.load32Splat(this.#inputs[i]), (p) => v128.load32Splat(p));
    values.forEach((x, o) => this.#f.do(v128.store32Lane(this.#outputs[o], x, 0)));
  }

  #values(load: (input: number) => V128, random: (p: Local<"i32">) => V128): V128[] {
    const leaves: Leaves = {
      input: (i) => this.#repeated[i] ?? load(i),
      scalar: (i) => this.#f.hoist(f32x4.splat(f32.load(this.#args, 4 * (this.#layout.scalars + i)))),
      random: (node) =>
        random(this.#randoms[this.#layout.randomNodes.findIndex((n) => randomKey(n) === randomKey(node))]),
    };
    return this.#lowering.lower(this.#roots, leaves);
  }

  #load(input: number, offset: number): V128 {
    const p = this.#inputs[input];
    if (this.#classes[input] === "next") return v128.load(p, offset);
    const stride = this.#f.hoist(this.#stride(input, this.#layout.axes - 1));
    let out: V128 = v128.load32Splat(p);
    for (let lane = 1; lane < 4; lane++) out = v128.load32Lane(i32.add(p, i32.mul(stride, lane)), out, lane);
    return out;
  }
}

/** The module of an elementwise kernel, with the job `run`. */
export function elementwiseModule(
  kernel: ElementwiseArgs,
  classes: readonly StrideClass[],
  target: Target,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(target);
  const host = importHostMath(module);
  const fill = randomNodes(kernel).length > 0 ? addPhiloxFill(module) : null;
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    new ElementwiseEmitter(f, args, kernel, classes, { target, host, fill }).emit(chunk, thread);
  }, "run");
  return module.finish();
}
