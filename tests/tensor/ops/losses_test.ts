import assert from "node:assert/strict";
import {
  aamSoftmax,
  amSoftmax,
  bceWithLogits,
  capture,
  klDiv,
  l1Loss,
  mseLoss,
  nllLoss,
  type Tensor,
  tensor,
} from "../../../tensor/mod.ts";
import { assertClose } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, gradcheck, sequence } from "../../gradcheck.ts";

const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;

forEachDevice("losses equal their formulas in every reduction, odd sizes included", async () => {
  const plain: Record<string, [(x: Tensor, y: Tensor, o?: object) => Tensor, (x: number, y: number) => number]> = {
    mseLoss: [mseLoss, (x, y) => (x - y) ** 2],
    l1Loss: [l1Loss, (x, y) => Math.abs(x - y)],
    bceWithLogits: [bceWithLogits, (x, y) => Math.log1p(Math.exp(x)) - x * y],
    klDiv: [klDiv, (x, y) => y * (Math.log(y) - x)],
  };
  for (const [name, [op, formula]] of Object.entries(plain)) {
    for (const n of [1, 65, 257]) {
      const [a, b] = [sequence(n, n, -2, 2), sequence(n + 1, n, 0.1, 1)];
      const each = Array.from(a, (x, i) => formula(x, b[i]));
      const [x, y] = [tensor(a), tensor(b)];
      await Promise.all([
        assertClose(op(x, y), [mean(each)], { name, shape: [] }),
        assertClose(op(x, y, { reduction: "sum" }), [n * mean(each)], { name }),
        assertClose(op(x, y, { reduction: "none" }), each, { name, shape: [n] }),
      ]);
    }
  }
});

forEachDevice("edges of losses: probabilities of 0, large logits, batch means", async () => {
  await assertClose(klDiv(tensor([[0, -1], [-1, -2]]), tensor([[0, 1], [0.5, 0.5]]), { reduction: "batchmean" }), [
    (1 + Math.log(0.5) + 1.5) / 2,
  ]);
  await assertClose(bceWithLogits(tensor([500, -500]), tensor([0, 1]), { reduction: "none" }), [500, 500]);
  await assertClose(nllLoss(tensor([[-1, -2], [-3, -4]]), tensor(Int32Array.of(1, 0)), { reduction: "none" }), [2, 3]);
  await assertClose(nllLoss(tensor([[-1, -2], [-3, -4]]), tensor(Int32Array.of(1, 0))), [2.5]);
});

forEachDevice("gradients of losses", async () => {
  const [x, y] = [drawn(1, [2, 3]), drawn(2, [2, 3], 0.1, 0.9)];
  await gradcheck((x, y) => mseLoss(x, y), [x, y]);
  await gradcheck((x, y) => l1Loss(x, y, { reduction: "sum" }), [drawn(1, [2, 3], -1, -0.1), y]);
  await gradcheck((x, y) => bceWithLogits(x, y, { reduction: "none" }), [x, y]);
  await gradcheck((x, y) => klDiv(x, y, { reduction: "batchmean" }), [x, y]);
  await gradcheck((x) => nllLoss(x, tensor(Int32Array.of(2, 0))), [x]);
});

/** −log of the target's share, all logits times the scale. */
function marginLoss(cosines: number[][], targets: number[], moved: (c: number) => number, scale: number): number {
  return mean(cosines.map((row, i) => {
    const logits = row.map((c, j) => scale * (j === targets[i] ? moved(c) : c));
    const top = Math.max(...logits);
    return top + Math.log(logits.reduce((sum, v) => sum + Math.exp(v - top), 0)) - logits[targets[i]];
  }));
}

forEachDevice("margins on cosines, on both sides of the angle where they would wrap", async () => {
  const cosines = [[0.9, -0.2, 0.1], [0.3, -0.99, 0.5], [-0.4, 0.2, -0.1]];
  const targets = [0, 1, 2];
  const [x, target] = [tensor(cosines), tensor(Int32Array.from(targets))];
  await assertClose(amSoftmax(x, target, { scale: 10, margin: 0.35 }), [
    marginLoss(cosines, targets, (c) => c - 0.35, 10),
  ]);
  const turned = (c: number) => Math.cos(Math.acos(c) + 0.2);
  const hard = (c: number) => (c > Math.cos(Math.PI - 0.2) ? turned(c) : c - 0.2 * Math.sin(Math.PI - 0.2));
  await assertClose(aamSoftmax(x, target), [marginLoss(cosines, targets, hard, 30)]);
  await assertClose(aamSoftmax(x, target, { easyMargin: true }), [
    marginLoss(cosines, targets, (c) => (c > 0 ? turned(c) : c), 30),
  ]);
});

forEachDevice("margins have gradients, finite at a cosine of 1 and -1", async () => {
  const target = tensor(Int32Array.of(0, 2));
  await gradcheck((x) => amSoftmax(x, target, { scale: 4 }), [drawn(3, [2, 3], -0.8, 0.8)]);
  await gradcheck((x) => aamSoftmax(x, target, { scale: 4 }), [drawn(4, [2, 3], -0.8, 0.8)]);
  const x = tensor([[1, -1, 0.5], [0, 1, -1]], { requiresGrad: true });
  aamSoftmax(x, target).backward();
  assert.ok((await x.grad!.data()).every(Number.isFinite));
});

forEachDevice(
  "a margin in a tensor gives what the number gives, gets no gradient and may change in a captured step",
  async () => {
    const [cosine, target] = [drawn(5, [3, 4], -0.99, 0.99), tensor(Int32Array.of(1, 3, 0))];
    const losses = [
      (margin: number | Tensor) => amSoftmax(cosine, target, { margin }),
      (margin: number | Tensor) => aamSoftmax(cosine, target, { margin }),
      (margin: number | Tensor) => aamSoftmax(cosine, target, { margin, easyMargin: true }),
      (margin: number | Tensor) => aamSoftmax(cosine, target, { margin, beyond: "continuous" }),
    ];
    for (const loss of losses) {
      const captured = capture((margin: Tensor) => loss(margin));
      for (const margin of [0, 0.2, 0.5]) {
        const wanted = await loss(margin).item();
        await assertClose(loss(tensor(margin)), [wanted], { shape: [] });
        await assertClose(captured(tensor([margin])), [wanted], { shape: [] });
      }
      assert.equal(captured.recordings, 1);
      captured.dispose();
    }
    const margin = tensor(0.2, { requiresGrad: true });
    const x = drawn(5, [3, 4], -0.99, 0.99).detach();
    aamSoftmax(x.add(margin.mul(0)), target, { margin }).backward();
    await assertClose(margin.grad!, [0]);
    assert.throws(() => amSoftmax(cosine, target, { margin: tensor([0.1, 0.2]) }), {
      name: "TypeError",
      message: "Cannot take margin [2]: expected a number or a tensor of one element",
    });
  },
);

forEachDevice("the continuous variant beyond 180° − m has no gap there, the other one has", async () => {
  const margin = 0.3;
  const border = Math.cos(Math.PI - margin);
  const target = tensor(Int32Array.of(0));
  const atTarget = async (c: number, beyond: "jump" | "continuous") => {
    const loss = await aamSoftmax(tensor([[c, 0]]), target, { margin, beyond, scale: 1 }).item();
    return -Math.log(Math.exp(loss) - 1); // loss = log(1 + e^−moved)
  };
  for (const beyond of ["jump", "continuous"] as const) {
    const [before, after] = [await atTarget(border + 1e-3, beyond), await atTarget(border - 1e-3, beyond)];
    const gap = Math.abs(before - after);
    assert.ok(beyond === "jump" ? gap > 0.03 : gap < 3e-3, `${beyond}: ${before} and ${after}`);
  }
  await assertClose(tensor([await atTarget(-1, "continuous")]), [-1 - (1 - Math.cos(margin))], { tolerance: 1e-5 });
  await gradcheck((x) => aamSoftmax(x, tensor(Int32Array.of(1, 2)), { scale: 4, beyond: "continuous" }), [
    drawn(4, [2, 3], -0.8, 0.8),
  ]);
});

forEachDevice(
  "at a cosine of 1 and -1 margins have the formula's value, and gradients stay finite, rounding included",
  async () => {
    for (const c of [1, -1, 1 + 2 ** -23, -1 - 2 ** -23]) {
      for (const [beyond, end] of [["jump", 0.2 * Math.sin(0.2)], ["continuous", 1 - Math.cos(0.2)]] as const) {
        const x = tensor([[c, 0.1]], { requiresGrad: true });
        const loss = aamSoftmax(x, tensor(Int32Array.of(0)), { scale: 2, beyond });
        loss.backward();
        const logits = [2 * (c > 0 ? Math.cos(0.2) : c - end), 0.2];
        const wanted = Math.log(Math.exp(logits[0]) + Math.exp(logits[1])) - logits[0];
        await assertClose(loss, [wanted], { shape: [], tolerance: 3e-4 }); // the sine is √1e-7 there, not 0
        assert.ok((await x.grad!.data()).every((g) => Number.isFinite(g) && Math.abs(g) < 3));
      }
    }
  },
);

Deno.test("losses refuse shapes that differ, also where they would broadcast", () => {
  assert.throws(() => mseLoss(tensor([[1, 2]]), tensor([1, 2])), {
    name: "TypeError",
    message: "Cannot mseLoss [1, 2] against [2]: the shapes must be equal",
  });
  for (const op of [l1Loss, bceWithLogits, klDiv]) {
    assert.throws(() => op(tensor([1]), tensor([1, 2])), { name: "TypeError" });
  }
});
