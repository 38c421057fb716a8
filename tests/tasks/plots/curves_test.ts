import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { MetricRow } from "../../../train/metrics_file.ts";
import { curveOf, smoothed, thinned } from "../../../tasks/plots/curves.ts";
import { shortNames } from "../../../tasks/plots/runs.ts";
import { plottableKeys } from "../../../tasks/plots/training_curves.ts";

Deno.test("curve: by step, without what is no number; of two rows of a step the later one counts", () => {
  const rows: MetricRow[] = [
    { step: 20, loss: 2 },
    { step: 10, loss: 3 },
    { step: 30, loss: null },
    { step: 30, validLoss: 1 },
    { step: 20, loss: 2.5 },
  ];
  deepStrictEqual(curveOf(rows, "loss"), { steps: [10, 20], values: [3, 2.5] });
  deepStrictEqual(curveOf([], "loss"), { steps: [], values: [] });
});

Deno.test("smoothed: neighbours on both sides by 0.5, 0.25, …; a straight line and weight 0 leave all as it is", () => {
  const curve = { steps: [1, 2, 3], values: [4, 1, 2] };
  deepStrictEqual(smoothed(curve, 0).values, curve.values);
  deepStrictEqual(smoothed(curve, 0.5).values, [
    (4 + 0.5 * 1 + 0.25 * 2) / 1.75,
    (0.5 * 4 + 1 + 0.5 * 2) / 2,
    (0.25 * 4 + 0.5 * 1 + 2) / 1.75,
  ]);
  const steps = Array.from({ length: 201 }, (_, i) => i);
  ok(Math.abs(smoothed({ steps, values: steps }, 0.7).values[100] - 100) < 1e-9, "it is not late");
  deepStrictEqual(smoothed({ steps: [], values: [] }, 0.9).values, []);
});

Deno.test("thinned: peaks stay, order stays, ends are near", () => {
  const steps = Array.from({ length: 100_001 }, (_, i) => i);
  const values = steps.map((i) => i === 77_777 ? 9 : i === 123 ? -9 : Math.sin(i));
  const thin = thinned({ steps, values }, 1000);
  ok(thin.steps.length <= 1000 && thin.steps.length > 900);
  ok(thin.values.includes(9) && thin.values.includes(-9));
  ok(thin.steps.every((step, i) => i === 0 || step > thin.steps[i - 1]));
  const short = { steps: [1], values: [2] };
  strictEqual(thinned(short), short);
});

Deno.test("names: as much of the path as tells runs apart", () => {
  deepStrictEqual(shortNames(["/a/runs/x", "/a/runs/y"]), ["x", "y"]);
  deepStrictEqual(shortNames(["/a/one/x", "/a/two/x"]), [join("one", "x"), join("two", "x")]);
  deepStrictEqual(shortNames(["/x", "/a/x"]), ["x", join("a", "x")]);
  deepStrictEqual(shortNames(["/a/x"]), ["x"]);
});

Deno.test("keys: those with numbers, validation's with theirs", () => {
  const rows: MetricRow[] = [{ step: 1, loss: 2, accuracy: null, note: "x" }, {
    step: 2,
    validAccuracy: 0.5,
    validEer: 0.1,
  }];
  deepStrictEqual(plottableKeys([{ name: "a", rows }]), ["loss", "accuracy", "eer"]);
});
