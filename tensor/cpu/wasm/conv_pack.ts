/**
 * Brings windows of images into the panels that the matrix product reads, straight from the image: the matrix of all windows is never in
 * memory as a whole.
 *
 * An element of the window, a tap, is three words of a table: bytes from the window's first element, rows, columns. A tap above or below the
 * image is read from a row of zeros.
 * @module
 */
import { packColumns } from "./gemm_pack.ts";
import { PANEL } from "./gemm_panel.ts";
import { JobArguments } from "./job_arguments.ts";
import type { Body, Func, ModuleBuilder } from "./module.ts";
import { i32, v128 } from "./ops.ts";
import type { Local, Value } from "./value.ts";

/** Bytes of a tap in the table. */
export const TAP_BYTES = 12;

/** What both jobs of convolutions are told. Strides are bytes, `reach` is the distance of the first and last tap. */
const WINDOW_NAMES = [
  ...["x", "xBatch", "xGroup", "xRow", "xCol", "inRows", "inCols", "startRow", "startCol"] as const,
  ...["strideRow", "strideCol", "reachRow", "reachCol", "taps", "zeros", "outRows", "outCols"] as const,
  ...["groups", "m", "scratch", "stride"] as const,
] as const;

/** Arguments of the job `convForward`: weights packed at `a`, output at `y`; `k` counts a row of ones for the bias, `ones` of them. */
export const CONV_ARGUMENTS = new JobArguments(
  ...WINDOW_NAMES,
  ...["a", "aRow", "aGroup", "y", "yBatch", "yGroup", "yChannel", "yRow"] as const,
  ...["k", "kc", "ones", "floor", "mb", "mBlocks", "rowsPer", "colsPer", "rowBlocks", "colBlocks"] as const,
);

/** Arguments of the job `convWeight`: gradients at `g`, sums of a split at `c` + split · `cSplit`. */
export const CONV_WEIGHT_ARGUMENTS = new JobArguments(
  ...WINDOW_NAMES,
  ...["g", "gBatch", "gGroup", "gChannel", "c", "cSplit", "cGroup", "cRow"] as const,
  ...["n", "nb", "nBlocks", "kc", "blocks", "units", "perSplit", "splits"] as const,
);

type Names = typeof WINDOW_NAMES[number];
type Window = Record<Names, Local<"i32">>;

/** Where an address is read from: `address` where the place is inside, else zeros. */
const guarded = (address: Value<"i32">, zeros: Local<"i32">, inside: Value<"i32">): Value<"i32"> =>
  i32.select(address, zeros, inside);

const tapAt = (tap: Value<"i32">) => ({
  offset: i32.load(tap),
  row: i32.load(tap, 4),
  col: i32.load(tap, 8),
});

/** Runs `panel` for panels of 8 columns, then one of 4 where at most 4 are left. */
function forPanels(f: Body, n: Local<"i32">, panel: (width: number) => void): void {
  f.while(i32.gtS(n, 4), () => panel(PANEL));
  f.if(i32.gtS(n, 0), () => panel(4));
}

/**
 * Adds `packWindows(args, to, x, row, col, tap, k, n, ones)`: panels of n windows side by side, the first at (row, col) of the image at x,
 * with a row for each of k taps and a row of ones if asked for.
 */
export function addPackWindows(module: ModuleBuilder): Func {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.func(params, (f, args, to, x, row, col, tap, k, n, ones) => {
    const v = CONV_ARGUMENTS.read(f, args);
    const step = f.local("i32", i32.mul(v.strideCol, v.xCol));
    const base = f.local("i32", i32.add(x, i32.add(i32.mul(row, v.xRow), i32.mul(col, v.xCol))));
    const lowRow = f.local("i32", i32.ltS(row, 0));
    const rowsInside = f.local("i32", i32.eqz(i32.or(lowRow, i32.geS(i32.add(row, v.reachRow), v.inRows))));
    const [next, left, last, dense] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
    const forTaps = (body: () => void) => {
      f.set(next, tap);
      f.set(left, k);
      f.while(i32.gtS(left, 0), () => {
        body();
        f.step(next, TAP_BYTES);
        f.step(left, -1);
      });
    };
    const panel = (width: number) => {
      f.set(last, i32.mul(i32.minS(n, width), v.strideCol));
      f.set(last, i32.add(i32.add(col, i32.sub(last, v.strideCol)), v.reachCol));
      f.set(dense, i32.and(i32.eq(step, 4), i32.and(i32.geS(col, 0), i32.ltS(last, v.inCols))));
      f.if(
        dense,
        () => packDense(f, { to, base, row, next, v, width, forTaps, rowsInside }),
        () => packSparse(f, { to, base, row, col, next, v, width, forTaps, step }),
      );
      f.if(ones, () => {
        for (let j = 0; j < width; j++) f.do(i32.store(to, ONE, 4 * j));
        f.step(to, 4 * width);
      });
      f.step(base, i32.mul(step, width));
      f.step(col, i32.mul(v.strideCol, width));
      f.step(n, -width);
    };
    forPanels(f, n, panel);
  });
}

/** The bits of 1 as a float. */
const ONE = 0x3f800000;

/** A column that no image has, also after a walk along a row. */
const OUTSIDE = -(2 ** 30);

interface PanelState {
  readonly to: Local<"i32">;
  readonly base: Local<"i32">;
  readonly row: Local<"i32">;
  readonly next: Local<"i32">;
  readonly v: Window;
  readonly width: number;
  readonly forTaps: (body: () => void) => void;
}

/** All columns are inside and side by side. */
function packDense(
  f: Body,
  { to, base, row, next, v, width, forTaps, rowsInside }: PanelState & { rowsInside: Local<"i32"> },
): void {
  const from = f.local("i32");
  const copy = () => {
    for (let j = 0; j < width; j += 4) f.do(v128.store(to, v128.load(from, 4 * j), 4 * j));
    f.step(to, 4 * width);
  };
  f.if(rowsInside, () =>
    forTaps(() => {
      f.set(from, i32.add(base, tapAt(next).offset));
      copy();
    }), () =>
    forTaps(() => {
      const tap = tapAt(next);
      f.set(from, guarded(i32.add(base, tap.offset), v.zeros, i32.ltU(i32.add(row, tap.row), v.inRows)));
      copy();
    }));
}

/** Columns are apart, or some of them outside. */
function packSparse(
  f: Body,
  { to, base, row, col, next, v, width, forTaps, step }: PanelState & { col: Local<"i32">; step: Local<"i32"> },
): void {
  const [from, at, inside] = [f.local("i32"), f.local("i32"), f.local("i32")];
  forTaps(() => {
    const tap = tapAt(next);
    f.set(from, i32.add(base, tap.offset));
    f.set(at, i32.add(col, tap.col));
    f.set(inside, i32.ltU(i32.add(row, tap.row), v.inRows));
    for (let j = 0; j < width; j++) {
      const address = guarded(from, v.zeros, i32.and(inside, i32.ltU(at, v.inCols)));
      f.do(i32.store(to, i32.load(address), 4 * j));
      f.step(from, step);
      f.step(at, v.strideCol);
    }
    f.step(to, 4 * width);
  });
}

/**
 * Adds `packTaps(args, to, rows, first, x, row, col, length, tap, n)`: a part of panels of n taps with `rows` rows each: rows `first` … first
 * + length − 1 hold what the taps see while the window moves from (row, col) of the image at x to the right.
 */
export function addPackTaps(module: ModuleBuilder): Func {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.func(params, (f, args, to, rows, first, x, row, col, length, tap, n) => {
    const v = CONV_WEIGHT_ARGUMENTS.read(f, args);
    const step = f.local("i32", i32.mul(v.strideCol, v.xCol));
    const base = f.local("i32", i32.add(x, i32.add(i32.mul(row, v.xRow), i32.mul(col, v.xCol))));
    const bounded = (value: Value<"i32">): Local<"i32"> => {
      const local = f.local("i32", value);
      f.set(local, i32.minS(local, length));
      f.if(i32.ltS(local, 0), () => f.set(local, 0));
      return local;
    };
    // positions from which and up to which all taps are inside
    const roundUp = (distance: Value<"i32">) => i32.divS(i32.add(distance, i32.sub(v.strideCol, 1)), v.strideCol);
    const low = bounded(i32.select(roundUp(i32.sub(0, col)), 0, i32.ltS(col, 0)));
    const room = f.local("i32", i32.sub(i32.sub(v.inCols, v.reachCol), col));
    const high = bounded(i32.select(roundUp(room), 0, i32.gtS(room, 0)));
    // columns that are not side by side take the slow path all along
    f.if(i32.ne(step, 4), () => f.set(low, length));
    f.if(i32.ltS(high, low), () => f.set(high, low));
    const pointers = [...Array(PANEL)].map(() => f.local("i32"));
    const columns = [...Array(PANEL)].map(() => f.local("i32"));
    const [entry, target, count] = [f.local("i32"), f.local("i32"), f.local("i32")];
    forPanels(f, n, (width) => {
      const [own, places] = [pointers.slice(0, width), columns.slice(0, width)];
      own.forEach((p, j) => {
        f.set(entry, i32.add(tap, i32.mul(TAP_BYTES, i32.minS(j, i32.sub(n, 1)))));
        const { offset, row: tapRow, col: tapCol } = tapAt(entry);
        const inside = i32.ltU(i32.add(row, tapRow), v.inRows);
        f.set(p, guarded(i32.add(base, offset), v.zeros, inside));
        f.set(places[j], i32.select(i32.add(col, tapCol), OUTSIDE, inside));
      });
      f.set(target, i32.add(to, i32.mul(first, 4 * width)));
      const border = () =>
        f.while(i32.gtS(count, 0), () => {
          own.forEach((p, j) => {
            f.do(i32.store(target, i32.load(guarded(p, v.zeros, i32.ltU(places[j], v.inCols))), 4 * j));
            f.step(p, step);
            f.step(places[j], v.strideCol);
          });
          f.step(target, 4 * width);
          f.step(count, -1);
        });
      f.set(count, low);
      border();
      f.set(count, i32.sub(high, low));
      for (const place of places) f.step(place, i32.mul(count, v.strideCol));
      packColumns(f, target, own, step, count, true);
      f.set(count, i32.sub(length, high));
      border();
      f.step(to, i32.mul(rows, 4 * width));
      f.step(tap, TAP_BYTES * width);
      f.step(n, -width);
    });
  });
}
