/**
 * Convolutions as matrix products whose right operand is packed straight from the image: the jobs that threads take.
 * @module
 */
import { addPackTaps, addPackWindows, CONV_ARGUMENTS, CONV_WEIGHT_ARGUMENTS, TAP_BYTES } from "./conv_pack.ts";
import { BLOCK_K, BLOCK_M, BLOCK_SCRATCH, blockFlags, type GemmFunctions, packedWidth, smaller } from "./gemm.ts";
import { ADD_TO_C } from "./gemm_panel.ts";
import type { ModuleBuilder } from "./module.ts";
import { f32, i32 } from "./ops.ts";
import type { Local, Value } from "./value.ts";

/** Most windows (or taps) that are packed at once. */
export const MOST_COLUMNS = 512;

/** Bytes of scratch that a thread needs; every row of windows may end in half a panel. */
export function convScratch(rows: number): number {
  return BLOCK_SCRATCH + 4 * BLOCK_K * (MOST_COLUMNS + 4 * rows + 8);
}

/** Adds the jobs `convForward` and `convWeight`. */
export function addConv(module: ModuleBuilder, gemm: GemmFunctions): void {
  addForwardJob(module, gemm);
  addWeightJob(module, gemm);
}

/** y = max(A · windows, floor): a chunk is some rows of A and some windows of one image and group. */
function addForwardJob(module: ModuleBuilder, { block }: GemmFunctions): void {
  const packWindows = addPackWindows(module);
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const v = CONV_ARGUMENTS.read(f, args);
    const { floor } = CONV_ARGUMENTS.readFloats(f, args, ["floor"]);
    const rest = f.local("i32", chunk);
    const digit = (base: Local<"i32">) => {
      const quotient = f.local("i32", i32.divU(rest, base));
      const digit = f.local("i32", i32.sub(rest, i32.mul(quotient, base)));
      f.set(rest, quotient);
      return digit;
    };
    const i0 = f.local("i32", i32.mul(digit(v.mBlocks), v.mb));
    const col0 = f.local("i32", i32.mul(digit(v.colBlocks), v.colsPer));
    const row0 = f.local("i32", i32.mul(digit(v.rowBlocks), v.rowsPer));
    const [group, image] = [digit(v.groups), rest];
    const iEnd = smaller(f, v.m, i32.add(i0, v.mb));
    const rowEnd = smaller(f, v.outRows, i32.add(row0, v.rowsPer));
    const nn = smaller(f, v.colsPer, i32.sub(v.outCols, col0));
    const scratch = f.local("i32", i32.add(v.scratch, i32.mul(thread, v.stride)));
    const panels = f.local("i32", i32.add(scratch, BLOCK_SCRATCH));
    const at = (base: Value<"i32">, perImage: Local<"i32">, perGroup: Local<"i32">) =>
      i32.add(base, i32.add(i32.mul(image, perImage), i32.mul(group, perGroup)));
    const x = f.local("i32", at(v.x, v.xBatch, v.xGroup));
    const y = f.local("i32", i32.add(at(v.y, v.yBatch, v.yGroup), i32.shl(col0, 2)));
    const a = f.local("i32", i32.add(v.a, i32.mul(group, v.aGroup)));
    const [k0, i, row, packed] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
    f.for(k0, 0, v.k, v.kc, () => {
      const kk = smaller(f, v.kc, i32.sub(v.k, k0));
      const ones = f.local("i32", i32.select(v.ones, 0, i32.eq(i32.add(k0, kk), v.k)));
      const bytes = f.local("i32", i32.shl(i32.mul(kk, packedWidth(nn)), 2));
      const flags = f.local("i32", blockFlags(k0, kk, v.k));
      f.set(packed, panels);
      f.for(row, row0, rowEnd, 1, () => {
        const inRow = i32.add(v.startRow, i32.mul(row, v.strideRow));
        const inCol = i32.add(v.startCol, i32.mul(col0, v.strideCol));
        const tap = i32.add(v.taps, i32.mul(k0, TAP_BYTES));
        f.call(packWindows, args, packed, x, inRow, inCol, tap, i32.sub(kk, ones), nn, ones);
        f.step(packed, bytes);
      });
      f.for(i, i0, iEnd, BLOCK_M, () => {
        const mm = smaller(f, BLOCK_M, i32.sub(iEnd, i));
        const left = i32.add(a, i32.add(i32.mul(i, v.aRow), i32.shl(k0, 2)));
        f.set(packed, panels);
        f.for(row, row0, rowEnd, 1, () => {
          const c = i32.add(y, i32.add(i32.mul(i, v.yChannel), i32.mul(row, v.yRow)));
          const one = f32.const(1);
          f.call(block, left, v.aRow, 4, packed, c, v.yChannel, mm, nn, kk, flags, 0, one, floor, scratch);
          f.step(packed, bytes);
        });
      });
    });
  }, "convForward");
}

/** Sums of g · windowsᵀ: a chunk is some taps of a group, and some blocks of positions. */
function addWeightJob(module: ModuleBuilder, { block }: GemmFunctions): void {
  const packTaps = addPackTaps(module);
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const v = CONV_WEIGHT_ARGUMENTS.read(f, args);
    const piece = f.local("i32", i32.divU(chunk, v.splits));
    const split = f.local("i32", i32.sub(chunk, i32.mul(piece, v.splits)));
    const group = f.local("i32", i32.divU(piece, v.nBlocks));
    const j = f.local("i32", i32.mul(i32.sub(piece, i32.mul(group, v.nBlocks)), v.nb));
    const nn = smaller(f, v.nb, i32.sub(v.n, j));
    const scratch = f.local("i32", i32.add(v.scratch, i32.mul(thread, v.stride)));
    const panels = f.local("i32", i32.add(scratch, BLOCK_SCRATCH));
    const begin = i32.add(i32.mul(split, v.cSplit), i32.add(i32.mul(group, v.cGroup), i32.shl(j, 2)));
    const c = f.local("i32", i32.add(v.c, begin));
    const taps = f.local("i32", i32.add(v.taps, i32.mul(j, TAP_BYTES)));
    const positions = f.local("i32", i32.mul(v.outRows, v.outCols));
    const unit = f.local("i32", i32.mul(split, v.perSplit));
    const end = smaller(f, v.units, i32.add(unit, v.perSplit));
    const [flags, i, done] = [f.local("i32"), f.local("i32"), f.local("i32")];
    f.set(flags, 0);
    f.while(i32.ltS(unit, end), () => {
      const image = f.local("i32", i32.divU(unit, v.blocks));
      const p0 = f.local("i32", i32.mul(i32.sub(unit, i32.mul(image, v.blocks)), v.kc));
      const kk = smaller(f, v.kc, i32.sub(positions, p0));
      const x = f.local("i32", i32.add(v.x, i32.add(i32.mul(image, v.xBatch), i32.mul(group, v.xGroup))));
      const row = f.local("i32", i32.divU(p0, v.outCols));
      const col = f.local("i32", i32.sub(p0, i32.mul(row, v.outCols)));
      f.for(done, 0, kk, 0, () => {
        const length = smaller(f, i32.sub(kk, done), i32.sub(v.outCols, col));
        const inRow = i32.add(v.startRow, i32.mul(row, v.strideRow));
        const inCol = i32.add(v.startCol, i32.mul(col, v.strideCol));
        f.call(packTaps, args, panels, kk, done, x, inRow, inCol, length, taps, nn);
        f.step(done, length);
        f.step(row, 1);
        f.set(col, 0);
      });
      const g = f.local("i32", i32.add(v.g, i32.add(i32.mul(image, v.gBatch), i32.mul(group, v.gGroup))));
      f.step(g, i32.shl(p0, 2));
      f.for(i, 0, v.m, BLOCK_M, () => {
        const mm = smaller(f, BLOCK_M, i32.sub(v.m, i));
        const left = i32.add(g, i32.mul(i, v.gChannel));
        const to = i32.add(c, i32.mul(i, v.cRow));
        const [one, none] = [f32.const(1), f32.const(-Infinity)];
        f.call(block, left, v.gChannel, 4, panels, to, v.cRow, mm, nn, kk, flags, 0, one, none, scratch);
      });
      f.set(flags, ADD_TO_C);
      f.step(unit, 1);
    });
  }, "convWeight");
}
