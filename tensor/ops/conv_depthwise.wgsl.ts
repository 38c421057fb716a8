/**
 * Depthwise convolutions on any GPU: an invocation slides along a row with 8 numbers of it in registers, so that each is read once for 8
 * outputs (or 8 taps of the weight's gradient). Neighbouring invocations go along what lies together in memory.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import { type ConvArgs, convSizes, type ConvWindow } from "./conv_kernel.ts";
import { convEpilogue, convUniform, storageBindings } from "./conv_params.ts";
import type { MatmulArgs } from "./matmul_kernel.ts";
import { reduceSplits } from "./matmul_reduce.wgsl.ts";
import { foldedGrid, requireTurns } from "./wgsl.ts";

/** Numbers in registers. */
const WIDTH = 8;
/** Invocations that keep a large GPU busy, and the most loop turns of one. */
const ENOUGH = 2 ** 14;
const MOST_TURNS = 32768;

const times = (line: (i: number) => string) => Array.from({ length: WIDTH }, (_, i) => line(i)).join("\n");

/** True where each channel meets itself only and these kernels take the window. */
export function isDepthwiseGpu({ inChannels, outChannels, groups, stride }: ConvWindow): boolean {
  return groups > 1 && inChannels === 1 && outChannels === 1 && stride[1] === 1;
}

const ENTRY = `@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {`;
const INDEX = "let index = i32((workgroup.y * grid.x + workgroup.x) * 64u + lane);";

/** A number of the input row, zero outside. */
const inputAt = (col: string) => `select(0.0, x[line + (${col}) * xCol], (${col}) >= 0 && (${col}) < inCols)`;

/** The outputs of an invocation lie `dilCol` apart. Inputs [x, weight, bias?], output y. */
export function convDepthwiseGpu(c: ConvArgs, traits: GpuTraits): GpuPlan {
  requireTurns("convolve", c.kernel[0] * (c.kernel[1] + 1), traits);
  const names = ["x", "weight", ...(c.bias === null ? [] : ["bias"]), "y"];
  const runs = Math.ceil(c.outSize[1] / (WIDTH * c.dilation[1])) * c.dilation[1];
  const count = c.batch * c.groups * c.outSize[0] * runs;
  const { words, lets } = convUniform(c, { count, runs });
  const channelFirst = c.y.channel === 1 ? ["groupCount", "runs"] : ["runs", "groupCount"];
  const source = `
${storageBindings(names)}
${words.declare(names.length)}
${ENTRY}
${lets}
  ${INDEX}
  if (index >= count) { return; }
  let first = index % ${channelFirst[0]};
  let second = (index / ${channelFirst[0]}) % ${channelFirst[1]};
  let channel = ${c.y.channel === 1 ? "first" : "second"};
  let run = ${c.y.channel === 1 ? "second" : "first"};
  let row = (index / (runs * groupCount)) % outRows;
  let image = index / (runs * groupCount * outRows);
  let col0 = (run / dilCol) * ${WIDTH} * dilCol + run % dilCol;
${times((r) => `  var s${r} = 0.0;`)}
  for (var i = 0; i < kRows; i++) {
    let inRow = startRow + row * strideRow + i * dilRow;
    if (inRow < 0 || inRow >= inRows) { continue; }
    let line = x0 + image * xBatch + channel * xChannel + inRow * xRow;
    var wi = w0 + channel * wGroup + i * wRow;
    var at = startCol + col0;
    var v0 = 0.0;
${times((r) => r === 0 ? "" : `    var v${r} = ${inputAt(`at + ${r - 1} * dilCol`)};`)}
    at += ${WIDTH - 1} * dilCol;
    for (var j = 0; j < kCols; j++) {
${times((r) => r === WIDTH - 1 ? `      v${r} = ${inputAt("at")};` : `      v${r} = v${r + 1};`)}
      let w = weight[wi];
${times((r) => `      s${r} += w * v${r};`)}
      wi += wCol;
      at += dilCol;
    }
  }
  let to = y0 + image * yBatch + channel * yChannel + row * yRow;
${
    times((r) => {
      const col = `col0 + ${r} * dilCol`;
      return `  if (${col} < outCols) { y[to + (${col}) * yCol] = ${convEpilogue(c, `s${r}`, "channel")}; }`;
    })
  }
}`;
  return {
    dispatches: [{
      label: `conv depthwise ${convSizes(c)}`,
      source,
      bindings: names.map((_, i) => i),
      uniform: words.data,
      grid: foldedGrid(count, 64),
    }],
  };
}

/** An invocation takes 8 taps of a row of the window and some rows of the images. Inputs [x, g], output weight. */
export function convDepthwiseWeightGpu(c: ConvWindow, traits: GpuTraits): GpuPlan {
  const { groups, kernel: [kRows, kCols], outSize, batch, dilation } = c;
  const tapGroups = kRows * Math.ceil(kCols / WIDTH);
  const lines = batch * outSize[0];
  const turns = outSize[1] + dilation[1] + 1;
  requireTurns("take the gradient of a convolution", turns, traits);
  const wanted = Math.max(Math.ceil(ENOUGH / (groups * tapGroups)), Math.ceil(lines * turns / MOST_TURNS));
  const perSplit = Math.ceil(lines / Math.min(lines, wanted));
  const splits = Math.ceil(lines / perSplit);
  const count = groups * tapGroups * splits;
  const { words, lets } = convUniform(c, {
    ...{ count, tapGroups, perSplit, lines },
    outOffset: splits === 1 ? c.weight.offset : 0,
  });
  const [near, far] = c.x.channel === 1 ? ["channel", "taps8"] : ["taps8", "channel"];
  const sizes: Record<string, string> = { channel: "groupCount", taps8: "tapGroups" };
  const source = `
${storageBindings(["x", "g", "sums"])}
${words.declare(3)}
${ENTRY}
${lets}
  ${INDEX}
  if (index >= count) { return; }
  let ${near} = index % ${sizes[near]};
  let ${far} = (index / ${sizes[near]}) % ${sizes[far]};
  let split = index / (groupCount * tapGroups);
  let perRow = tapGroups / kRows;
  let i = taps8 / perRow;
  let j0 = (taps8 % perRow) * ${WIDTH};
${times((r) => `  var s${r} = 0.0;`)}
  for (var n = split * perSplit; n < min(lines, (split + 1) * perSplit); n++) {
    let image = n / outRows;
    let row = n % outRows;
    let inRow = startRow + row * strideRow + i * dilRow;
    if (inRow < 0 || inRow >= inRows) { continue; }
    let line = x0 + image * xBatch + channel * xChannel + inRow * xRow;
    let gLine = y0 + image * yBatch + channel * yChannel + row * yRow;
    for (var phase = 0; phase < dilCol; phase++) {
      var at = startCol + phase + j0 * dilCol;
      var v0 = 0.0;
${times((r) => r === 0 ? "" : `      var v${r} = ${inputAt(`at + ${r - 1} * dilCol`)};`)}
      at += ${WIDTH - 1} * dilCol;
      for (var col = phase; col < outCols; col += dilCol) {
${times((r) => r === WIDTH - 1 ? `        v${r} = ${inputAt("at")};` : `        v${r} = v${r + 1};`)}
        let value = g[gLine + col * yCol];
${times((r) => `        s${r} += value * v${r};`)}
        at += dilCol;
      }
    }
  }
  let to = outOffset + ((split * groupCount + channel) * kRows + i) * kCols + j0;
${times((r) => `  if (j0 + ${r} < kCols) { sums[to + ${r}] = s${r}; }`)}
}`;
  const dispatch = {
    label: `conv depthwise weight${splits > 1 ? ` split ${splits}` : ""} ${convSizes(c)}`,
    source,
    bindings: [0, 1, splits === 1 ? 2 : 3],
    uniform: words.data,
    grid: foldedGrid(count, 64),
  };
  if (splits === 1) return { dispatches: [dispatch] };
  const n = kRows * kCols;
  const goal = { offset: c.weight.offset, batch: [0, 0], row: n, col: 1 } as const;
  const args: MatmulArgs = {
    ...{ batch: [1, 1], m: groups, n, k: 1, alpha: 1, bias: null, activation: "none" },
    ...{ a: goal, b: goal, c: goal },
  };
  return {
    dispatches: [dispatch, reduceSplits(args, { splits, parts: 3, bias: null, c: 2 })],
    scratch: [4 * splits * groups * n],
  };
}
