/** Softmax and its logarithm. @module */
import { track } from "../autograd.ts";
import type { Kernel } from "../device/kernel.ts";
import { allocate, run } from "../memory.ts";
import { requireFloat, Tensor } from "../tensor.ts";
import { packed } from "./copy.ts";
import { alongLastAxis, type RowArgs, rowPlan } from "./rows.ts";

const LARGEST = "var top = -3.4028234e38; FOR { top = max(top, x[base + j]); } let m = MAX(top);";

/** Softmax of each row, shifted by the row's largest element. */
const softmaxKernel: Kernel<RowArgs> = {
  name: "softmax",
  cpu: (args, [x], [y], runtime) => runtime.rows.softmax(args, x, y),
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "softmax",
      inputs: ["x"],
      outputs: ["y"],
      body: `${LARGEST}
  var part0 = 0.0; FOR { let e = exp(x[base + j] - m); y[base + j] = e; part0 += e; }
  let inverse = 1.0 / SUM(part0);
  FOR { y[base + j] *= inverse; }`,
    }, traits),
};

/** dx = y · (dy − Σ y·dy). */
const softmaxBackwardKernel: Kernel<RowArgs> = {
  name: "softmaxBackward",
  cpu: (args, [y, dy], [dx], runtime) => runtime.rows.softmaxBackward(args, y, dy, dx),
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "softmaxBackward",
      inputs: ["y", "dy"],
      outputs: ["dx"],
      body: `var part0 = 0.0; FOR { part0 += y[base + j] * dy[base + j]; } let total = SUM(part0);
  FOR { dx[base + j] = y[base + j] * (dy[base + j] - total); }`,
    }, traits),
};

/** Logarithm of the softmax of each row. */
const logSoftmaxKernel: Kernel<RowArgs> = {
  name: "logSoftmax",
  cpu: (args, [x], [y], runtime) => runtime.rows.logSoftmax(args, x, y),
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "logSoftmax",
      inputs: ["x"],
      outputs: ["y"],
      body: `${LARGEST}
  var part0 = 0.0; FOR { part0 += exp(x[base + j] - m); }
  let shift = m + log(SUM(part0));
  FOR { y[base + j] = x[base + j] - shift; }`,
    }, traits),
};

/** dx = dy − softmax · Σ dy. */
const logSoftmaxBackwardKernel: Kernel<RowArgs> = {
  name: "logSoftmaxBackward",
  cpu: (args, [y, dy], [dx], runtime) => runtime.rows.logSoftmaxBackward(args, y, dy, dx),
  webgpu: (args, traits) =>
    rowPlan(args, {
      label: "logSoftmaxBackward",
      inputs: ["y", "dy"],
      outputs: ["dx"],
      body: `var part0 = 0.0; FOR { part0 += dy[base + j]; } let total = SUM(part0);
  FOR { dx[base + j] = dy[base + j] - exp(y[base + j]) * total; }`,
    }, traits),
};

function rowsOf(x: Tensor): RowArgs {
  const columns = x.shape.at(-1) ?? 1;
  return { rows: columns === 0 ? 0 : x.size / columns, columns };
}

/** Runs a row kernel and tracks its backward kernel, which reads the result. */
function withBackward(name: string, forward: Kernel<RowArgs>, backward: Kernel<RowArgs>, x: Tensor): Tensor {
  const launch = (kernel: Kernel<RowArgs>, inputs: Tensor[]): Tensor => {
    const out = new Tensor(allocate(x.device, 4 * x.size), x.shape, "float32");
    if (x.size > 0) run({ kernel, args: rowsOf(x), inputs: inputs.map((t) => t.storage), outputs: [out.storage] });
    return out;
  };
  const y = launch(forward, [x]);
  return track(name, [x], y, (g) => [launch(backward, [y.detach(), packed(g)])]);
}

/** eˣ / Σ eˣ along an axis (default the last). */
export function softmax(x: Tensor, dim = -1): Tensor {
  requireFloat("softmax", x);
  return alongLastAxis(
    "softmax",
    x,
    dim,
    (rows) => withBackward("softmax", softmaxKernel, softmaxBackwardKernel, rows),
  );
}

/** x − log Σ eˣ along an axis (default the last). */
export function logSoftmax(x: Tensor, dim = -1): Tensor {
  requireFloat("logSoftmax", x);
  return alongLastAxis(
    "logSoftmax",
    x,
    dim,
    (rows) => withBackward("logSoftmax", logSoftmaxKernel, logSoftmaxBackwardKernel, rows),
  );
}
