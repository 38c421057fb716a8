/**
 * Convolutions, first form: an invocation for each output, or for each element of the weight. Any strides. Slow; kept as the oracle of the
 * tuned forms.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import { type ConvArgs, convSizes, type ConvWindow } from "./conv_kernel.ts";
import { convEpilogue, convUniform, storageBindings } from "./conv_params.ts";
import { foldedGrid, GRID_INDEX, requireTurns } from "./wgsl.ts";

/** One dispatch with an invocation for each output, inputs [x, weight, bias?], output y. */
export function convNaiveGpu(c: ConvArgs, traits: GpuTraits): GpuPlan {
  requireTurns("convolve", (c.inChannels + 1) * (c.kernel[1] + 1) * c.kernel[0], traits);
  const names = ["x", "weight", ...(c.bias === null ? [] : ["bias"]), "y"];
  const { words, lets } = convUniform(c);
  const source = `
${storageBindings(names)}
${words.declare(names.length)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
${lets}
  ${GRID_INDEX.statement}
  var rest = i32(index);
  if (rest >= batch * groupCount * outChannels * outRows * outCols) { return; }
  let col = rest % outCols;
  rest /= outCols;
  let row = rest % outRows;
  rest /= outRows;
  let channel = rest % (groupCount * outChannels);
  let image = rest / (groupCount * outChannels);
  let part = channel / outChannels;
  var acc = 0.0;
  for (var i = 0; i < kRows; i++) {
    let inRow = startRow + row * strideRow + i * dilRow;
    if (inRow < 0 || inRow >= inRows) { continue; }
    for (var j = 0; j < kCols; j++) {
      let inCol = startCol + col * strideCol + j * dilCol;
      if (inCol < 0 || inCol >= inCols) { continue; }
      var xi = x0 + image * xBatch + part * inChannels * xChannel + inRow * xRow + inCol * xCol;
      var wi = w0 + part * wGroup + (channel % outChannels) * wOut + i * wRow + j * wCol;
      for (var n = 0; n < inChannels; n++) {
        acc += x[xi] * weight[wi];
        xi += xChannel;
        wi += wIn;
      }
    }
  }
  y[y0 + image * yBatch + channel * yChannel + row * yRow + col * yCol] = ${convEpilogue(c, "acc", "channel")};
}`;
  return {
    dispatches: [{
      label: `conv naive ${convSizes(c)}`,
      source,
      bindings: names.map((_, i) => i),
      uniform: words.data,
      grid: foldedGrid(c.batch * c.groups * c.outChannels * c.outSize[0] * c.outSize[1], 64),
    }],
  };
}

/** One dispatch with an invocation for each element of the weight, inputs [x, g], output weight. */
export function convWeightNaiveGpu(c: ConvWindow, traits: GpuTraits): GpuPlan {
  requireTurns("take the gradient of a convolution", c.batch * c.outSize[0] * (c.outSize[1] + 1), traits);
  const { words, lets } = convUniform(c);
  const source = `
${storageBindings(["x", "g", "weight"])}
${words.declare(3)}
@compute @workgroup_size(64)
fn main(${GRID_INDEX.parameters}) {
${lets}
  ${GRID_INDEX.statement}
  var rest = i32(index);
  if (rest >= groupCount * outChannels * inChannels * kRows * kCols) { return; }
  let j = rest % kCols;
  rest /= kCols;
  let i = rest % kRows;
  rest /= kRows;
  let inner = rest % inChannels;
  let channel = rest / inChannels;
  let part = channel / outChannels;
  var acc = 0.0;
  for (var image = 0; image < batch; image++) {
    let xi = x0 + image * xBatch + (part * inChannels + inner) * xChannel;
    let gi = y0 + image * yBatch + channel * yChannel;
    for (var row = 0; row < outRows; row++) {
      let inRow = startRow + row * strideRow + i * dilRow;
      if (inRow < 0 || inRow >= inRows) { continue; }
      for (var col = 0; col < outCols; col++) {
        let inCol = startCol + col * strideCol + j * dilCol;
        if (inCol < 0 || inCol >= inCols) { continue; }
        acc += x[xi + inRow * xRow + inCol * xCol] * g[gi + row * yRow + col * yCol];
      }
    }
  }
  weight[w0 + part * wGroup + (channel % outChannels) * wOut + inner * wIn + i * wRow + j * wCol] = acc;
}`;
  return {
    dispatches: [{
      label: `conv weight naive ${convSizes(c)}`,
      source,
      bindings: [0, 1, 2],
      uniform: words.data,
      grid: foldedGrid(c.groups * c.outChannels * c.inChannels * c.kernel[0] * c.kernel[1], 64),
    }],
  };
}
