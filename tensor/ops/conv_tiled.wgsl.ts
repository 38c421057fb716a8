/**
 * Convolutions for GPUs as implicit matrix products: a workgroup of 256 stages a tile of the weights and a tile of the windows, gathered
 * straight from the images, through shared memory, and computes several output channels at several positions a thread. Positions of all
 * images count through, so that small images fill tiles too. The kernel's size is part of the source: dividing by it then costs little.
 * @module
 */
import type { GpuPlan } from "../device/kernel.ts";
import { type ConvArgs, convSizes } from "./conv_kernel.ts";
import { convEpilogue, convUniform, storageBindings } from "./conv_params.ts";
import { foldGrid } from "./wgsl.ts";

/** Output channels and positions of a workgroup; channels a multiple of 16, positions 32 or 64. */
export type ConvTile = readonly [channels: number, positions: number];

const THREADS = 256;
/** Taps of a stage. */
const DEPTH = 16;

const times = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

/** Large tiles unless they would be mostly empty or too few for the GPU. */
function chooseTile({ batch, groups, outChannels, outSize }: ConvArgs): ConvTile {
  const positions = batch * outSize[0] * outSize[1];
  if (outChannels <= 32 || positions <= 32) return [32, 32];
  const large = groups * Math.ceil(outChannels / 128) * Math.ceil(positions / 64);
  return outChannels >= 128 && large >= 256 ? [128, 64] : [64, 64];
}

/** One dispatch. Inputs [x, weight, bias?], output y. */
export function convTiledGpu(c: ConvArgs, tile: ConvTile = chooseTile(c)): GpuPlan {
  const positions = c.batch * c.outSize[0] * c.outSize[1];
  const [rowTiles, colTiles] = [Math.ceil(c.outChannels / tile[0]), Math.ceil(positions / tile[1])];
  const names = ["x", "weight", ...(c.bias === null ? [] : ["bias"]), "y"];
  const count = c.groups * rowTiles * colTiles;
  const { words, lets } = convUniform(c, { count, rowTiles, colTiles });
  return {
    dispatches: [{
      label: `conv tiled ${tile.join("x")} ${convSizes(c)}`,
      source: source(c, tile, { head: `${storageBindings(names)}\n${words.declare(names.length)}`, lets }),
      bindings: names.map((_, i) => i),
      uniform: words.data,
      grid: foldGrid(count),
    }],
  };
}

/** Channel and place in the window of tap `k`, for a kernel whose size is known. */
export function tapLets(k: string, { kernel: [rows, cols] }: ConvArgs | { kernel: readonly [number, number] }): string {
  return `let channel = (${k}) / ${rows * cols};
      let i = ((${k}) / ${cols}) % ${rows};
      let j = (${k}) % ${cols};`;
}

function source(c: ConvArgs, [rows, cols]: ConvTile, { head, lets }: { head: string; lets: string }): string {
  const [tm, tn] = [rows / 16, cols / 16];
  const cells = (line: (i: number, j: number) => string) => times(tm, (i) => times(tn, (j) => line(i, j)));
  return `
${head}
var<workgroup> tileW: array<f32, ${DEPTH * (rows + 1)}>;
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
  let part = index / (rowTiles * colTiles);
  let perImage = outRows * outCols;
  let positions = batch * perImage;
  let taps = inChannels * ${c.kernel[0] * c.kernel[1]};
  let myCol = thread % ${cols};
  let position = col0 + myCol;
  let image = position / perImage;
  let place = position % perImage;
  let firstRow = startRow + (place / outCols) * strideRow;
  let firstCol = startCol + (place % outCols) * strideCol;
  let xBase = x0 + image * xBatch + part * inChannels * xChannel;
  let wBase = w0 + part * wGroup;
  let tx = thread % 16;
  let ty = thread / 16;
${cells((i, j) => `  var s${i}_${j} = 0.0;`)}
  for (var k0 = 0; k0 < taps; k0 += ${DEPTH}) {
    {
      let k = k0 + tx;
      ${tapLets("k", c)}
      let at = wBase + channel * wIn + i * wRow + j * wCol;
${
    times(tm, (e) =>
      `      tileW[tx * ${rows + 1} + ty + ${e * 16}] = select(0.0, weight[at + (row0 + ty + ${e * 16}) * wOut], ` +
      `k < taps && row0 + ty + ${e * 16} < outChannels);`)
  }
    }
    for (var depth = thread / ${cols}; depth < ${DEPTH}; depth += ${THREADS / cols}) {
      let k = k0 + depth;
      ${tapLets("k", c)}
      let inRow = firstRow + i * dilRow;
      let inCol = firstCol + j * dilCol;
      let inside = k < taps && position < positions && inRow >= 0 && inRow < inRows && inCol >= 0 && inCol < inCols;
      tileX[depth * ${
    cols + 1
  } + myCol] = select(0.0, x[xBase + channel * xChannel + inRow * xRow + inCol * xCol], inside);
    }
    workgroupBarrier();
    for (var p = 0; p < ${DEPTH}; p++) {
${times(tm, (i) => `      let a${i} = tileW[p * ${rows + 1} + ty + ${i * 16}];`)}
${times(tn, (j) => `      let b${j} = tileX[p * ${cols + 1} + tx + ${j * 16}];`)}
${cells((i, j) => `      s${i}_${j} += a${i} * b${j};`)}
    }
    workgroupBarrier();
  }
${times(tn, (j) => storeColumn(c, j, tm))}
}
`;
}

/** Stores a thread's channels at its j-th position. */
function storeColumn(c: ConvArgs, j: number, tm: number): string {
  return `  {
    let position = col0 + tx + ${j * 16};
    let place = position % perImage;
    let at = y0 + (position / perImage) * yBatch + (place / outCols) * yRow + (place % outCols) * yCol;
${
    times(tm, (i) =>
      `    if (position < positions && row0 + ty + ${i * 16} < outChannels) {
      let channel = part * outChannels + row0 + ty + ${i * 16};
      y[at + channel * yChannel] = ${convEpilogue(c, `s${i}_${j}`, "channel")};
    }`)
  }
  }`;
}
