import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { ablationTable, checkSwitches, switchesOf } from "../../../train/tune/ablation.ts";
import { type Axis, parseAxis, parseChoices } from "../../../train/tune/axis.ts";
import { searchChart } from "../../../train/tune/chart.ts";
import { groupTrials, spread } from "../../../train/tune/groups.ts";
import { failureLines, meanTable, trialTable } from "../../../train/tune/results.ts";
import type { TrialResult } from "../../../train/tune/search.ts";
import type { Point } from "../../../train/tune/space.ts";
import { tableCsv, tableMarkdown, tableText } from "../../../train/tune/table.ts";

const done = (trial: number, values: Point, accuracy: number, more: Partial<TrialResult> = {}): TrialResult => ({
  ...{ trial, rung: 1, status: "done", values, accuracy, loss: 1 - accuracy, step: 40, seconds: 61 },
  ...more,
});
const failed = (trial: number, values: Point, reason = "no"): TrialResult => ({
  ...done(trial, values, 0),
  ...{ status: "failed", accuracy: null, loss: null, step: null, reason },
});

Deno.test("tune: the table has the best trial first, failed ones last", () => {
  const trials = [done(1, { lr: 0.001 }, 0.25), failed(2, { lr: 1 }), done(3, { lr: 0.0005 }, 0.75)];
  const results = { trials, keys: ["lr"] as const, metric: "accuracy" as const, halving: false };
  strictEqual(
    tableText(trialTable(results)),
    `trial      lr  accuracy    loss  step   time
    3  0.0005    0.7500  0.2500    40  01:01
    1   0.001    0.2500  0.7500    40  01:01
    2       1    failed                01:01
`,
  );
  strictEqual(
    tableMarkdown({ head: ["a", "b"], rows: [["x|y", ""]] }),
    "| a | b |\n| --- | --- |\n| x\\|y |  |\n",
  );
  strictEqual(tableCsv({ head: ["a", "b"], rows: [['x "y"', "0.9,0.99"]] }), 'a,b\n"x ""y""","0.9,0.99"\n');
  deepStrictEqual(failureLines({ trials: [...trials, failed(4, {}), failed(5, {}, "other")] }), [
    "Trials 2, 4 failed: no",
    "Trial 5 failed: other",
  ]);
});

Deno.test("tune: with halving those that came further stand before those that looked better early", () => {
  const trials = [
    done(1, { lr: 1 }, 0.9, { rung: 1, budget: 10 }),
    done(2, { lr: 2 }, 0.5, { rung: 3, budget: 90 }),
    failed(3, { lr: 3 }),
    done(4, { lr: 4 }, 0.7, { rung: 2, budget: 30 }),
  ];
  const { head, rows } = trialTable({ trials, keys: ["lr"], metric: "accuracy", halving: true });
  strictEqual(head[5], "trained to");
  deepStrictEqual(rows.map((row) => [row[0], row[5]]), [["2", "90"], ["4", "30"], ["1", "10"], ["3", "undefined"]]);
});

Deno.test("tune: trials that differ in seed or fold only have a mean and a deviation", () => {
  deepStrictEqual(spread([1, 2, 3, 4]), { mean: 2.5, deviation: Math.sqrt(5 / 3) });
  deepStrictEqual(spread([7]), { mean: 7, deviation: 0 });
  const trials = [
    ...[0.5, 0.7].map((accuracy, i) => done(i + 1, { lr: 1, seed: i }, accuracy)),
    ...[0.8, 1].map((accuracy, i) => done(i + 3, { lr: 2, seed: i }, accuracy)),
    failed(5, { lr: 1, seed: 2 }),
    failed(6, { lr: 3, seed: 0 }),
  ];
  const results = { trials, keys: ["lr", "seed"] as const, metric: "accuracy" as const, halving: false };
  deepStrictEqual(meanTable(results), {
    head: ["", "lr", "trials", "accuracy", "loss"],
    rows: [
      ["mean", "2", "2", "0.9000 ± 0.1414", "0.1000 ± 0.1414"],
      ["mean", "1", "2 of 3", "0.6000 ± 0.1414", "0.4000 ± 0.1414"],
      ["mean", "3", "0 of 1", "failed", "failed"],
    ],
  });
  strictEqual(meanTable({ ...results, keys: ["lr"] }), undefined);
  const byLoss = groupTrials(trials, { keys: ["lr", "seed"], metric: "loss" });
  deepStrictEqual(byLoss.map(({ values }) => values.lr), [2, 1, 3]);
  const folds = trials.slice(0, 2).map((trial, i) => ({ ...trial, values: { validFold: `${i + 1}` } }));
  deepStrictEqual(meanTable({ ...results, trials: folds, keys: ["validFold"] })?.rows, [
    ["mean", "2", "0.6000 ± 0.1414", "0.4000 ± 0.1414"],
  ]);
});

Deno.test("ablate: rows are base, one switch after the other, then both; differences are to the base", () => {
  const switches = ["pooling=mean,self-attention", "normFirst=false,true"].map(parseChoices);
  const point = (pooling: "mean" | "self-attention", normFirst: boolean) => ({ pooling, normFirst });
  const trials = [
    done(1, point("mean", false), 0.95),
    done(2, point("mean", true), 0.9),
    failed(3, point("self-attention", false)),
    done(4, point("self-attention", true), 0.97),
  ];
  const options = { switches, keys: ["pooling", "normFirst"] as const, metric: "accuracy" as const };
  deepStrictEqual(ablationTable(trials, options), {
    head: ["", "accuracy", "loss", "accuracy − base"],
    rows: [
      ["base", "0.9500", "0.0500", ""],
      ["+ pooling self-attention", "failed", "failed", ""],
      ["+ normFirst true", "0.9000", "0.1000", "−0.0500"],
      ["+ pooling self-attention + normFirst true", "0.9700", "0.0300", "+0.0200"],
    ],
  });
  const seeds = [0, 1].flatMap((seed) => [
    done(1, { ...point("mean", false), seed }, 0.9 + seed / 20),
    done(2, { ...point("mean", true), seed }, 0.8 + seed / 20),
  ]);
  deepStrictEqual(ablationTable(seeds, { ...options, keys: [...options.keys, "seed"] }).rows, [
    ["base", "0.9250 ± 0.0354", "0.0750 ± 0.0354", ""],
    ["+ normFirst true", "0.8250 ± 0.0354", "0.1750 ± 0.0354", "−0.1000"],
  ]);
  deepStrictEqual(switchesOf({ pooling: ["mean", "attentive"] }), [{ key: "pooling", values: ["mean", "attentive"] }]);
  throws(
    () => checkSwitches([parseChoices("lr=1")]),
    /^RangeError: Cannot ablate lr: "lr=1" has one value; give the base/,
  );
});

Deno.test("tune: the picture has a panel for each varied key, by logarithm where the key spans more than a decade", () => {
  const axes: Axis[] = [
    parseAxis("lr=1e-4..1e-2"),
    parseAxis("dropout=0..0.5"),
    parseChoices("pooling=mean,attentive"),
    parseChoices("dModel=8,16,128"),
    parseChoices("seed=0,1"),
  ];
  const values = { lr: 0.001, dropout: 0.1, pooling: "mean", dModel: 8, seed: 0 } as const;
  const trials = [done(1, values, 0.5, { budget: 10 }), failed(2, values)];
  const spec = searchChart(trials, { title: "t", axes, metric: "loss", halving: true });
  const panels = spec.concat as { encoding: { x: { field: string; type: string; scale?: { type?: string } } } }[];
  deepStrictEqual(panels.map(({ encoding: { x } }) => [x.field, x.type, x.scale?.type]), [
    ["lr", "quantitative", "log"],
    ["dropout", "quantitative", undefined],
    ["pooling", "nominal", undefined],
    ["dModel", "quantitative", "log"],
  ]);
  deepStrictEqual(spec.data, { values: [{ ...values, loss: 0.5, "trained to": 10 }] });
});
