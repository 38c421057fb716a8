/** CAM++ of WeSpeaker and 3D-Speaker in a graph. @module */
import { deviation } from "./statistics.ts";
import type { Value, Walker } from "./walker.ts";

async function picturesOf(walker: Walker): Promise<Value> {
  const half = [2, 1], whole = [1, 1], kernel = [3, 3];
  const conv = await walker.convNorm("head.conv1", walker.input, { kernel, norm: "head.bn1" });
  let picture = walker.plain("Relu", conv);
  for (const name of ["layer1.0", "layer1.1", "layer2.0", "layer2.1"].map((block) => `head.${block}`)) {
    const isFirst = name.endsWith("0"), stride = isFirst ? half : whole;
    const first = await walker.convNorm(`${name}.conv1`, picture, { kernel, stride, norm: `${name}.bn1` });
    const inner = await walker.convNorm(`${name}.conv2`, walker.plain("Relu", first), { kernel, norm: `${name}.bn2` });
    const way = isFirst
      ? await walker.convNorm(`${name}.shortcut.0`, picture, { kernel: [1, 1], stride, norm: `${name}.shortcut.1` })
      : picture;
    picture = walker.plain("Relu", [...inner, ...way], { ops: ["Add"] });
  }
  const last = await walker.convNorm("head.conv2", picture, { kernel, stride: half, norm: "head.bn2" });
  return walker.plain("Relu", last);
}

/** What leaves a dense layer is weighed, and joins what came before. */
const MASKED = { also: ["Mul"] };

/** Whether the layers to come are a dense layer, and not the map behind a block: one of 3 frames follows. */
function isDense(walker: Walker): boolean {
  const order = [0, 1, 2, 3, 4, 5].map((ahead) => walker.op(ahead));
  if (order.slice(0, 3).join() !== "BatchNormalization,Relu,Conv") return false;
  for (let ahead = 3; ahead < 8; ahead++) {
    if (walker.op(ahead) === "Conv") return walker.weightShape(ahead)[2] === 3;
  }
  return false;
}

async function dense(
  walker: Walker,
  from: Value,
  { name, dilation }: { name: string; dilation: number },
): Promise<Value> {
  const before = walker.plain("Relu", await walker.norm(`${name}.nonlinear1.batchnorm`, from, MASKED));
  const narrow = await walker.convNorm(`${name}.linear1`, before, {
    kernel: [1],
    norm: `${name}.nonlinear2.batchnorm`,
  });
  const x = walker.plain("Relu", narrow), cam = `${name}.cam_layer`;
  // exporters write the means before or behind the convolution
  const early = walker.op() === "AveragePool" ? segments(walker, x) : null;
  const local = await walker.conv(`${cam}.linear_local`, x, { kernel: [3], dilation });
  const means = early ?? segments(walker, x);
  const context = { kernel: [1], bias: true, ops: ["ReduceMean", "Add"], also: ["Pad"] };
  const hidden = walker.plain("Relu", await walker.conv(`${cam}.linear1`, [...x, ...means], context));
  const mask = await walker.conv(`${cam}.linear2`, hidden, { kernel: [1], bias: true });
  return [...local, ...walker.plain("Sigmoid", mask)];
}

/** Means of segments of 100 frames. */
function segments(walker: Walker, from: Value): Value {
  const size = [walker.attribute("kernel_shape"), walker.attribute("strides")].map(String).join();
  const pads = walker.attribute("pads"), isPadded = Array.isArray(pads) && pads.some((n) => n !== 0);
  if (walker.op() === "AveragePool" && (size !== "100,100" || walker.attribute("ceil_mode") !== 1 || isPadded)) {
    walker.refuse("means of segments of 100 frames");
  }
  return walker.plain("AveragePool", from, { also: ["Pad"] });
}

/** Goes through the layers of CAM++; weights get WeSpeaker's names. Says what is added to the variance in its pooling. */
export async function walkCampplus(walker: Walker): Promise<{ eps: number }> {
  const pictures = await picturesOf(walker), place = "xvector.";
  const first = await walker.convNorm(`${place}tdnn.linear`, pictures, {
    ...{ kernel: [5], stride: [2], norm: `${place}tdnn.nonlinear.batchnorm` },
  });
  let frames = walker.plain("Relu", first);
  for (const [i, dilation] of [1, 2, 2].entries()) {
    for (let layer = 1; isDense(walker); layer++) {
      const added = await dense(walker, frames, { name: `${place}block${i + 1}.tdnnd${layer}`, dilation });
      frames = [...frames, ...added];
    }
    const transit = `${place}transit${i + 1}`;
    const x = walker.plain("Relu", await walker.norm(`${transit}.nonlinear.batchnorm`, frames, MASKED));
    frames = i < 2
      ? await walker.conv(`${transit}.linear`, x, { kernel: [1] })
      : await walker.convNorm(`${transit}.linear`, x, { kernel: [1], norm: `${place}out_nonlinear.batchnorm` });
  }
  const last = walker.plain("Relu", frames);
  const { value: root, eps } = deviation(walker, last, [1e-7]);
  const norm = `${place}dense.nonlinear.batchnorm`;
  const embedding = await walker.convNorm(`${place}dense.linear`, [...last, ...root], {
    ...{ kernel: [1], norm, affine: false, ops: ["ReduceMean"] },
  });
  const mean = await walker.end(embedding);
  if (mean !== null) {
    const { data } = walker.arrays[`${norm}.running_mean`], spread = walker.arrays[`${norm}.running_var`].data;
    if (mean.data.length !== data.length) walker.refuse("no mean embedding that is subtracted at the end");
    const moved = Float32Array.from(data, (m, i) => m + mean.data[i] * Math.sqrt(spread[i] + 1e-5));
    walker.arrays[`${norm}.running_mean`] = { shape: [moved.length], data: moved };
  }
  return { eps };
}
