/**
 * Depthwise convolutions of channels that lie together for each position: vectors go along channels. A position outside of the image is read
 * from zeros, or left out of a sum.
 * @module
 */
import { multiplyAdd } from "./depthwise.ts";
import { JobArguments } from "./job_arguments.ts";
import type { ModuleBuilder } from "./module.ts";
import { f32x4, type I32, i32, v128 } from "./ops.ts";
import type { Local, Value } from "./value.ts";

/** What both jobs are told. Strides are bytes. */
const LAST_NAMES = [
  ...["x", "xBatch", "xRow", "xCol", "inRows", "inCols", "startRow", "startCol", "strideRow", "strideCol"] as const,
  ...["kRows", "kCols", "dilRow", "dilCol", "outRows", "outCols", "channels"] as const,
] as const;

/** Arguments of the job `depthwiseLast`: weights at `weight` as (tap, channel); a chunk is `perChunk` columns of a row of an image. */
export const DEPTHWISE_LAST_ARGUMENTS = new JobArguments(
  ...LAST_NAMES,
  ...["weight", "bias", "floor", "y", "yBatch", "yRow", "yCol", "perChunk", "chunksPerRow", "zeros"] as const,
);

/** Arguments of the job `depthwiseLastWeight`: a chunk is 16 channels; output (channel, tap) at `out`. */
export const DEPTHWISE_LAST_WEIGHT_ARGUMENTS = new JobArguments(
  ...LAST_NAMES,
  ...["batch", "g", "gBatch", "gRow", "gCol", "out"] as const,
);

/** Positions and vectors whose sums are taken together. */
const [POSITIONS, VECTORS] = [4, 2];
/** Channels of a chunk of the weight's gradient. */
export const LAST_CHANNELS = 16;

type I = Local<"i32">;
const ZERO = v128.const([0, 0, 0, 0]);

/** Adds the jobs `depthwiseLast` and `depthwiseLastWeight`. */
export function addDepthwiseLast(module: ModuleBuilder): void {
  addForward(module);
  addWeight(module);
}

function addForward(module: ModuleBuilder): void {
  const madd = multiplyAdd(module);
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const v = DEPTHWISE_LAST_ARGUMENTS.read(f, args);
    const least = f.local("v128", f32x4.splat(DEPTHWISE_LAST_ARGUMENTS.readFloats(f, args, ["floor"]).floor));
    const line = f.local("i32", i32.divU(chunk, v.chunksPerRow));
    const col = f.local("i32", i32.mul(i32.sub(chunk, i32.mul(line, v.chunksPerRow)), v.perChunk));
    const end = f.local("i32", i32.add(col, v.perChunk));
    f.set(end, i32.minS(end, v.outCols));
    const image = f.local("i32", i32.divU(line, v.outRows));
    const row = f.local("i32", i32.sub(line, i32.mul(image, v.outRows)));
    const x = f.local("i32", i32.add(v.x, i32.mul(image, v.xBatch)));
    const y = f.local("i32", i32.add(v.y, i32.add(i32.mul(image, v.yBatch), i32.mul(row, v.yRow))));
    const inRow = f.local("i32", i32.add(v.startRow, i32.mul(row, v.strideRow)));
    const channelBytes = f.local("i32", i32.shl(v.channels, 2));
    const sums = [...Array(POSITIONS * VECTORS)].map(() => f.local("v128"));
    const weights = [...Array(VECTORS)].map(() => f.local("v128"));
    const pointers = [...Array(POSITIONS)].map(() => f.local("i32"));
    const places = [...Array(POSITIONS)].map(() => f.local("i32"));
    const [i, j, c, w, from, dense, target] = [...Array(7)].map(() => f.local("i32"));
    const stepCol = f.local("i32", i32.mul(v.strideCol, v.xCol));
    const tapCol = f.local("i32", i32.mul(v.dilCol, v.xCol));
    const reach = f.local("i32", i32.mul(v.dilCol, i32.sub(v.kCols, 1)));
    /** Sums of `positions` from `col` on and 4·vectors channels from byte c on. */
    const block = (positions: number, vectors: number) => {
      const own = sums.slice(0, positions * vectors);
      own.forEach((sum, n) => {
        f.set(sum, ZERO);
        f.if(v.bias, () => f.set(sum, v128.load(i32.add(v.bias, c), 16 * (n % vectors))));
      });
      f.set(w, i32.add(v.weight, c));
      f.for(i, 0, v.kRows, 1, () => {
        const tapRow = f.local("i32", i32.add(inRow, i32.mul(i, v.dilRow)));
        f.if(
          i32.ltU(tapRow, v.inRows),
          () => rowOfTaps(positions, vectors, tapRow),
          () => f.step(w, i32.mul(channelBytes, v.kCols)),
        );
      });
      f.set(target, i32.add(y, i32.add(i32.mul(col, v.yCol), c)));
      for (let p = 0; p < positions; p++) {
        const values = own.slice(p * vectors, (p + 1) * vectors);
        values.forEach((sum) => f.set(sum, f32x4.pmax(sum, least)));
        storeChannels(values);
        f.step(target, v.yCol);
      }
    };
    const rowOfTaps = (positions: number, vectors: number, tapRow: I) => {
      const firstCol = f.local("i32", i32.add(v.startCol, i32.mul(col, v.strideCol)));
      const last = i32.add(i32.add(firstCol, i32.mul(v.strideCol, positions - 1)), reach);
      f.set(dense, i32.and(i32.geS(firstCol, 0), i32.ltS(last, v.inCols)));
      const [own, cols] = [pointers.slice(0, positions), places.slice(0, positions)];
      own.forEach((p, n) => {
        const before = n === 0 ? null : [own[n - 1], cols[n - 1]] as const;
        const start = i32.add(x, i32.add(i32.add(i32.mul(tapRow, v.xRow), i32.mul(firstCol, v.xCol)), c));
        f.set(p, before === null ? start : i32.add(before[0], stepCol));
        f.set(cols[n], before === null ? firstCol : i32.add(before[1], v.strideCol));
      });
      const taps = (address: (n: number) => Value<"i32">) =>
        f.for(j, 0, v.kCols, 1, () => {
          weights.slice(0, vectors).forEach((value, n) => f.set(value, v128.load(w, 16 * n)));
          own.forEach((p, n) => {
            f.set(from, address(n));
            for (let k = 0; k < vectors; k++) {
              const sum = sums[n * vectors + k];
              f.set(sum, madd(v128.load(from, 16 * k), weights[k], sum));
            }
            f.step(p, tapCol);
          });
          f.step(w, channelBytes);
        });
      f.if(dense, () => taps((n) => own[n]), () => {
        const inside = (n: number) => i32.ltU(i32.add(cols[n], i32.mul(j, v.dilCol)), v.inCols);
        taps((n) => i32.select(own[n], v.zeros, inside(n)));
      });
    };
    /** Stores vectors of channels; of the last vector only the channels that there are. */
    const storeChannels = (values: readonly Local<"v128">[]) => {
      f.if(
        i32.leS(i32.add(c, 16 * values.length), channelBytes),
        () => values.forEach((sum, n) => f.do(v128.store(target, sum, 16 * n))),
        () =>
          values.forEach((sum, n) => {
            for (let lane = 0; lane < 4; lane++) {
              const at = 16 * n + 4 * lane;
              f.if(i32.ltS(i32.add(c, at), channelBytes), () => f.do(v128.store32Lane(target, sum, lane, at)));
            }
          }),
      );
    };
    for (const positions of [POSITIONS, 1]) {
      f.while(i32.leS(i32.add(col, positions), end), () => {
        f.set(c, 0);
        f.while(i32.ltS(i32.add(c, 16), channelBytes), () => {
          block(positions, VECTORS);
          f.step(c, 16 * VECTORS);
        });
        f.if(i32.ltS(c, channelBytes), () => block(positions, 1));
        f.step(col, positions);
      });
    }
  }, "depthwiseLast");
}

/** The smallest whole number of strides that reaches `distance`, not below 0. */
const stepsTo = (distance: Value<"i32">, stride: I): Value<"i32"> =>
  i32.select(i32.divS(i32.add(distance, i32.sub(stride, 1)), stride), 0, i32.gtS(distance, 0));

function addWeight(module: ModuleBuilder): void {
  const madd = multiplyAdd(module);
  module.func(["i32", "i32", "i32"], (f, args, chunk) => {
    const v = DEPTHWISE_LAST_WEIGHT_ARGUMENTS.read(f, args);
    const c0 = f.local("i32", i32.mul(chunk, LAST_CHANNELS));
    const sums = [...Array(LAST_CHANNELS / 4)].map(() => f.local("v128"));
    const [i, j, image, row, left, p, q, tap] = [...Array(8)].map(() => f.local("i32"));
    const stepCol = f.local("i32", i32.mul(v.strideCol, v.xCol));
    const at = (base: I, ...terms: readonly (readonly [I32, I32])[]): Value<"i32"> =>
      terms.reduce((sum: Value<"i32">, [a, b]) => i32.add(sum, i32.mul(a, b)), base);
    f.set(tap, 0);
    f.for(i, 0, v.kRows, 1, () =>
      f.for(j, 0, v.kCols, 1, () => {
        sums.forEach((sum) => f.set(sum, ZERO));
        // columns of the output that meet a column of the image
        const first = f.local("i32", i32.add(v.startCol, i32.mul(j, v.dilCol)));
        const low = f.local("i32", stepsTo(i32.sub(0, first), v.strideCol));
        const high = f.local("i32", stepsTo(i32.sub(v.inCols, first), v.strideCol));
        f.set(high, i32.minS(high, v.outCols));
        f.for(image, 0, v.batch, 1, () =>
          f.for(row, 0, v.outRows, 1, () => {
            const rowStart = i32.add(v.startRow, i32.mul(row, v.strideRow));
            const inRow = f.local("i32", i32.add(rowStart, i32.mul(i, v.dilRow)));
            f.if(i32.ltU(inRow, v.inRows), () => {
              const inCol = i32.add(first, i32.mul(low, v.strideCol));
              f.set(p, at(v.x, [image, v.xBatch], [inRow, v.xRow], [inCol, v.xCol], [c0, 4]));
              f.set(q, at(v.g, [image, v.gBatch], [row, v.gRow], [low, v.gCol], [c0, 4]));
              f.set(left, i32.sub(high, low));
              f.while(i32.gtS(left, 0), () => {
                sums.forEach((sum, n) => f.set(sum, madd(v128.load(p, 16 * n), v128.load(q, 16 * n), sum)));
                f.step(p, stepCol);
                f.step(q, v.gCol);
                f.step(left, -1);
              });
            });
          }));
        const taps = f.local("i32", i32.mul(v.kRows, v.kCols));
        f.set(p, at(v.out, [i32.add(i32.mul(c0, taps), tap), 4]));
        for (let lane = 0; lane < LAST_CHANNELS; lane++) {
          const value = sums[lane >> 2];
          f.if(i32.ltS(i32.add(c0, lane), v.channels), () => f.do(v128.store32Lane(p, value, lane & 3)));
          f.step(p, i32.shl(taps, 2));
        }
        f.step(tap, 1);
      }));
  }, "depthwiseLastWeight");
}
