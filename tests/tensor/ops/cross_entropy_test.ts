import assert from "node:assert/strict";
import { crossEntropy, type CrossEntropyOptions, tensor } from "../../../tensor/mod.ts";
import { assertClose } from "../../close.ts";
import { forEachVariant } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

interface Plain {
  readonly weight?: ArrayLike<number>;
  readonly labelSmoothing?: number;
}

/** Loss of each row, and its weight; a target below 0 is ignored. */
function plain(
  x: ArrayLike<number>,
  classes: number,
  targets: ArrayLike<number>,
  { weight, labelSmoothing = 0 }: Plain,
) {
  return Array.from(targets, (t, i) => {
    const row = Array.from({ length: classes }, (_, j) => x[i * classes + j]);
    const top = Math.max(...row);
    const lse = top + Math.log(row.reduce((sum, v) => sum + Math.exp(v - top), 0));
    const w = (j: number) => (t < 0 ? 0 : weight?.[j] ?? 1);
    const even = row.reduce((sum, v, j) => sum + w(j) * (lse - v), 0);
    const own = t < 0 ? 0 : w(t) * (lse - row[t]);
    return { loss: (1 - labelSmoothing) * own + labelSmoothing / classes * even, weight: t < 0 ? 0 : w(t) };
  });
}

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

async function check(x: ReturnType<typeof tensor>, targets: Int32Array, options: Plain, name: string): Promise<void> {
  const classes = x.shape[1];
  const rows = plain(await x.data(), classes, targets, options);
  const target = tensor(targets.map((t) => (t < 0 ? -100 : t)));
  const weight = options.weight === undefined ? null : tensor(Float32Array.from(options.weight));
  const given: CrossEntropyOptions = { ...options, weight };
  const mean = sum(rows.map((r) => r.loss)) / sum(rows.map((r) => r.weight));
  await Promise.all([
    assertClose(crossEntropy(x, target, { ...given, reduction: "none" }), rows.map((r) => r.loss), { name }),
    assertClose(crossEntropy(x, target, { ...given, reduction: "sum" }), [sum(rows.map((r) => r.loss))], {
      name,
      shape: [],
    }),
    assertClose(crossEntropy(x, target, given), [mean], { name, shape: [] }),
  ]);
}

forEachVariant("crossEntropy of odd sizes and layouts, with weights, smoothing and ignored rows", async () => {
  for (const classes of [1, 63, 65, 257]) {
    const values = sequence(classes, 5 * classes, -3, 3);
    const targets = Int32Array.from({ length: 5 }, (_, i) => (i === 3 && classes > 1 ? -1 : (7 * i) % classes));
    const weight = sequence(2, classes, 0.5, 1.5);
    const all = classes === 63
      ? layouts(values, [5, classes])
      : [{ name: `${classes}`, x: tensor(values, { shape: [5, classes] }) }];
    for (const { name, x } of all) await check(x, targets, {}, name);
    const x = tensor(values, { shape: [5, classes] });
    await check(x, targets, { weight }, "weighted");
    await check(x, targets, { labelSmoothing: 0.1 }, "smoothed");
    await check(x, targets, { weight, labelSmoothing: 0.1 }, "both");
  }
});

forEachVariant("gradients of crossEntropy in every reduction, for gradients in any layout", async () => {
  const x = drawn(1, [4, 3], -2, 2);
  const target = tensor(Int32Array.of(2, 0, -100, 1));
  const weight = tensor([0.5, 1, 2]);
  await gradcheckLayouts((x) => crossEntropy(x, target, { reduction: "none", weight, labelSmoothing: 0.2 }), [x]);
  await gradcheck((x) => crossEntropy(x, target).mul(3), [x]);
  await gradcheck((x) => crossEntropy(x, target, { weight }), [x]);
  await gradcheck((x) => crossEntropy(x.transpose(0, 1).contiguous().transpose(0, 1), target, { reduction: "sum" }), [
    x,
  ]);
});

forEachVariant("large logits, another ignored target, and targets that are no class", async () => {
  const huge = tensor([[1e4, 0], [-1e4, 1e4]]);
  await assertClose(crossEntropy(huge, tensor(Int32Array.of(0, 0))), [1e4]);
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  await assertClose(crossEntropy(x, tensor(Int32Array.of(1, 7)), { ignoreIndex: 7 }), [Math.log1p(Math.exp(-1))]);
  await assertClose(crossEntropy(x, tensor(Int32Array.of(1, 2)), { reduction: "none" }), [
    Math.log1p(Math.exp(-1)),
    NaN,
  ]);
  await assertClose(crossEntropy(x, tensor(Int32Array.of(-1, 0))), [NaN]);
});

Deno.test("errors of crossEntropy", () => {
  const x = tensor([[1, 2]]);
  assert.throws(() => crossEntropy(x, tensor([0])), {
    name: "TypeError",
    message: "Cannot crossEntropy [1, 2] against float32 [1]: expected [batch, classes] and int32 [batch]",
  });
  assert.throws(() => crossEntropy(x, tensor(Int32Array.of(0, 1))), { name: "TypeError" });
  assert.throws(() => crossEntropy(x, tensor(Int32Array.of(0)), { weight: tensor([1]) }), {
    message: "Cannot weight 2 classes by [1]",
  });
});
