/**
 * The gradient of a convolution's weight for GPUs: an implicit matrix product of the result's gradient and the windows, whose inner axis, the
 * positions of all images, is long: it is split over workgroups, and the parts are added up in a fixed order.
 * @module
 */
import type { Dispatch, GpuPlan } from "../device/kernel.ts";
import { convSizes, type ConvWindow } from "./conv_kernel.ts";
import { convUniform, storageBindings } from "./conv_params.ts";
import { tapLets } from "./conv_tiled.wgsl.ts";
import type { MatmulArgs } from "./matmul_kernel.ts";
import { reduceSplits } from "./matmul_reduce.wgsl.ts";
import { foldGrid } from "./wgsl.ts";

const THREADS = 256;
/** Positions of a stage. */
const DEPTH = 16;
/** Workgroups that keep a large GPU busy, and the least positions of a split. */
const ENOUGH = 512;
const MIN_SPLIT = 256;

/** Output channels and taps of a workgroup, multiples of 16. */
export type ConvWeightTile = readonly [channels: number, taps: number];

const times = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

/** Inputs [x, g], output weight. */
export function convWeightTiledGpu(c: ConvWindow, tile: ConvWeightTile = chooseTile(c)): GpuPlan {
  const { groups, outChannels: m } = c;
  const n = c.inChannels * c.kernel[0] * c.kernel[1];
  const positions = c.batch * c.outSize[0] * c.outSize[1];
  const tiles = groups * Math.ceil(m / tile[0]) * Math.ceil(n / tile[1]);
  const wanted = Math.max(1, Math.min(Math.floor(ENOUGH / tiles), Math.floor(positions / MIN_SPLIT)));
  const splitLength = DEPTH * Math.ceil(positions / wanted / DEPTH);
  const splits = Math.ceil(positions / splitLength);
  if (splits === 1) return { dispatches: [product(c, tile, { splits, splitLength, to: 2, offset: c.weight.offset })] };
  const goal = { offset: c.weight.offset, batch: [0, m * n], row: n, col: 1 } as const;
  const args: MatmulArgs = {
    ...{ batch: [1, groups], m, n, k: positions, alpha: 1, bias: null, activation: "none" },
    ...{ a: goal, b: goal, c: goal },
  };
  return {
    dispatches: [
      product(c, tile, { splits, splitLength, to: 3, offset: 0 }),
      reduceSplits(args, { splits, parts: 3, bias: null, c: 2 }),
    ],
    scratch: [4 * splits * groups * m * n],
  };
}

function chooseTile({ inChannels, outChannels, kernel }: ConvWindow): ConvWeightTile {
  return outChannels <= 32 || inChannels * kernel[0] * kernel[1] <= 32 ? [32, 32] : [64, 64];
}

function product(
  c: ConvWindow,
  tile: ConvWeightTile,
  { splits, splitLength, to, offset }: { splits: number; splitLength: number; to: number; offset: number },
): Dispatch {
  const n = c.inChannels * c.kernel[0] * c.kernel[1];
  const [rowTiles, colTiles] = [Math.ceil(c.outChannels / tile[0]), Math.ceil(n / tile[1])];
  const count = splits * c.groups * rowTiles * colTiles;
  const { words, lets } = convUniform(c, { count, rowTiles, colTiles, splitLength, outOffset: offset });
  const head = `${storageBindings(["x", "g", "sums"])}\n${words.declare(3)}`;
  return {
    label: `conv weight tiled ${tile.join("x")}${splits > 1 ? ` split ${splits}` : ""} ${convSizes(c)}`,
    source: source(c, tile, { head, lets }),
    bindings: [0, 1, to],
    uniform: words.data,
    grid: foldGrid(count),
  };
}

function source(c: ConvWindow, [rows, cols]: ConvWeightTile, { head, lets }: { head: string; lets: string }): string {
  const [tm, tn] = [rows / 16, cols / 16];
  const cells = (line: (i: number, j: number) => string) => times(tm, (i) => times(tn, (j) => line(i, j)));
  return `
${head}
var<workgroup> tileG: array<f32, ${DEPTH * (rows + 1)}>;
var<workgroup> tileX: array<f32, ${DEPTH * (cols + 1)}>;
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
${lets}
  let index = i32(workgroup.y * grid.x + workgroup.x);
  if (index >= count) { return; }
  let thread = i32(lane);
  let row0 = (index % rowTiles) * ${rows};
  let col0 = ((index / rowTiles) % colTiles) * ${cols};
  let part = (index / (rowTiles * colTiles)) % groupCount;
  let split = index / (rowTiles * colTiles * groupCount);
  let perImage = outRows * outCols;
  let end = min(batch * perImage, (split + 1) * splitLength);
  let taps = inChannels * ${c.kernel[0] * c.kernel[1]};
  let tx = thread % 16;
  let ty = thread / 16;
${times(tn, tapOf(c))}
${cells((i, j) => `  var s${i}_${j} = 0.0;`)}
  for (var p0 = split * splitLength; p0 < end; p0 += ${DEPTH}) {
    let position = p0 + tx;
    let image = position / perImage;
    let place = position % perImage;
    let row = place / outCols;
    let col = place % outCols;
    let gBase = y0 + image * yBatch + row * yRow + col * yCol + part * outChannels * yChannel;
    let xBase = x0 + image * xBatch + part * inChannels * xChannel;
    let firstRow = startRow + row * strideRow;
    let firstCol = startCol + col * strideCol;
${
    times(tm, (e) =>
      `    tileG[tx * ${rows + 1} + ty + ${e * 16}] = select(0.0, g[gBase + (row0 + ty + ${e * 16}) * yChannel], ` +
      `position < end && row0 + ty + ${e * 16} < outChannels);`)
  }
${
    times(tn, (e) =>
      `    {
      let inRow = firstRow + tapRow${e};
      let inCol = firstCol + tapCol${e};
      let inside = position < end && isTap${e} && inRow >= 0 && inRow < inRows && inCol >= 0 && inCol < inCols;
      tileX[tx * ${cols + 1} + ty + ${
        e * 16
      }] = select(0.0, x[xBase + tapBase${e} + inRow * xRow + inCol * xCol], inside);
    }`)
  }
    workgroupBarrier();
    for (var p = 0; p < ${DEPTH}; p++) {
${times(tm, (i) => `      let a${i} = tileG[p * ${rows + 1} + ty + ${i * 16}];`)}
${times(tn, (j) => `      let b${j} = tileX[p * ${cols + 1} + tx + ${j * 16}];`)}
${cells((i, j) => `      s${i}_${j} += a${i} * b${j};`)}
    }
    workgroupBarrier();
  }
  let to = outOffset + (split * groupCount + part) * outChannels * taps;
${
    cells((i, j) =>
      `  if (row0 + ty + ${i * 16} < outChannels && col0 + tx + ${j * 16} < taps) {
    sums[to + (row0 + ty + ${i * 16}) * taps + col0 + tx + ${j * 16}] = s${i}_${j};
  }`
    )
  }
}
`;
}

/** Names for the e-th tap that a thread stages: whether there is one, its channel's offset, its place in the window. */
function tapOf(c: ConvWindow): (e: number) => string {
  return (e) =>
    `  var isTap${e} = false;
  var tapBase${e} = 0;
  var tapRow${e} = 0;
  var tapCol${e} = 0;
  {
    let k = col0 + ty + ${e * 16};
    ${tapLets("k", c)}
    isTap${e} = k < taps;
    tapBase${e} = channel * xChannel;
    tapRow${e} = i * dilRow;
    tapCol${e} = j * dilCol;
  }`;
}
