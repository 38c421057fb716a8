/**
 * Depthwise convolutions of channels that lie apart: each plane (a channel of an image) is copied between zeros first, so that the loops along
 * columns need no bounds.
 * @module
 */
import { JobArguments } from "./job_arguments.ts";
import type { Body, Func, ModuleBuilder } from "./module.ts";
import { f32, f32x4, i32, type V128, v128 } from "./ops.ts";
import type { Local } from "./value.ts";

/** What both jobs are told: where planes are, the padded plane in scratch, and byte offsets in it at `taps`. Strides are bytes. */
const PLANE_NAMES = [
  ...["x", "xBatch", "xChannel", "xRow", "xCol", "inRows", "inCols", "startRow", "startCol", "strideRow"] as const,
  ...["planeRows", "planeCols", "pitch", "taps", "tapCount", "outRows", "outCols"] as const,
  ...["channels", "perChunk", "total", "scratch", "stride"] as const,
] as const;

/** Arguments of the job `depthwise`: weights at `weight` as (channel, tap), a chunk is `perChunk` planes. */
export const DEPTHWISE_ARGUMENTS = new JobArguments(
  ...PLANE_NAMES,
  ...["weight", "bias", "floor", "y", "yBatch", "yChannel", "yRow"] as const,
);

/** Arguments of the job `depthwiseWeight`: the gradient's planes at `g`, a chunk is `perChunk` channels; output (channel, tap) at `out`. */
export const DEPTHWISE_WEIGHT_ARGUMENTS = new JobArguments(
  ...PLANE_NAMES,
  ...["batch", "g", "gBatch", "gChannel", "gRow", "gCol", "gPitch", "gPlane", "sums", "out"] as const,
);

/** Vectors of a block of columns: enough independent sums to hide the latency of a multiply-add. */
const VECTORS = 8;
/** Taps whose sums are taken together. */
const TAPS = 8;

type I = Local<"i32">;

/** Adds the jobs `depthwise` and `depthwiseWeight`. */
export function addDepthwise(module: ModuleBuilder): void {
  const copyPlane = addCopyPlane(module);
  addForward(module, copyPlane);
  addWeight(module, copyPlane);
}

/** a·b + c. */
export function multiplyAdd(module: ModuleBuilder): (a: V128, b: V128, c: V128) => V128 {
  return module.target.fma ? f32x4.relaxedMadd : (a, b, c) => f32x4.add(f32x4.mul(a, b), c);
}

/**
 * Adds `copyPlane(to, pitch, rows, cols, from, fromRow, fromCol, startRow, startCol, inRows, inCols)`: rows and columns from (startRow,
 * startCol) of a plane on, with zeros for what is outside and up to the pitch, a multiple of 16 bytes.
 */
function addCopyPlane(module: ModuleBuilder): Func {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.func(
    params,
    (f, to, pitch, rows, cols, from, fromRow, fromCol, startRow, startCol, inRows, inCols) => {
      const first = f.local("i32", i32.select(i32.sub(0, startCol), 0, i32.ltS(startCol, 0)));
      const end = f.local("i32", i32.minS(cols, i32.sub(inCols, startCol)));
      const [row, at, source, left] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
      f.for(row, 0, rows, 1, () => {
        f.for(at, 0, pitch, 16, () => f.do(v128.store(i32.add(to, at), ZERO)));
        f.if(i32.ltU(i32.add(startRow, row), inRows), () => {
          const place = i32.add(i32.mul(i32.add(startRow, row), fromRow), i32.mul(i32.add(startCol, first), fromCol));
          f.set(source, i32.add(from, place));
          f.set(at, i32.add(to, i32.shl(first, 2)));
          f.set(left, i32.sub(end, first));
          f.if(i32.eq(fromCol, 4), () =>
            f.while(i32.geS(left, 4), () => {
              f.do(v128.store(at, v128.load(source)));
              f.step(at, 16);
              f.step(source, 16);
              f.step(left, -4);
            }));
          f.while(i32.gtS(left, 0), () => {
            f.do(i32.store(at, i32.load(source)));
            f.step(at, 4);
            f.step(source, fromCol);
            f.step(left, -1);
          });
        });
        f.step(to, pitch);
      });
    },
  );
}

const ZERO = v128.const([0, 0, 0, 0]);

type Planes = Record<typeof PLANE_NAMES[number], I>;

function copyInput(f: Body, copyPlane: Func, v: Planes, [to, from]: readonly [I, I]): void {
  const { pitch, planeRows, planeCols, xRow, xCol, startRow, startCol, inRows, inCols } = v;
  f.call(copyPlane, to, pitch, planeRows, planeCols, from, xRow, xCol, startRow, startCol, inRows, inCols);
}

function addForward(module: ModuleBuilder, copyPlane: Func): void {
  const madd = multiplyAdd(module);
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const v = DEPTHWISE_ARGUMENTS.read(f, args);
    const least = f.local("v128", f32x4.splat(DEPTHWISE_ARGUMENTS.readFloats(f, args, ["floor"]).floor));
    const plane = f.local("i32", i32.add(v.scratch, i32.mul(thread, v.stride)));
    const item = f.local("i32", i32.mul(chunk, v.perChunk));
    const end = f.local("i32", i32.add(item, v.perChunk));
    f.set(end, i32.minS(end, v.total));
    const sums = [...Array(VECTORS)].map(() => f.local("v128"));
    const [row, col, source, target] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
    const [tap, from, w] = [f.local("i32"), f.local("i32"), f.local("v128")];
    const [weights, bias] = [f.local("i32"), f.local("v128")];
    const taps = f.local("i32", i32.shl(v.tapCount, 2));
    /** Sums of 4·count columns from `col` on. */
    const block = (count: number) => {
      const own = sums.slice(0, count);
      own.forEach((sum) => f.set(sum, bias));
      f.for(tap, 0, taps, 4, () => {
        f.set(from, i32.add(source, i32.add(i32.load(i32.add(v.taps, tap)), i32.shl(col, 2))));
        f.set(w, v128.load32Splat(i32.add(weights, tap)));
        own.forEach((sum, n) => f.set(sum, madd(v128.load(from, 16 * n), w, sum)));
      });
      own.forEach((sum) => f.set(sum, f32x4.pmax(sum, least)));
      f.set(from, i32.add(target, i32.shl(col, 2)));
      return own;
    };
    f.while(i32.ltS(item, end), () => {
      const image = f.local("i32", i32.divU(item, v.channels));
      const channel = f.local("i32", i32.sub(item, i32.mul(image, v.channels)));
      const at = (base: I, batch: I, step: I) =>
        f.local("i32", i32.add(base, i32.add(i32.mul(image, batch), i32.mul(channel, step))));
      copyInput(f, copyPlane, v, [plane, at(v.x, v.xBatch, v.xChannel)]);
      f.set(weights, i32.add(v.weight, i32.mul(channel, taps)));
      f.set(bias, ZERO);
      f.if(v.bias, () => f.set(bias, v128.load32Splat(i32.add(v.bias, i32.shl(channel, 2)))));
      f.set(target, at(v.y, v.yBatch, v.yChannel));
      f.set(source, plane);
      f.for(row, 0, v.outRows, 1, () => {
        f.set(col, 0);
        f.while(i32.leS(i32.add(col, 4 * VECTORS), v.outCols), () => {
          block(VECTORS).forEach((sum, n) => f.do(v128.store(from, sum, 16 * n)));
          f.step(col, 4 * VECTORS);
        });
        f.while(i32.leS(i32.add(col, 4), v.outCols), () => {
          block(1).forEach((sum) => f.do(v128.store(from, sum)));
          f.step(col, 4);
        });
        f.if(i32.ltS(col, v.outCols), () => {
          const [sum] = block(1);
          for (let lane = 0; lane < 3; lane++) {
            f.if(i32.ltS(i32.add(col, lane), v.outCols), () => f.do(v128.store32Lane(from, sum, lane, 4 * lane)));
          }
        });
        f.step(source, i32.mul(v.strideRow, v.pitch));
        f.step(target, v.yRow);
      });
      f.step(item, 1);
    });
  }, "depthwise");
}

/** Sum of the four lanes. */
function laneSum(x: V128) {
  const lane = (n: number) => f32x4.lane(x, n);
  return f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3)));
}

function addWeight(module: ModuleBuilder, copyPlane: Func): void {
  const madd = multiplyAdd(module);
  module.func(["i32", "i32", "i32"], (f, args, chunk, thread) => {
    const v = DEPTHWISE_WEIGHT_ARGUMENTS.read(f, args);
    const plane = f.local("i32", i32.add(v.scratch, i32.mul(thread, v.stride)));
    const [gPlane, sums] = [f.local("i32", i32.add(plane, v.gPlane)), f.local("i32", i32.add(plane, v.sums))];
    const channel = f.local("i32", i32.mul(chunk, v.perChunk));
    const end = f.local("i32", i32.add(channel, v.perChunk));
    f.set(end, i32.minS(end, v.total));
    const [image, tap, row, at] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
    const own = [...Array(TAPS)].map(() => f.local("v128"));
    const pointers = [...Array(TAPS)].map(() => f.local("i32"));
    const [gAt, source, value] = [f.local("i32"), f.local("i32"), f.local("v128")];
    /** Adds what an image gives to the sums of `count` taps from `tap` on. */
    const group = (count: number) => {
      const [acc, from] = [own.slice(0, count), pointers.slice(0, count)];
      f.set(at, i32.add(sums, i32.shl(tap, 4)));
      acc.forEach((sum, n) => f.set(sum, v128.load(at, 16 * n)));
      f.set(gAt, gPlane);
      f.set(source, plane);
      f.for(row, 0, v.outRows, 1, () => {
        const offset = (n: number) => i32.load(i32.add(v.taps, i32.shl(tap, 2)), 4 * n);
        from.forEach((p, n) => f.set(p, i32.add(source, offset(n))));
        f.for(at, 0, v.gPitch, 16, () => {
          f.set(value, v128.load(gAt));
          acc.forEach((sum, n) => {
            f.set(sum, madd(v128.load(from[n]), value, sum));
            f.step(from[n], 16);
          });
          f.step(gAt, 16);
        });
        f.step(source, i32.mul(v.strideRow, v.pitch));
      });
      f.set(at, i32.add(sums, i32.shl(tap, 4)));
      acc.forEach((sum, n) => f.do(v128.store(at, sum, 16 * n)));
      f.step(tap, count);
    };
    f.while(i32.ltS(channel, end), () => {
      f.for(tap, 0, v.tapCount, 1, () => f.do(v128.store(i32.add(sums, i32.shl(tap, 4)), ZERO)));
      f.for(image, 0, v.batch, 1, () => {
        const place = (base: I, batch: I, step: I) =>
          f.local("i32", i32.add(base, i32.add(i32.mul(image, batch), i32.mul(channel, step))));
        copyInput(f, copyPlane, v, [plane, place(v.x, v.xBatch, v.xChannel)]);
        const g = place(v.g, v.gBatch, v.gChannel);
        const { gPitch, outRows, outCols, gRow, gCol } = v;
        f.call(copyPlane, gPlane, gPitch, outRows, outCols, g, gRow, gCol, 0, 0, outRows, outCols);
        f.set(tap, 0);
        for (const count of [TAPS, 4, 1]) f.while(i32.leS(i32.add(tap, count), v.tapCount), () => group(count));
      });
      f.for(tap, 0, v.tapCount, 1, () => {
        f.set(value, v128.load(i32.add(sums, i32.shl(tap, 4))));
        const to = i32.add(v.out, i32.shl(i32.add(i32.mul(channel, v.tapCount), tap), 2));
        f.do(f32.store(to, laneSum(value)));
      });
      f.step(channel, 1);
    });
  }, "depthwiseWeight");
}
