/**
 * Jobs that sum runs of a channel: mean and spread, and the two sums that gradients need. A run is either contiguous elements of one
 * channel, or rows whose columns are the channels.
 * @module
 */
import { JobArguments } from "./job_arguments.ts";
import type { Body, ModuleBuilder } from "./module.ts";
import { f32, f32x4, i32, type V128, v128 } from "./ops.ts";
import { RowLoops } from "./row_loops.ts";
import { forColumnGroups, loadGroup, storeGroup } from "./rows.ts";
import type { Local } from "./value.ts";

/**
 * Arguments of the jobs on channels. `table` has three words a run: first element, number of elements (or rows), channel. A run leaves two
 * numbers in `out`, or two rows of `columns` numbers.
 */
export const CHANNEL_ARGUMENTS = new JobArguments(
  ...["x", "dy", "mean", "table", "out", "columns", "items", "perChunk"] as const,
);

type Words = Readonly<Record<typeof CHANNEL_ARGUMENTS.names[number], Local<"i32">>>;

/** A run: address of its first element less that of the array, elements or rows, channel, number. */
interface Run {
  readonly offset: Local<"i32">;
  readonly count: Local<"i32">;
  readonly channel: Local<"i32">;
  readonly item: Local<"i32">;
}

/** Adds a job that calls `body` for each run of a chunk. */
function addRunJob(module: ModuleBuilder, name: string, body: (f: Body, words: Words, run: Run) => void): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const words = CHANNEL_ARGUMENTS.read(f, args);
    const item = f.local("i32", i32.mul(chunk, words.perChunk));
    const end = f.local("i32", i32.minS(i32.add(item, words.perChunk), words.items));
    const [offset, count, channel] = [f.local("i32"), f.local("i32"), f.local("i32")];
    f.while(i32.ltS(item, end), () => {
      const entry = f.local("i32", i32.add(words.table, i32.mul(item, 12)));
      f.set(offset, i32.shl(i32.load(entry), 2));
      f.set(count, i32.load(entry, 4));
      f.set(channel, i32.load(entry, 8));
      body(f, words, { offset, count, channel, item });
      f.step(item, 1);
    });
  }, name);
}

/** Adds all jobs on channels. */
export function addChannels(module: ModuleBuilder): void {
  addRunJob(module, "runMoments", (f, words, run) => runMoments(new RowLoops(f, module.target, run.count), words, run));
  addRunJob(module, "runDots", (f, words, run) => runDots(new RowLoops(f, module.target, run.count), words, run));
  addRunJob(
    module,
    "blockMoments",
    (f, words, run) => blockMoments(new RowLoops(f, module.target, run.count), words, run),
  );
  addRunJob(module, "blockDots", (f, words, run) => blockDots(new RowLoops(f, module.target, run.count), words, run));
}

const add = (a: V128, b: V128) => f32x4.add(a, b);
const difference = (a: V128, b: V128) => f32x4.sub(a, b);

/** Stores the two results of a run of contiguous elements. */
function storePair(f: Body, { out }: Words, { item }: Run, first: V128, second: V128): void {
  const to = f.local("i32", i32.add(out, i32.shl(item, 3)));
  f.do(v128.store32Lane(to, first, 0), v128.store32Lane(to, second, 0, 4));
}

/** 1 / count in all lanes. */
function inverseCount({ math }: RowLoops, { count }: Run): V128 {
  return math.keep(f32x4.splat(f32.div(1, f32.fromI32(count))));
}

/** Mean and Σ (x − mean)². What the mean lost in rounding shows in the sum of the differences, which is 0 around an exact one. */
function runMoments(loops: RowLoops, words: Words, run: Run): void {
  const { f, math } = loops;
  const x = f.local("i32", i32.add(words.x, run.offset));
  const zero = math.constant(0);
  const inverse = inverseCount(loops, run);
  const [total] = loops.fold([x], [zero], ([v], [sum]) => [add(sum, v)], add);
  const rough = math.keep(f32x4.mul(total, inverse));
  const [rest, spread] = loops.fold([x], [zero, zero], ([v], [a, b]) => {
    const d = math.keep(difference(v, rough));
    return [add(a, d), math.madd(d, d, b)];
  }, add);
  const shift = math.keep(f32x4.mul(rest, inverse));
  storePair(f, words, run, add(rough, shift), difference(spread, f32x4.mul(rest, shift)));
}

/** Σ dy and Σ dy·(x − mean). */
function runDots(loops: RowLoops, words: Words, run: Run): void {
  const { f, math } = loops;
  const [x, dy] = [words.x, words.dy].map((p) => f.local("i32", i32.add(p, run.offset)));
  const mean = math.keep(v128.load32Splat(i32.add(words.mean, i32.shl(run.channel, 2))));
  const zero = math.constant(0);
  const [sum, dot] = loops.fold([x, dy], [zero, zero], ([v, g], [a, b]) => [
    add(a, g),
    math.madd(g, difference(v, mean), b),
  ], add);
  storePair(f, words, run, sum, dot);
}

/** Calls `body` for each row of a run, with pointers that move along. */
function forRows(
  f: Body,
  starts: readonly Local<"i32">[],
  { columns }: Words,
  count: Local<"i32">,
  body: (pointers: Local<"i32">[]) => void,
) {
  const step = f.local("i32", i32.shl(columns, 2));
  const pointers = starts.map((p) => f.local("i32", p));
  const left = f.local("i32", count);
  f.while(i32.gtS(left, 0), () => {
    body(pointers);
    for (const p of pointers) f.step(p, step);
    f.step(left, -1);
  });
}

/** Where the two rows of results of a run lie, at a group's columns. */
function resultRows(
  f: Body,
  { out, columns }: Words,
  { item }: Run,
  offset: Local<"i32">,
): [Local<"i32">, Local<"i32">] {
  const first = f.local("i32", i32.add(i32.add(out, i32.shl(i32.mul(item, columns), 3)), offset));
  return [first, f.local("i32", i32.add(first, i32.shl(columns, 2)))];
}

/** {@linkcode runMoments} of each column; the second look at a group of columns finds it in the nearest cache. */
function blockMoments(loops: RowLoops, words: Words, run: Run): void {
  const { f, math } = loops;
  const inverse = inverseCount(loops, run);
  forColumnGroups(f, words.columns, [4, 1, 0], (offset, vectors) => {
    const zeros = () => [...Array(Math.max(1, vectors))].map(() => f.local("v128", f32x4.splat(0)));
    const x = f.local("i32", i32.add(i32.add(words.x, run.offset), offset));
    const [means, rests, spreads] = [zeros(), zeros(), zeros()];
    forRows(f, [x], words, run.count, ([p]) => means.forEach((s, v) => f.set(s, add(s, loadGroup(vectors, p, v)))));
    for (const mean of means) f.set(mean, f32x4.mul(mean, inverse));
    forRows(f, [x], words, run.count, ([p]) =>
      spreads.forEach((s, v) => {
        const d = math.keep(difference(loadGroup(vectors, p, v), means[v]));
        f.set(rests[v], add(rests[v], d));
        f.set(s, math.madd(d, d, s));
      }));
    rests.forEach((rest, v) => {
      const shift = math.keep(f32x4.mul(rest, inverse));
      f.set(spreads[v], difference(spreads[v], f32x4.mul(rest, shift)));
      f.set(means[v], add(means[v], shift));
    });
    const [first, second] = resultRows(f, words, run, offset);
    storeGroup(f, vectors, first, means);
    storeGroup(f, vectors, second, spreads);
  });
}

/** Σ dy and Σ dy·(x − mean) of each column. */
function blockDots(loops: RowLoops, words: Words, run: Run): void {
  const { f, math } = loops;
  forColumnGroups(f, words.columns, [2, 1, 0], (offset, vectors) => {
    const zeros = () => [...Array(Math.max(1, vectors))].map(() => f.local("v128", f32x4.splat(0)));
    const [x, dy] = [words.x, words.dy].map((p) => f.local("i32", i32.add(i32.add(p, run.offset), offset)));
    const at = f.local("i32", i32.add(words.mean, offset));
    const [sums, dots] = [zeros(), zeros()];
    const means = sums.map((_, v) => math.keep(loadGroup(vectors, at, v)));
    forRows(f, [x, dy], words, run.count, ([p, q]) =>
      sums.forEach((s, v) => {
        const g = math.keep(loadGroup(vectors, q, v));
        f.set(s, add(s, g));
        f.set(dots[v], math.madd(g, difference(loadGroup(vectors, p, v), means[v]), dots[v]));
      }));
    const [first, second] = resultRows(f, words, run, offset);
    storeGroup(f, vectors, first, sums);
    storeGroup(f, vectors, second, dots);
  });
}
