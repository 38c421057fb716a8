/** WeSpeaker's ResNet in a graph. @module */
import { endWithMean } from "./ecapa.ts";
import { deviation } from "./statistics.ts";
import type { Value, Walker } from "./walker.ts";

/** Kernels of a block's convolutions: two of 3 × 3, or a bottleneck. */
const BASIC = [3, 3], BOTTLENECK = [1, 3, 1];

async function block(walker: Walker, from: Value, { name, kernels, stride }: {
  name: string;
  kernels: readonly number[];
  stride: number;
}): Promise<Value> {
  const strided = kernels.indexOf(3);
  let inner = from;
  for (const [i, size] of kernels.entries()) {
    const kernel = [size, size], step = i === strided ? stride : 1;
    const conv = { kernel, stride: [step, step], norm: `${name}.bn${i + 1}` };
    inner = await walker.convNorm(`${name}.conv${i + 1}`, inner, conv);
    if (i < kernels.length - 1) inner = walker.plain("Relu", inner);
  }
  let way = from;
  if (walker.op() === "Conv") {
    const conv = { kernel: [1, 1], stride: [stride, stride], norm: `${name}.shortcut.1` };
    way = await walker.convNorm(`${name}.shortcut.0`, from, conv);
  }
  return walker.plain("Relu", [...inner, ...way], { ops: ["Add"] });
}

/** Goes through the layers of a ResNet; weights get WeSpeaker's names. */
export async function walkResNet(walker: Walker): Promise<void> {
  const conv = await walker.convNorm("conv1", walker.input, { kernel: [3, 3], norm: "bn1" });
  let frames = walker.plain("Relu", conv);
  const kernels = walker.weightShape()[2] === 1 ? BOTTLENECK : BASIC;
  let stage = 1, index = 0;
  while (walker.op() === "Conv" && walker.weightShape().length === 4) {
    const stride = strideOfBlock(walker, kernels);
    if (stride === 2) [stage, index] = [stage + 1, 0];
    frames = await block(walker, frames, { name: `layer${stage}.${index}`, kernels, stride });
    index++;
  }
  if (stage !== 4) walker.refuse(`four stages of blocks instead of ${stage}`);
  const { value: root, eps } = deviation(walker, frames, [1e-7]);
  if (eps === 0) walker.refuse("a deviation with 1e-7 before it");
  let last = await walker.linear("seg_1", [...frames, ...root], { ops: ["ReduceMean"] });
  if (walker.op() === "Relu") {
    const between = await walker.norm("seg_bn_1", walker.plain("Relu", last), { affine: false });
    last = await walker.linear("seg_2", between);
    return await endWithMean(walker, last, "seg_2");
  }
  await endWithMean(walker, last, "seg_1");
}

/** The stride of the first convolution of 3 × 3 that is still to come. */
function strideOfBlock(walker: Walker, kernels: readonly number[]): number {
  if (kernels === BASIC) return walker.strides()[0] ?? 1;
  for (let ahead = 0; ahead < 4; ahead++) {
    if (walker.weightShape(ahead)[2] === 3) return walker.strides(ahead)[0] ?? 1;
  }
  return 1;
}
