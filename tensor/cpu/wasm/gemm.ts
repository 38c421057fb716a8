/**
 * The matrix product around the inner loops: blocks that fit the caches, and the jobs that threads take.
 * Blocking after Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication".
 * @module
 */
import { addPackA, addPackB } from "./gemm_pack.ts";
import { ADD_TO_C, addPanel, FINISH } from "./gemm_panel.ts";
import type { Body, Func, ModuleBuilder } from "./module.ts";
import { f32, f32x4, type I32, i32, v128 } from "./ops.ts";
import { JobArguments } from "./job_arguments.ts";
import type { Local, Value } from "./value.ts";

/** Most columns of A in a block: a panel of B and a tile of A fit the first-level cache. */
export const BLOCK_K = 384;
/** Most rows of A in a block, a multiple of the tile's 6: the block fits the second-level cache. */
export const BLOCK_M = 96;
/** Most columns of B that a thread packs at once. */
const BLOCK_N = 256;

/** Distance of packed rows of A at most, in bytes: never a multiple of 512, where rows would compete for the same cache sets. */
const PACKED_ROW = 4 * BLOCK_K + 128;
const A_BYTES = (BLOCK_M + 4) * PACKED_ROW;
const EDGE_BYTES = BLOCK_M * 32;
const B_BYTES = 4 * BLOCK_K * (BLOCK_N + 8);

/** Bytes of scratch that `block` needs. */
export const BLOCK_SCRATCH = A_BYTES + EDGE_BYTES;
/** Bytes of scratch that a thread needs for whole products. */
export const GEMM_SCRATCH = BLOCK_SCRATCH + B_BYTES;

/** Length of the blocks that K is cut into, equal but for the last: the same rule in WASM and for the host. */
export function blockK(k: number): number {
  const pieces = Math.ceil(k / BLOCK_K);
  return pieces <= 1 ? k : Math.ceil(k / pieces / 16) * 16;
}

/** The functions of the matrix product that other kernels call. */
export interface GemmFunctions {
  /**
   * `product(a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, kc, add, bias, alpha, floor, scratch)`: C = max(alpha·A·B + bias, floor) on
   * one thread. Strides are bytes; k is positive, kc is {@linkcode blockK} of it; `add` is ADD_TO_C to have A·B added to C before it is
   * scaled, else 0; `bias` 0 stands for none.
   */
  readonly product: Func;
  /**
   * `block(a, aRow, aCol, panels, c, cRow, m, n, k, flags, bias, alpha, floor, scratch)`: at most BLOCK_M rows of A and BLOCK_K columns times
   * packed panels, with `scratch` of BLOCK_SCRATCH bytes.
   */
  readonly block: Func;
}

/** Arguments of the job `packB`. */
export const PACK_ARGUMENTS = new JobArguments("b", "row", "column", "k", "n", "kc", "to", "panels", "groups");
/** Arguments of the job `tiles`. */
export const TILES_ARGUMENTS = new JobArguments(
  ...["a", "aRow", "aCol", "packed", "c", "cRow", "m", "n", "k", "kc", "bias", "alpha", "floor"] as const,
  ...["mb", "nb", "nBlocks", "scratch", "stride"] as const,
);
/** Arguments of the job `products`. */
export const PRODUCTS_ARGUMENTS = new JobArguments(
  ...["a", "aRow", "aCol", "b", "bRow", "bCol", "c", "cRow", "m", "n", "k", "kc", "bias", "alpha", "floor"] as const,
  ...[
    "a0",
    "a1",
    "b0",
    "b1",
    "c0",
    "c1",
    "batch1",
    "total",
    "perChunk",
    "kStep",
    "kTotal",
    "scratch",
    "stride",
  ] as const,
);
/** Arguments of the job `reduce`. */
export const REDUCE_ARGUMENTS = new JobArguments(
  ...["partial", "count", "step", "c", "cRow", "m", "n", "bias", "alpha", "floor", "rows"] as const,
);

/** Adds the matrix product's functions and jobs to a module. */
export function addGemm(module: ModuleBuilder): GemmFunctions {
  const block = addBlock(module);
  const packB = addPackB(module);
  const product = addProduct(module, block, packB);
  addPackJob(module, packB);
  addTilesJob(module, block);
  addProductsJob(module, product);
  addReduceJob(module);
  return { product, block };
}

/** A local with the smaller of two numbers. */
export const smaller = (f: Body, a: I32, b: I32): Local<"i32"> => f.local("i32", i32.minS(a, b));

/** A position in a vector that may be absent. */
const within = (vector: Local<"i32">, bytes: Value<"i32">): Value<"i32"> =>
  i32.select(i32.add(vector, bytes), 0, vector);

/** Copies a rectangle of 32-bit words. */
function addCopy(module: ModuleBuilder): Func {
  return module.func(["i32", "i32", "i32", "i32", "i32", "i32"], (f, to, toRow, from, fromRow, m, n) => {
    const j = f.local("i32");
    f.while(i32.gtS(m, 0), () => {
      f.for(j, 0, n, 1, () => {
        const at = i32.shl(j, 2);
        f.do(i32.store(i32.add(to, at), i32.load(i32.add(from, at))));
      });
      f.step(to, toRow);
      f.step(from, fromRow);
      f.step(m, -1);
    });
  });
}

/** See {@linkcode GemmFunctions}. */
function addBlock(module: ModuleBuilder): Func {
  const [panel8, panel4] = [addPanel(module, 2), addPanel(module, 1)];
  const packA = addPackA(module);
  const copy = addCopy(module);
  const params = [...Array(11).fill("i32"), "f32", "f32", "i32"] as ("i32" | "f32")[];
  type P = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "f32", "i32"];
  return module.func(params as P, (f, a, aRow, aCol, panels, c, cRow, m, n, k, flags, bias, alpha, floor, scratch) => {
    const conflict = i32.and(i32.eqz(i32.and(aRow, 511)), i32.gtS(n, 32));
    f.if(i32.or(i32.ne(aCol, 4), conflict), () => {
      const row = f.local("i32", i32.and(i32.add(i32.shl(k, 2), 63), -64));
      f.if(i32.eqz(i32.and(row, 511)), () => f.step(row, 64));
      f.call(packA, scratch, row, a, aRow, aCol, m, k);
      f.set(a, scratch);
      f.set(aRow, row);
    });
    const edge = f.local("i32", i32.add(scratch, A_BYTES));
    const columns = (panel: Func, width: number) => {
      const whole = i32.geS(n, width);
      f.if(whole, () => f.call(panel, a, aRow, panels, c, cRow, m, k, flags, bias, alpha, floor), () => {
        f.if(i32.and(flags, ADD_TO_C), () => f.call(copy, edge, 4 * width, c, cRow, m, n));
        f.call(panel, a, aRow, panels, edge, 4 * width, m, k, flags, bias, alpha, floor);
        f.call(copy, c, cRow, edge, 4 * width, m, n);
      });
      f.step(panels, i32.mul(k, 4 * width));
      f.step(c, 4 * width);
      f.set(bias, within(bias, i32.const(4 * width)));
      f.step(n, -width);
    };
    f.while(i32.gtS(n, 4), () => columns(panel8, 8));
    f.if(i32.gtS(n, 0), () => columns(panel4, 4));
  });
}

/** Which block of K this is: ADD_TO_C after the first, FINISH for the last. */
export function blockFlags(k0: I32, kk: I32, k: I32): Value<"i32"> {
  return i32.or(i32.select(ADD_TO_C, 0, k0), i32.select(FINISH, 0, i32.eq(i32.add(k0, kk), k)));
}

function addProduct(module: ModuleBuilder, block: Func, packB: Func): Func {
  type P = [
    ...["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    ...["f32", "f32", "i32"],
  ];
  const params = [...Array(14).fill("i32"), "f32", "f32", "i32"] as P;
  return module.func(
    params,
    (f, a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, kc, add, bias, alpha, floor, scratch) => {
      const panels = f.local("i32", i32.add(scratch, BLOCK_SCRATCH));
      const [j, k0, i, flags] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
      f.for(j, 0, n, BLOCK_N, () => {
        const nn = smaller(f, BLOCK_N, i32.sub(n, j));
        f.for(k0, 0, k, kc, () => {
          const kk = smaller(f, kc, i32.sub(k, k0));
          f.set(flags, i32.or(add, blockFlags(k0, kk, k)));
          const from = i32.add(b, i32.add(i32.mul(k0, bRow), i32.mul(j, bCol)));
          f.call(packB, panels, from, bRow, bCol, kk, nn);
          f.for(i, 0, m, BLOCK_M, () => {
            const mm = smaller(f, BLOCK_M, i32.sub(m, i));
            const left = i32.add(a, i32.add(i32.mul(i, aRow), i32.mul(k0, aCol)));
            const to = i32.add(c, i32.add(i32.mul(i, cRow), i32.shl(j, 2)));
            const at = within(bias, i32.shl(j, 2));
            f.call(block, left, aRow, aCol, panels, to, cRow, mm, nn, kk, flags, at, alpha, floor, scratch);
          });
        });
      });
    },
  );
}

/** Floats in a packed row of all panels. */
export const packedWidth = (n: Value<"i32">): Value<"i32"> => i32.and(i32.add(n, 3), -4);

function addPackJob(module: ModuleBuilder, packB: Func): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const { b, row, column, k, n, kc, to, panels, groups } = PACK_ARGUMENTS.read(f, args);
    const kIndex = f.local("i32", i32.divU(chunk, groups));
    const j = f.local("i32", i32.mul(i32.mul(i32.sub(chunk, i32.mul(kIndex, groups)), panels), 8));
    const k0 = f.local("i32", i32.mul(kIndex, kc));
    const kk = smaller(f, kc, i32.sub(k, k0));
    const nn = smaller(f, i32.shl(panels, 3), i32.sub(n, j));
    const target = i32.add(to, i32.shl(i32.add(i32.mul(k0, packedWidth(n)), i32.mul(j, kk)), 2));
    const source = i32.add(b, i32.add(i32.mul(k0, row), i32.mul(j, column)));
    f.call(packB, target, source, row, column, kk, nn);
  }, "packB");
}

function addTilesJob(module: ModuleBuilder, block: Func): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const v = TILES_ARGUMENTS.read(f, args);
    const { alpha, floor } = TILES_ARGUMENTS.readFloats(f, args, ["alpha", "floor"]);
    const mIndex = f.local("i32", i32.divU(chunk, v.nBlocks));
    const i = f.local("i32", i32.mul(mIndex, v.mb));
    const j = f.local("i32", i32.mul(i32.sub(chunk, i32.mul(mIndex, v.nBlocks)), v.nb));
    const mm = smaller(f, v.mb, i32.sub(v.m, i));
    const nn = smaller(f, v.nb, i32.sub(v.n, j));
    const scratch = f.local("i32", i32.add(v.scratch, i32.mul(thread, v.stride)));
    const to = f.local("i32", i32.add(v.c, i32.add(i32.mul(i, v.cRow), i32.shl(j, 2))));
    const bias = f.local("i32", within(v.bias, i32.shl(j, 2)));
    const k0 = f.local("i32");
    f.for(k0, 0, v.k, v.kc, () => {
      const kk = smaller(f, v.kc, i32.sub(v.k, k0));
      const left = i32.add(v.a, i32.add(i32.mul(i, v.aRow), i32.mul(k0, v.aCol)));
      const packed = i32.add(v.packed, i32.shl(i32.add(i32.mul(k0, packedWidth(v.n)), i32.mul(j, kk)), 2));
      const flags = blockFlags(k0, kk, v.k);
      f.call(block, left, v.aRow, v.aCol, packed, to, v.cRow, mm, nn, kk, flags, bias, alpha, floor, scratch);
    });
  }, "tiles");
}

function addProductsJob(module: ModuleBuilder, product: Func): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const v = PRODUCTS_ARGUMENTS.read(f, args);
    const { alpha, floor } = PRODUCTS_ARGUMENTS.readFloats(f, args, ["alpha", "floor"]);
    const scratch = f.local("i32", i32.add(v.scratch, i32.mul(thread, v.stride)));
    const item = f.local("i32", i32.mul(chunk, v.perChunk));
    const end = smaller(f, i32.add(item, v.perChunk), v.total);
    const [outer, inner] = [f.local("i32"), f.local("i32")];
    const at = (base: Local<"i32">, step0: Local<"i32">, step1: Local<"i32">) =>
      i32.add(base, i32.add(i32.mul(outer, step0), i32.mul(inner, step1)));
    f.while(i32.ltS(item, end), () => {
      f.set(outer, i32.divU(item, v.batch1));
      f.set(inner, i32.sub(item, i32.mul(outer, v.batch1)));
      const k = smaller(f, v.k, i32.sub(v.kTotal, i32.mul(item, v.kStep)));
      const [a, b, c] = [at(v.a, v.a0, v.a1), at(v.b, v.b0, v.b1), at(v.c, v.c0, v.c1)];
      const { aRow, aCol, bRow, bCol, cRow, m, n, kc, bias } = v;
      f.call(product, a, aRow, aCol, b, bRow, bCol, c, cRow, m, n, k, kc, 0, bias, alpha, floor, scratch);
      f.step(item, 1);
    });
  }, "products");
}

/** Sums partial products, the same order whatever the number of threads. */
function addReduceJob(module: ModuleBuilder): void {
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const v = REDUCE_ARGUMENTS.read(f, args);
    const { alpha, floor } = REDUCE_ARGUMENTS.readFloats(f, args, ["alpha", "floor"]);
    const i = f.local("i32", i32.mul(chunk, v.rows));
    const end = smaller(f, i32.add(i, v.rows), v.m);
    const [j, left, source] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const [scale, least] = [f.local("v128", f32x4.splat(alpha)), f.local("v128", f32x4.splat(floor))];
    const sum = f.local("v128");
    const element = (width: 1 | 4) => {
      const load = (p: Value<"i32">) => width === 4 ? v128.load(p) : v128.load32Splat(p);
      f.set(source, i32.add(v.partial, i32.shl(i32.add(i32.mul(i, v.n), j), 2)));
      f.set(sum, load(source));
      f.for(left, 1, v.count, 1, () => {
        f.step(source, v.step);
        f.set(sum, f32x4.add(sum, load(source)));
      });
      f.set(sum, f32x4.mul(sum, scale));
      f.if(v.bias, () => f.set(sum, f32x4.add(sum, load(i32.add(v.bias, i32.shl(j, 2))))));
      f.set(sum, f32x4.pmax(sum, least));
      const to = i32.add(v.c, i32.add(i32.mul(i, v.cRow), i32.shl(j, 2)));
      f.do(width === 4 ? v128.store(to, sum) : f32.store(to, f32x4.lane(sum, 0)));
    };
    f.while(i32.ltS(i, end), () => {
      const quads = f.local("i32", i32.and(v.n, -4));
      f.for(j, 0, quads, 4, () => element(4));
      f.for(j, quads, v.n, 1, () => element(1));
      f.step(i, 1);
    });
  }, "reduce");
}
