/**
 * Brings blocks of A and B into the order in which the inner loops read them.
 * @module
 */
import { PANEL } from "./gemm_panel.ts";
import type { Body, Func, ModuleBuilder } from "./module.ts";
import { i32, type V128, v128 } from "./ops.ts";
import type { Local } from "./value.ts";

/** Transposes a square of 4 by 4. */
function transpose(f: Body, rows: readonly V128[]): V128[] {
  const [a, b, c, d] = rows.map((r) => f.local("v128", r));
  const [ab, abHigh] = [v128.shuffle(a, b, [0, 4, 1, 5]), v128.shuffle(a, b, [2, 6, 3, 7])].map((x) =>
    f.local("v128", x)
  );
  const [cd, cdHigh] = [v128.shuffle(c, d, [0, 4, 1, 5]), v128.shuffle(c, d, [2, 6, 3, 7])].map((x) =>
    f.local("v128", x)
  );
  return [
    v128.shuffle(ab, cd, [0, 1, 4, 5]),
    v128.shuffle(ab, cd, [2, 3, 6, 7]),
    v128.shuffle(abHigh, cdHigh, [0, 1, 4, 5]),
    v128.shuffle(abHigh, cdHigh, [2, 3, 6, 7]),
  ];
}

/** One panel of `width` columns out of B: rows lie side by side already. */
function packContiguous(
  f: Body,
  to: Local<"i32">,
  from: Local<"i32">,
  row: Local<"i32">,
  k: Local<"i32">,
  width: number,
) {
  const source = f.local("i32", from);
  const left = f.local("i32", k);
  f.while(i32.gtS(left, 0), () => {
    for (let v = 0; v < width; v += 4) f.do(v128.store(to, v128.load(source, 4 * v), 4 * v));
    f.step(to, 4 * width);
    f.step(source, row);
    f.step(left, -1);
  });
}

/** One panel out of B with any strides; columns past the last repeat it. With `squares`, columns are contiguous. */
export function packColumns(
  f: Body,
  to: Local<"i32">,
  columns: readonly Local<"i32">[],
  row: Local<"i32">,
  k: Local<"i32">,
  squares: boolean,
): void {
  const width = columns.length;
  const left = f.local("i32", k);
  const step = (by: number) => {
    for (const p of columns) f.step(p, by === 1 ? row : i32.mul(row, by));
    f.step(to, 4 * width * by);
    f.step(left, -by);
  };
  if (squares) {
    f.while(i32.geS(left, 4), () => {
      for (let v = 0; v < width; v += 4) {
        const rows = transpose(f, columns.slice(v, v + 4).map((p) => v128.load(p)));
        rows.forEach((r, i) => f.do(v128.store(to, r, 4 * (i * width + v))));
      }
      step(4);
    });
  }
  f.while(i32.gtS(left, 0), () => {
    columns.forEach((p, j) => f.do(i32.store(to, i32.load(p), 4 * j)));
    step(1);
  });
}

/**
 * Adds `packB(to, b, row, column, k, n)`: panels of 8 columns, each with its k rows one after the other; if at most 4 columns are left, the
 * last panel has 4. Strides are bytes. What stands in columns past n is undefined.
 */
export function addPackB(module: ModuleBuilder): Func {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.func(params, (f, to, b, row, column, k, n) => {
    const columns = [...Array(PANEL)].map(() => f.local("i32"));
    const panel = (width: number) => {
      f.if(i32.eq(column, 4), () => packContiguous(f, to, b, row, k, width), () => {
        const own = columns.slice(0, width);
        own.forEach((p, j) => f.set(p, i32.add(b, i32.mul(column, i32.minS(j, i32.sub(n, 1))))));
        f.if(
          i32.eq(row, 4),
          () => packColumns(f, to, own, row, k, true),
          () => packColumns(f, to, own, row, k, false),
        );
      });
      f.step(b, i32.mul(column, width));
      f.step(n, -width);
    };
    f.while(i32.gtS(n, 4), () => panel(8));
    f.if(i32.gtS(n, 0), () => panel(4));
  });
}

/**
 * Adds `packA(to, toRow, a, row, column, m, k)`: a copy with contiguous rows, `toRow` bytes apart (a multiple of 16, at least 4·k rounded up).
 * Up to 3 rows past m are written.
 */
export function addPackA(module: ModuleBuilder): Func {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.func(params, (f, to, toRow, a, row, column, m, k) => {
    const i = f.local("i32");
    const [source, target, left] = [f.local("i32"), f.local("i32"), f.local("i32")];
    f.if(i32.eq(column, 4), () => copyRows(f, { to, toRow, a, row, m, k }));
    f.if(i32.and(i32.ne(column, 4), i32.eq(row, 4)), () => transposeRows(f, { to, toRow, a, column, m, k }));
    f.if(i32.and(i32.ne(column, 4), i32.ne(row, 4)), () =>
      f.for(i, 0, m, 1, () => {
        f.set(source, i32.add(a, i32.mul(i, row)));
        f.set(target, i32.add(to, i32.mul(i, toRow)));
        f.set(left, k);
        f.while(i32.gtS(left, 0), () => {
          f.do(i32.store(target, i32.load(source)));
          f.step(source, column);
          f.step(target, 4);
          f.step(left, -1);
        });
      }));
  });
}

type Names = "to" | "toRow" | "a" | "m" | "k";

/** Rows are contiguous and only come closer together. */
function copyRows(f: Body, { to, toRow, a, row, m, k }: Record<Names | "row", Local<"i32">>): void {
  const [i, x] = [f.local("i32"), f.local("i32")];
  const [source, target] = [f.local("i32"), f.local("i32")];
  f.for(i, 0, m, 1, () => {
    f.set(source, i32.add(a, i32.mul(i, row)));
    f.set(target, i32.add(to, i32.mul(i, toRow)));
    f.for(x, 0, k, 4, () => {
      f.do(v128.store(target, v128.load(source)));
      f.step(source, 16);
      f.step(target, 16);
    });
  });
}

/** Columns are contiguous: squares of 4 by 4, then what is left of k. */
function transposeRows(f: Body, { to, toRow, a, column, m, k }: Record<Names | "column", Local<"i32">>): void {
  const [i, x] = [f.local("i32"), f.local("i32")];
  const [source, target] = [f.local("i32"), f.local("i32")];
  const quads = f.local("i32", i32.and(k, -4));
  f.for(x, 0, quads, 4, () => {
    f.set(source, i32.add(a, i32.mul(x, column)));
    f.set(target, i32.add(to, i32.shl(x, 2)));
    f.for(i, 0, m, 4, () => {
      const rows = [0, 1, 2, 3].map((n) => v128.load(n === 0 ? source : i32.add(source, i32.mul(column, n))));
      transpose(f, rows).forEach((r) => {
        f.do(v128.store(target, r));
        f.step(target, toRow);
      });
      f.step(source, 16);
    });
  });
  f.for(x, quads, k, 1, () => {
    f.set(source, i32.add(a, i32.mul(x, column)));
    f.set(target, i32.add(to, i32.shl(x, 2)));
    f.for(i, 0, m, 1, () => {
      f.do(i32.store(target, i32.load(source)));
      f.step(source, 4);
      f.step(target, toRow);
    });
  });
}
