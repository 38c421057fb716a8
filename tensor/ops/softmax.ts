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
  cpu({ rows, columns }, [{ f32: x }], [{ f32: y }]) {
    for (let start = 0; start < rows * columns; start += columns) {
      const end = start + columns;
      let top = -Infinity;
      for (let i = start; i < end; i++) top = Math.max(top, x[i]);
      let total = 0;
      for (let i = start; i < end; i++) total += y[i] = Math.exp(x[i] - top);
      for (let i = start; i < end; i++) y[i] /= total;
    }
  },
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
  cpu({ rows, columns }, [{ f32: y }, { f32: dy }], [{ f32: dx }]) {
    for (let start = 0; start < rows * columns; start += columns) {
      const end = start + columns;
      let dot = 0;
      for (let i = start; i < end; i++) dot += y[i] * dy[i];
      for (let i = start; i < end; i++) dx[i] = y[i] * (dy[i] - dot);
    }
  },
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
  cpu({ rows, columns }, [{ f32: x }], [{ f32: y }]) {
    for (let start = 0; start < rows * columns; start += columns) {
      const end = start + columns;
      let top = -Infinity;
      for (let i = start; i < end; i++) top = Math.max(top, x[i]);
      let total = 0;
      for (let i = start; i < end; i++) total += Math.exp(x[i] - top);
      const shift = top + Math.log(total);
      for (let i = start; i < end; i++) y[i] = x[i] - shift;
    }
  },
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
  cpu({ rows, columns }, [{ f32: y }, { f32: dy }], [{ f32: dx }]) {
    for (let start = 0; start < rows * columns; start += columns) {
      const end = start + columns;
      let total = 0;
      for (let i = start; i < end; i++) total += dy[i];
      for (let i = start; i < end; i++) dx[i] = dy[i] - Math.exp(y[i]) * total;
    }
  },
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
