/**
 * Convolutions as plain loops over numbers, summed in double precision: the oracle of the fast forms.
 * @module
 */
import type { ConvArgs, ConvWindow, ImageLayout } from "./conv_kernel.ts";

type Floats = Float32Array;

const channelAt = ({ offset, batch, channel }: ImageLayout, image: number, index: number): number =>
  offset + image * batch + index * channel;

/** y = activation(conv(x, weight) + bias). */
export function naiveConv(
  c: ConvArgs,
  { x, weight, bias, y }: { x: Floats; weight: Floats; bias: Floats | null; y: Floats },
): void {
  for (let image = 0; image < c.batch; image++) {
    for (let channel = 0; channel < c.groups * c.outChannels; channel++) {
      for (let row = 0; row < c.outSize[0]; row++) {
        for (let col = 0; col < c.outSize[1]; col++) {
          const sum = outputSum(c, { x, weight }, [image, channel, row, col]) +
            (bias === null ? 0 : bias[c.bias! + channel]);
          y[channelAt(c.y, image, channel) + row * c.y.row + col * c.y.col] = c.activation === "relu" && sum < 0
            ? 0
            : sum;
        }
      }
    }
  }
}

function outputSum(
  c: ConvWindow,
  { x, weight }: { x: Floats; weight: Floats },
  [image, channel, row, col]: readonly [number, number, number, number],
): number {
  const group = Math.floor(channel / c.outChannels);
  const w0 = c.weight.offset + group * c.weight.group + (channel % c.outChannels) * c.weight.out;
  let sum = 0;
  for (let i = 0; i < c.kernel[0]; i++) {
    const inRow = c.start[0] + row * c.stride[0] + i * c.dilation[0];
    if (inRow < 0 || inRow >= c.inSize[0]) continue;
    for (let j = 0; j < c.kernel[1]; j++) {
      const inCol = c.start[1] + col * c.stride[1] + j * c.dilation[1];
      if (inCol < 0 || inCol >= c.inSize[1]) continue;
      let [xi, wi] = [channelAt(c.x, image, group * c.inChannels), w0 + i * c.weight.row + j * c.weight.col];
      xi += inRow * c.x.row + inCol * c.x.col;
      for (let n = 0; n < c.inChannels; n++, xi += c.x.channel, wi += c.weight.in) sum += x[xi] * weight[wi];
    }
  }
  return sum;
}

/** weight = Σ over images and positions of x · g, where g lies as `c.y` says. */
export function naiveConvWeight(c: ConvWindow, { x, g, weight }: { x: Floats; g: Floats; weight: Floats }): void {
  for (let channel = 0; channel < c.groups * c.outChannels; channel++) {
    const group = Math.floor(channel / c.outChannels);
    const w0 = c.weight.offset + group * c.weight.group + (channel % c.outChannels) * c.weight.out;
    for (let inner = 0; inner < c.inChannels; inner++) {
      for (let i = 0; i < c.kernel[0]; i++) {
        for (let j = 0; j < c.kernel[1]; j++) {
          weight[w0 + inner * c.weight.in + i * c.weight.row + j * c.weight.col] = //
            weightSum(c, { x, g }, [channel, group * c.inChannels + inner, i, j]);
        }
      }
    }
  }
}

function weightSum(
  c: ConvWindow,
  { x, g }: { x: Floats; g: Floats },
  [outChannel, inChannel, i, j]: readonly [number, number, number, number],
): number {
  let sum = 0;
  for (let image = 0; image < c.batch; image++) {
    const [x0, g0] = [channelAt(c.x, image, inChannel), channelAt(c.y, image, outChannel)];
    for (let row = 0; row < c.outSize[0]; row++) {
      const inRow = c.start[0] + row * c.stride[0] + i * c.dilation[0];
      if (inRow < 0 || inRow >= c.inSize[0]) continue;
      for (let col = 0; col < c.outSize[1]; col++) {
        const inCol = c.start[1] + col * c.stride[1] + j * c.dilation[1];
        if (inCol < 0 || inCol >= c.inSize[1]) continue;
        sum += x[x0 + inRow * c.x.row + inCol * c.x.col] * g[g0 + row * c.y.row + col * c.y.col];
      }
    }
  }
  return sum;
}
