/**
 * Jobs that pool planes. The idea: a row of results first takes the rows of its windows together, four columns at a time, into a line of
 * scratch memory, and then the columns. Of equal largest elements the first in row-major order is noted.
 * @module
 */
import { JobArguments } from "./job_arguments.ts";
import type { Body, ModuleBuilder } from "./module.ts";
import { f32, f32x4, f64, type I32, i32, i32x4, type V128, v128 } from "./ops.ts";
import { forColumnGroups, loadGroup, storeGroup } from "./rows.ts";
import type { Local } from "./value.ts";

/**
 * Arguments of the jobs on planes. Tables have three words a window: first element, number of elements, 1/divisor. Backward, `x` is the
 * gradient that is written and `y` the one that comes.
 */
export const POOL_ARGUMENTS = new JobArguments(
  ...["x", "y", "places", "planes", "perChunk", "rowTable", "columnTable"] as const,
  ...["height", "width", "outHeight", "outWidth", "rowStep", "columnStep", "max", "indices"] as const,
  ...["stride", "taps", "low", "high", "scratch", "scratchStride"] as const,
);

/** Elements of scratch beyond a row, which vectors may read. */
export const ROW_SLACK = 16;

type Words = Readonly<Record<typeof POOL_ARGUMENTS.names[number], Local<"i32">>>;

/** A window as its table has it. */
interface Window {
  readonly first: Local<"i32">;
  readonly count: Local<"i32">;
  readonly inverse: Local<"f32">;
}

/** Scratch lines: values, and places of largest elements. */
interface Lines {
  readonly values: Local<"i32">;
  readonly places: Local<"i32">;
}

/** Adds all jobs. */
export function addPooling(module: ModuleBuilder): void {
  addPlaneJob(module, "pool", poolPlane);
  addPlaneJob(module, "maxPoolBackward", maxBackwardPlane);
  addPlaneJob(module, "avgPoolBackward", avgBackwardPlane);
}

/** Adds a job that calls `body` for each plane of a chunk, with the addresses of its elements and results. */
function addPlaneJob(
  module: ModuleBuilder,
  name: string,
  body: (f: Body, words: Words, lines: Lines) => void,
): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const w = POOL_ARGUMENTS.read(f, args);
    const values = f.local("i32", i32.add(w.scratch, i32.mul(thread, w.scratchStride)));
    const places = f.local("i32", i32.add(values, i32.shl(i32.add(w.width, ROW_SLACK), 2)));
    const plane = f.local("i32", i32.mul(chunk, w.perChunk));
    const end = f.local("i32", i32.minS(i32.add(plane, w.perChunk), w.planes));
    const inside = f.hoist(i32.shl(i32.mul(w.height, w.width), 2));
    const outside = f.hoist(i32.shl(i32.mul(w.outHeight, w.outWidth), 2));
    const x = f.local("i32", i32.add(w.x, i32.mul(plane, inside)));
    const y = f.local("i32", i32.add(w.y, i32.mul(plane, outside)));
    const written = f.local("i32", i32.add(w.places, i32.mul(plane, outside)));
    f.while(i32.ltS(plane, end), () => {
      // bodies walk y and places to their ends
      body(f, { ...w, x, y, places: written }, { values, places });
      f.step(x, inside);
      f.step(plane, 1);
    });
  }, name);
}

/** Calls `body` for each of the first `count` windows of a table. */
function forWindows(f: Body, table: I32, count: I32, body: (window: Window) => void): void {
  const entry = f.local("i32", i32.add(table, 0));
  const left = f.local("i32", i32.add(count, 0));
  const [first, number, inverse] = [f.local("i32"), f.local("i32"), f.local("f32")];
  f.while(i32.gtS(left, 0), () => {
    f.set(first, i32.load(entry));
    f.set(number, i32.load(entry, 4));
    f.set(inverse, f32.load(entry, 8));
    body({ first, count: number, inverse });
    f.step(entry, 12);
    f.step(left, -1);
  });
}

const isNan = (v: V128) => f32x4.ne(v, v);

function poolPlane(f: Body, w: Words, lines: Lines): void {
  forWindows(f, w.rowTable, w.outHeight, (row) => {
    f.if(w.max, () => {
      maxOfRows(f, w, row, lines);
      acrossColumns(f, w, maxOfColumns(f, w, lines), maxOfFour(f, w, lines));
    }, () => {
      sumOfRows(f, w, row, lines);
      acrossColumns(f, w, meanOfColumns(f, w, row, lines), meansOfFour(f, w, row, lines));
    });
  });
}

/** Calls `one` for windows of columns one by one, and `four` with the first of four that lie wholly inside. */
function acrossColumns(
  f: Body,
  w: Words,
  one: (window: Window) => void,
  four: (first: Local<"i32">) => void,
): void {
  forWindows(f, w.columnTable, w.low, one);
  const column = f.local("i32", w.low);
  const fits = i32.leS(i32.add(column, 4), w.high);
  f.while(fits, () => {
    four(f.local("i32", i32.load(i32.add(w.columnTable, i32.mul(column, 12)))));
    f.step(column, 4);
  });
  forWindows(f, i32.add(w.columnTable, i32.mul(column, 12)), i32.sub(w.outWidth, column), one);
}

/** Calls `body` for each row of a window, with the address of its elements at byte `offset` of the row. */
function forRowsOf(
  f: Body,
  w: Words,
  { first, count }: Window,
  offset: I32,
  body: (p: Local<"i32">, row: Local<"i32">) => void,
) {
  const row = f.local("i32", i32.add(first, 0));
  const left = f.local("i32", i32.add(count, 0));
  const p = f.local("i32", i32.add(i32.add(w.x, offset), i32.shl(i32.mul(row, w.width), 2)));
  const step = f.local("i32", i32.shl(i32.mul(w.rowStep, w.width), 2));
  f.while(i32.gtS(left, 0), () => {
    body(p, row);
    f.step(p, step);
    f.step(row, w.rowStep);
    f.step(left, -1);
  });
}

const groupOf = (f: Body, vectors: number, value: V128) =>
  [...Array(Math.max(1, vectors))].map(() => f.local("v128", value));

/** The largest element of each column among a window's rows, and its place. */
function maxOfRows(f: Body, w: Words, row: Window, { values, places }: Lines): void {
  forColumnGroups(f, w.width, [4, 1, 0], (offset, vectors) => {
    const tops = groupOf(f, vectors, f32x4.const(-Infinity));
    const start = f.local("i32", i32.mul(row.first, w.width));
    const found = groupOf(f, vectors, i32x4.splat(start));
    forRowsOf(f, w, row, offset, (p, number) => {
      const place = f.local("v128", i32x4.splat(i32.mul(number, w.width)));
      tops.forEach((top, v) => {
        const value = f.local("v128", loadGroup(vectors, p, v));
        const takes = f.local("v128", v128.or(f32x4.gt(value, top), isNan(value)));
        f.set(top, v128.bitselect(value, top, takes));
        f.set(found[v], v128.bitselect(place, found[v], takes));
      });
    });
    storeGroup(f, vectors, f.local("i32", i32.add(values, offset)), tops);
    const column = f.local("v128", i32x4.splat(i32.shrU(offset, 2)));
    const lanes = (v: number) =>
      vectors === 0 ? column : i32x4.add(column, v128.const([0, 1, 2, 3].map((n) => n + 4 * v)));
    storeGroup(f, vectors, f.local("i32", i32.add(places, offset)), found.map((t, v) => i32x4.add(t, lanes(v))));
  });
}

/** The sum of each column over a window's rows. */
function sumOfRows(f: Body, w: Words, row: Window, { values }: Lines): void {
  forColumnGroups(f, w.width, [4, 1, 0], (offset, vectors) => {
    const sums = groupOf(f, vectors, f32x4.const(0));
    forRowsOf(f, w, row, offset, (p) => sums.forEach((s, v) => f.set(s, f32x4.add(s, loadGroup(vectors, p, v)))));
    storeGroup(f, vectors, f.local("i32", i32.add(values, offset)), sums);
  });
}

/** Calls `body` with the byte offset in a line of each element of a window. */
function forTaps(
  f: Body,
  w: Words,
  { first, count }: Pick<Window, "first"> & { count: I32 },
  body: (offset: Local<"i32">) => void,
) {
  const at = f.local("i32", i32.shl(first, 2));
  const left = f.local("i32", i32.add(count, 0));
  const step = f.local("i32", i32.shl(w.columnStep, 2));
  f.while(i32.gtS(left, 0), () => {
    body(at);
    f.step(at, step);
    f.step(left, -1);
  });
}

/** Moves on by so many results. */
function advance(f: Body, w: Words, results: number): void {
  f.step(w.y, 4 * results);
  f.if(w.indices, () => f.step(w.places, 4 * results));
}

function maxOfColumns(f: Body, w: Words, { values, places }: Lines): (window: Window) => void {
  return (window) => {
    const [top, found] = [f.local("f32", f32.const(-Infinity)), f.local("i32", i32.const(0x7fffffff))];
    forTaps(f, w, window, (at) => {
      const value = f.local("f32", f32.load(i32.add(values, at)));
      const place = f.local("i32", i32.load(i32.add(places, at)));
      const first = i32.and(f32.eq(value, top), i32.ltS(place, found));
      const takes = f.local("i32", i32.or(i32.or(f32.gt(value, top), f32.ne(value, value)), first));
      f.set(top, f32.select(value, top, takes));
      f.set(found, i32.select(place, found, takes));
    });
    f.do(f32.store(w.y, top));
    f.if(w.indices, () => f.do(i32.store(w.places, found)));
    advance(f, w, 1);
  };
}

/** Four elements of a line, from `p` on, as far apart as windows are. */
function loadApart(p: Local<"i32">, stride: 1 | 2): V128 {
  return stride === 1 ? v128.load(p) : v128.shuffle(v128.load(p), v128.load(p, 16), [0, 2, 4, 6]);
}

/** Emits `body` for both distances of windows. */
function forStrides(f: Body, { stride }: Words, body: (stride: 1 | 2) => void): void {
  f.if(i32.eq(stride, 1), () => body(1), () => body(2));
}

function maxOfFour(f: Body, w: Words, { values, places }: Lines): (first: Local<"i32">) => void {
  return (first) => {
    const top = f.local("v128", f32x4.const(-Infinity));
    const found = f.local("v128", v128.const([0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff]));
    forStrides(f, w, (stride) =>
      forTaps(f, w, { first, count: w.taps }, (at) => {
        const value = f.local("v128", loadApart(f.local("i32", i32.add(values, at)), stride));
        const place = f.local("v128", loadApart(f.local("i32", i32.add(places, at)), stride));
        const before = v128.and(f32x4.eq(value, top), i32x4.lt(place, found));
        const takes = f.local("v128", v128.or(v128.or(f32x4.gt(value, top), isNan(value)), before));
        f.set(top, v128.bitselect(value, top, takes));
        f.set(found, v128.bitselect(place, found, takes));
      }));
    f.do(v128.store(w.y, top));
    f.if(w.indices, () => f.do(v128.store(w.places, found)));
    advance(f, w, 4);
  };
}

function meanOfColumns(f: Body, w: Words, row: Window, { values }: Lines): (window: Window) => void {
  return (window) => {
    const sum = f.local("f64", f64.fromF32(0));
    forTaps(f, w, window, (at) => f.set(sum, f64.add(sum, f64.fromF32(f32.load(i32.add(values, at))))));
    const scale = f64.mul(f64.fromF32(row.inverse), f64.fromF32(window.inverse));
    f.do(f32.store(w.y, f32.fromF64(f64.mul(sum, scale))));
    advance(f, w, 1);
  };
}

function meansOfFour(f: Body, w: Words, row: Window, { values }: Lines): (first: Local<"i32">) => void {
  return (first) => {
    const sum = f.local("v128", f32x4.const(0));
    forStrides(
      f,
      w,
      (stride) =>
        forTaps(
          f,
          w,
          { first, count: w.taps },
          (at) => f.set(sum, f32x4.add(sum, loadApart(f.local("i32", i32.add(values, at)), stride))),
        ),
    );
    const scale = f32.div(row.inverse, f32.fromI32(w.taps));
    f.do(v128.store(w.y, f32x4.mul(sum, f32x4.splat(scale))));
    advance(f, w, 4);
  };
}

/** Fills contiguous elements with 0. */
function clear(f: Body, to: Local<"i32">, count: Local<"i32">): void {
  forColumnGroups(f, count, [4, 1, 0], (offset, vectors) => {
    storeGroup(f, vectors, f.local("i32", i32.add(to, offset)), groupOf(f, vectors, f32x4.const(0)));
  });
}

/** Adds a float to memory. */
function addTo(f: Body, p: Local<"i32">, value: Local<"f32">): void {
  f.do(f32.store(p, f32.add(f32.load(p), value)));
}

/** Each gradient goes to the place of its largest element; a plane belongs to one thread. */
function maxBackwardPlane(f: Body, w: Words): void {
  clear(f, w.x, f.local("i32", i32.mul(w.height, w.width)));
  const left = f.local("i32", i32.mul(w.outHeight, w.outWidth));
  const gradient = f.local("f32");
  f.while(i32.gtS(left, 0), () => {
    f.set(gradient, f32.load(w.y));
    addTo(f, f.local("i32", i32.add(w.x, i32.shl(i32.load(w.places), 2))), gradient);
    f.step(w.y, 4);
    f.step(w.places, 4);
    f.step(left, -1);
  });
}

/** A row of gradients is spread over its columns once and then added to each row of its windows. */
function avgBackwardPlane(f: Body, w: Words, { values }: Lines): void {
  clear(f, w.x, f.local("i32", i32.mul(w.height, w.width)));
  const gradient = f.local("f32");
  forWindows(f, w.rowTable, w.outHeight, (row) => {
    clear(f, values, w.width);
    forWindows(f, w.columnTable, w.outWidth, (column) => {
      f.set(gradient, f32.mul(f32.load(w.y), f32.mul(row.inverse, column.inverse)));
      forTaps(f, w, column, (at) => addTo(f, f.local("i32", i32.add(values, at)), gradient));
      f.step(w.y, 4);
    });
    forColumnGroups(f, w.width, [4, 1, 0], (offset, vectors) => {
      const line = f.local("i32", i32.add(values, offset));
      const more = [...Array(Math.max(1, vectors))].map((_, v) => f.local("v128", loadGroup(vectors, line, v)));
      forRowsOf(
        f,
        w,
        row,
        offset,
        (p) => storeGroup(f, vectors, p, more.map((m, v) => f32x4.add(m, loadGroup(vectors, p, v)))),
      );
    });
  });
}
