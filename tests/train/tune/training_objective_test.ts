/** Searches whose trials are real, tiny runs. */
import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { type MetricRow, readMetrics } from "../../../train/metrics_file.ts";
import { Screen } from "../../../train/progress.ts";
import type { SearchPlan } from "../../../train/tune/plan.ts";
import { search, type SearchResult } from "../../../train/tune/search.ts";
import { SearchFolder } from "../../../train/tune/search_folder.ts";
import { parseSpace, type SpaceTexts } from "../../../train/tune/space.ts";
import { bestOf, TrainingObjective } from "../../../train/tune/training_objective.ts";
import { forEachDevice } from "../../devices.ts";
import { runSmall, smallConfig, withData } from "../small_run.ts";

type Config = Parameters<typeof smallConfig>[0];

function planOf(space: SpaceTexts, config: Config, changes: Partial<SearchPlan> = {}): SearchPlan {
  return {
    task: "tune",
    config: smallConfig(config),
    space: parseSpace(space),
    metric: "accuracy",
    halving: false,
    ...changes,
  };
}

async function searchIn(
  out: string,
  plan: SearchPlan,
  { onBar, signal }: { onBar?: (text: string) => void; signal?: AbortSignal } = {},
): Promise<SearchResult & { lines: string[] }> {
  const lines: string[] = [];
  const screen = new Screen({
    writeOut: (text) => lines.push(text.trimEnd()),
    writeErr: onBar ?? (() => {}),
    isTerminal: onBar !== undefined,
    columns: () => 80,
  });
  using objective = await TrainingObjective.open(plan.config, { metric: plan.metric, screen });
  using folder = await SearchFolder.open(out, plan);
  return { ...await search(plan, { folder, objective: objective.run, screen, signal, now: () => 0 }), lines };
}

forEachDevice("a trial of halving is the run that it would be alone, as far as it goes", async (device) => {
  await withData(async (folder, data) => {
    const out = join(folder, "search");
    const config = { data, device: device.type, validSteps: 40, logSteps: 1 };
    const plan = planOf({ grid: ["lr=1e-6,1e-2,1e-5"] }, config, { halving: true });
    const { trials, lines } = await searchIn(out, plan);
    deepStrictEqual(trials.map(({ rung, budget }) => [rung, budget]), [[1, 14], [2, 40], [1, 14]]);
    const alone = await runSmall(device, { ...config, lr: 1e-2, out: join(folder, "alone") });
    const rows = await readMetrics(join(out, "trial-0002", "metrics.jsonl"));
    deepStrictEqual(rows.filter((row) => !(row.step === 14 && row.validLoss !== undefined)), alone.rows);
    strictEqual(trials[1].accuracy, alone.bestAccuracy);
    for (const loser of ["trial-0001", "trial-0003"]) {
      strictEqual((await readMetrics(join(out, loser, "metrics.jsonl"))).at(-1)?.step, 14);
    }
    match(lines[0], new RegExp(`^\\[Info\\]: Use ${device.type} now! `));
    strictEqual(lines.filter((line) => line.startsWith("Trial ")).length, 4, lines.join("\n"));
  });
});

forEachDevice("a search stopped in the middle of a trial goes on there and gives the same", async (device) => {
  await withData(async (folder, data) => {
    const [whole, halves] = [join(folder, "whole"), join(folder, "halves")];
    const plan = planOf({ grid: ["lr=1e-3,1e-2"] }, { data, device: device.type });
    const unbroken = await searchIn(whole, plan);
    const stop = new AbortController();
    let bars = 0;
    const onBar = (text: string) => {
      if (text.includes("Train:   0%")) bars++;
      if (bars === 2 && text.includes("Valid: ")) stop.abort(); // within the second trial's first validation
    };
    const part = await searchIn(halves, plan, { onBar, signal: stop.signal });
    deepStrictEqual([part.interrupted, part.trials.length], [true, 1]);
    match(await Deno.readTextFile(join(halves, "trials.jsonl")), /"status":"stopped"/);
    const rest = await searchIn(halves, plan);
    deepStrictEqual([rest.interrupted, rest.trials], [false, unbroken.trials]);
    deepStrictEqual(
      await readMetrics(join(halves, "trial-0002", "metrics.jsonl")),
      await readMetrics(join(whole, "trial-0002", "metrics.jsonl")),
    );
  });
});

forEachDevice(
  "trials that diverge, cannot be built or want too much memory are recorded, and the next ones are sound",
  async (device) => {
    await withData(async (folder, data) => {
      const [out, sound] = [join(folder, "search"), join(folder, "sound")];
      const config = { data, device: device.type, schedule: "constant" as const };
      const { trials } = await searchIn(out, planOf({ grid: ["lr=1e30,1e-2", "nHead=2,3"] }, config));
      deepStrictEqual(trials.map(({ status }) => status), ["failed", "failed", "done", "failed"]);
      match(trials[0].reason!, /^Cannot go on: the loss is (NaN|-?Infinity) at step \d+/);
      match(trials[1].reason!, /^Cannot build the model: dModel is 8, which nHead 3 does not divide$/);
      const large = { grid: ["dimFeedforward=268435456,16"] }; // 8 GiB a matrix
      const { trials: sizes } = await searchIn(join(folder, "large"), planOf(large, { ...config, lr: 1e-2 }));
      match(sizes[0].reason!, /^Cannot allocate /);
      deepStrictEqual([sizes[1].accuracy, sizes[1].loss], [trials[2].accuracy, trials[2].loss]);
      const [alone] = (await searchIn(sound, planOf({ grid: ["lr=1e-2"] }, config))).trials;
      deepStrictEqual([trials[2].accuracy, trials[2].loss], [alone.accuracy, alone.loss]);
    });
  },
);

Deno.test("what concerns the place and not the trial ends the search, and no trial is blamed", async () => {
  await withData(async (folder, data) => {
    const out = join(folder, "search");
    const plan = planOf({ grid: ["lr=1e-3,1e-2"] }, { data, device: "cpu" });
    const missing = { ...plan, config: { ...plan.config, data: join(folder, "none") } };
    await rejects(searchIn(out, missing), /^Error: Cannot open ".*none": no such file or folder$/);
    await rejects(Deno.stat(out), Deno.errors.NotFound);
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "trial-0002"), "in the way");
    await Deno.writeTextFile(join(out, "search.json"), JSON.stringify(plan));
    await rejects(searchIn(out, plan), /^Error: Cannot write to ".*trial-0002": /);
    await Deno.remove(join(out, "trial-0002"));
    const { trials } = await searchIn(out, plan);
    deepStrictEqual(trials.map(({ status }) => status), ["done", "done"]);
  });
});

Deno.test("a trial counts by its best validation; without one it has failed", () => {
  const rows: MetricRow[] = [
    { step: 10, loss: 1, accuracy: 1, lr: 1 },
    { step: 10, validLoss: 0.9, validAccuracy: 0.5 },
    { step: 20, validLoss: 0.4, validAccuracy: 0.4 },
    { step: 30, validLoss: null, validAccuracy: 0.5 },
  ];
  const kept = { bestAccuracy: 0.5, bestLoss: 0.9, bestStep: 10 };
  deepStrictEqual(bestOf(rows, { kept, metric: "accuracy" }), { status: "done", accuracy: 0.5, loss: 0.9, step: 10 });
  deepStrictEqual(bestOf(rows, { kept, metric: "loss" }), { status: "done", accuracy: 0.4, loss: 0.4, step: 20 });
  const average = { bestAccuracy: 0.6, bestLoss: 0.3, bestStep: 30 };
  for (const metric of ["accuracy", "loss"] as const) {
    deepStrictEqual(bestOf(rows, { kept: average, metric }), { status: "done", accuracy: 0.6, loss: 0.3, step: 30 });
  }
  const none = bestOf(rows.slice(0, 1), { kept: { bestAccuracy: -1, bestLoss: 0, bestStep: 0 }, metric: "loss" });
  deepStrictEqual(none, { status: "failed", reason: "Cannot measure it: no utterance is kept for validation" });
});
