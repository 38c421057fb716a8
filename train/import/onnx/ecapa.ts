/** WeSpeaker's ECAPA-TDNN in a graph. @module */
import { deviation } from "./statistics.ts";
import type { Value, Walker } from "./walker.ts";

/** Convolution with bias, ReLU, normalisation. */
async function convReluNorm(walker: Walker, from: Value, { name, kernel, also }: {
  name: string;
  kernel: number;
  also?: readonly string[];
}): Promise<Value> {
  const conv = await walker.conv(`${name}conv`, from, { kernel: [kernel], bias: true, also });
  return await walker.norm(`${name}bn`, walker.plain("Relu", conv));
}

/** Values added up and channels weighed: what leaves a block. */
const SUMS = ["Add", "Mul"];

async function block(
  walker: Walker,
  from: Value,
  { name, dilation }: { name: string; dilation: number },
): Promise<Value> {
  const place = `${name}.se_res2block.`;
  const first = await convReluNorm(walker, from, { name: `${place}0.`, kernel: 1, also: SUMS });
  const parts: Value[] = [];
  for (let i = 0; walker.weightShape()[2] === 3; i++) {
    const before = parts[i - 1], [out] = walker.weightShape();
    if (out !== walker.weightShape()[1]) walker.refuse("a convolution of as many channels as it takes");
    const conv = await walker.conv(`${place}1.convs.${i}`, before === undefined ? first : [...first, ...before], {
      ...{ kernel: [3], dilation, bias: true, ops: before === undefined ? [] : ["Add"] },
    });
    parts.push(await walker.norm(`${place}1.bns.${i}`, walker.plain("Relu", conv)));
  }
  // sums within the parts stand before the normalisation of each
  const last = await convReluNorm(walker, [...first, ...parts.flat()], { name: `${place}2.`, kernel: 1 });
  const squeezed = await walker.linear(`${place}3.linear1`, last, { ops: ["ReduceMean"] });
  const weighed = await walker.linear(`${place}3.linear2`, walker.plain("Relu", squeezed));
  return [...from, ...last, ...walker.plain("Sigmoid", weighed)];
}

/** Goes through the layers of an ECAPA-TDNN; weights get WeSpeaker's names. */
export async function walkEcapa(walker: Walker): Promise<void> {
  const first = await convReluNorm(walker, walker.input, { name: "layer1.", kernel: 5 });
  const outputs: Value[] = [];
  for (const [i, dilation] of [2, 3, 4].entries()) {
    outputs.push(await block(walker, outputs[i - 1] ?? first, { name: `layer${i + 2}`, dilation }));
  }
  const conv = await walker.conv("conv", outputs.flat(), { kernel: [1], bias: true, also: SUMS });
  const joined = walker.plain("Relu", conv);
  const context = walker.op() === "Sqrt" ? deviation(walker, joined, [1e-7]) : null;
  if (context !== null && context.eps === 0) walker.refuse("a deviation with 1e-7 before it");
  const hidden = await walker.conv("pool.linear1", context === null ? joined : [...joined, ...context.value], {
    ...{ kernel: [1], bias: true, also: context === null ? [] : ["ReduceMean"] },
  });
  const scores = await walker.conv("pool.linear2", walker.plain("Tanh", hidden), { kernel: [1], bias: true });
  const axis = walker.attribute("axis");
  if (walker.op() === "Softmax" && axis !== 2 && axis !== -1) walker.refuse("a softmax over time");
  const weights = walker.plain("Softmax", scores);
  const sums = { ops: ["ReduceSum", "Mul"] };
  const root = walker.plain("Sqrt", [...joined, ...weights], {
    ...{ ops: [...sums.ops, "Sub"], also: ["Pow", "Clip", "Max"], constants: [1e-7, 2] },
  });
  const pooled = await walker.norm("bn", [...joined, ...weights, ...root], { ...sums });
  let last = await walker.linear("linear", pooled);
  if (walker.op() === "BatchNormalization") last = await walker.norm("bn2", last);
  await endWithMean(walker, last, "linear");
}

/** The end of a network whose last linear map can take on the subtraction of a mean embedding. */
export async function endWithMean(walker: Walker, last: Value, name: string): Promise<void> {
  const mean = await walker.end(last);
  if (mean === null) return;
  const { shape, data } = walker.arrays[`${name}.bias`];
  if (name === "linear" && "bn2.weight" in walker.arrays || mean.data.length !== data.length) {
    walker.refuse("no mean embedding that is subtracted at the end");
  }
  walker.arrays[`${name}.bias`] = { shape, data: Float32Array.from(data, (b, i) => b - mean.data[i]) };
}
