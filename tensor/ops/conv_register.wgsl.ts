/**
 * Convolutions for software adapters: the windows of a block of positions are laid out as a matrix, which the register kernel of matrix
 * products multiplies. Laying out costs a load and a store an element, each of which serves all output channels. The bias is one more row.
 * @module
 */
import type { Dispatch, GpuPlan } from "../device/kernel.ts";
import { positionBlocks } from "./conv_blocks.ts";
import type { ConvArgs, ConvWindow } from "./conv_kernel.ts";
import { packColumns, packTaps, packWeights, pitchOf, spread } from "./conv_pack.wgsl.ts";
import type { MatmulArgs } from "./matmul_kernel.ts";
import { pack, stripElements, stripsOf } from "./matmul_pack.wgsl.ts";
import { reduceSplits } from "./matmul_reduce.wgsl.ts";
import { multiplyStrips } from "./matmul_register.wgsl.ts";

/** Bytes of the matrix of a block. */
const BLOCK_BYTES = 2 ** 25;

const NOWHERE = { offset: 0, batch: [0, 0], row: 0, col: 0 } as const;
const PLAIN = { alpha: 1, bias: null, activation: "none", a: NOWHERE, b: NOWHERE } as const;

/** Positions of a block whose windows have `row` elements each. */
const mostPositions = (groups: number, row: number, bytes: number) =>
  Math.max(4, 4 * Math.floor(bytes / (16 * groups * row)));

/** Inputs [x, weight, bias?], output y. */
export function convRegisterGpu(c: ConvArgs, bytes = BLOCK_BYTES): GpuPlan {
  const { groups, outChannels: m, outSize, y } = c;
  const taps = c.inChannels * c.kernel[0] * c.kernel[1];
  const k = taps + (c.bias === null ? 0 : 1);
  const output = c.bias === null ? 2 : 3;
  const [weights, columns, parts, dense] = [output + 1, output + 2, output + 3, output + 4];
  const rowMajor = y.col === 1 && (outSize[0] === 1 || y.row === outSize[1]);
  const positions = outSize[0] * outSize[1];
  const goal = rowMajor ? y : { offset: 0, batch: groups * m * positions, channel: positions };
  const blocks = positionBlocks(c, mostPositions(groups, k, bytes));
  const dispatches: Dispatch[] = [packWeights(c, { from: 1, bias: c.bias === null ? null : 2, to: weights })];
  let [columnBytes, partBytes] = [0, 0];
  for (const block of blocks) {
    const matrix = stripElements(k, block.count);
    dispatches.push(packColumns(c, block, { ones: c.bias !== null, from: 0, to: columns }));
    const args: MatmulArgs = {
      ...PLAIN,
      ...{ batch: [block.images, groups], m, n: block.count, k, activation: c.activation },
      c: {
        offset: goal.offset + block.image * goal.batch + block.first,
        ...{ batch: [goal.batch, m * goal.channel], row: goal.channel, col: 1 },
      },
    };
    const product = multiplyStrips(args, {
      a: stripsOf(k, [0, stripElements(k, m)]),
      b: stripsOf(k, [groups * matrix, matrix]),
      bindings: { a: weights, b: columns, bias: null, c: rowMajor ? output : dense, parts },
    });
    dispatches.push(...product.dispatches);
    columnBytes = Math.max(columnBytes, 4 * block.images * groups * matrix);
    partBytes = Math.max(partBytes, product.partBytes);
  }
  if (!rowMajor) dispatches.push(spread(c, { from: dense, to: output }));
  const denseBytes = rowMajor ? 4 : 4 * c.batch * groups * m * positions;
  return { dispatches, scratch: [4 * groups * stripElements(k, m), columnBytes, Math.max(4, partBytes), denseBytes] };
}

/**
 * Inputs [x, g], output weight; g lies row-major or channels last, so that positions are `y.col` apart. The products of blocks are added up
 * whenever so many are there that one more would not fit into `bytes`.
 */
export function convWeightRegisterGpu(c: ConvWindow, bytes = BLOCK_BYTES): GpuPlan {
  const { groups, outChannels: m, y } = c;
  const n = c.inChannels * c.kernel[0] * c.kernel[1];
  const [output, gPanel, taps, parts, sums] = [2, 3, 4, 5, 6];
  const blocks = positionBlocks(c, mostPositions(groups, pitchOf(n) + pitchOf(m), bytes));
  const dispatches: Dispatch[] = [];
  let [gBytes, tapBytes, partBytes] = [0, 0, 0];
  const whole = { ...PLAIN, batch: [1, groups], m, n } as const;
  const goal = { offset: c.weight.offset, batch: [0, m * n], row: n, col: 1 } as const;
  const resultBytes = 4 * groups * m * n;
  const together = Math.min(blocks.length, Math.max(1, Math.floor(bytes / resultBytes)));
  blocks.forEach((block, i) => {
    const k = block.images * block.count, place = i % together;
    const offset = y.offset + block.image * y.batch + block.first * y.col;
    const panel = { offset, batch: [m * y.channel, y.batch], inner: y.col, outer: y.channel } as const;
    const batch = [groups, block.images] as const;
    const packed = pack(panel, { k: block.count, size: m, batch, joined: true, from: 1, to: gPanel });
    const args: MatmulArgs = {
      ...{ ...whole, k },
      c: blocks.length === 1 ? goal : { ...goal, offset: place * groups * m * n },
    };
    const product = multiplyStrips(args, {
      a: stripsOf(k, [0, stripElements(k, m)]),
      b: stripsOf(k, [0, stripElements(k, n)]),
      bindings: { a: gPanel, b: taps, bias: null, c: blocks.length === 1 ? output : sums, parts },
    });
    dispatches.push(packed.dispatch, packTaps(c, block, { from: 0, to: taps }), ...product.dispatches);
    if (blocks.length > 1 && (place === together - 1 || i === blocks.length - 1)) {
      const some = { splits: place + 1, parts: sums, bias: null, c: output, adds: i >= together };
      dispatches.push(reduceSplits({ ...whole, k: 1, c: goal }, some));
    }
    gBytes = Math.max(gBytes, packed.bytes);
    tapBytes = Math.max(tapBytes, 4 * groups * stripElements(k, n));
    partBytes = Math.max(partBytes, product.partBytes);
  });
  return {
    dispatches,
    scratch: [gBytes, tapBytes, Math.max(4, partBytes), blocks.length === 1 ? 4 : together * resultBytes],
  };
}
