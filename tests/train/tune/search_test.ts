/** Searches over a made-up objective, whose accuracy is known beforehand. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { recipes } from "../../../train/recipes/mod.ts";
import { Screen } from "../../../train/progress.ts";
import type { SearchPlan } from "../../../train/tune/plan.ts";
import {
  type Objective,
  search,
  type SearchOptions,
  type SearchResult,
  type Trial,
} from "../../../train/tune/search.ts";
import { readPlan, SearchFolder } from "../../../train/tune/search_folder.ts";
import { parseSpace, type SpaceTexts } from "../../../train/tune/space.ts";
import { withFolder } from "../../tasks/run.ts";

function planOf(space: SpaceTexts, changes: Partial<SearchPlan> = {}): SearchPlan {
  const config = { ...recipes[0].config, totalSteps: 90 };
  return { task: "tune", config, space: parseSpace(space), metric: "accuracy", halving: false, ...changes };
}

const wide = { grid: ["dModel=1,2,3,4,5,6,7,8,9"] };

/** The wider, the better; each second slow at first. */
const accuracyOf = ({ values: { dModel = 0 }, stopAt = 90 }: Trial) =>
  dModel / 10 - (dModel % 2 === 0 && stopAt < 30 ? 0.5 : 0);

interface Searched extends SearchResult {
  /** `2@10` for trial 2 to step 10, in the order in which they were made. */
  readonly made: string[];
  readonly lines: string[];
}

/** Searches in a folder; `before` may abort, fail a trial or throw in its place. */
async function searchIn(
  path: string,
  plan: SearchPlan,
  { before = () => {}, ...options }: Partial<SearchOptions> & { before?: (trial: Trial) => string | void } = {},
): Promise<Searched> {
  const [made, lines]: string[][] = [[], []];
  const objective: Objective = (trial, signal) => {
    const reason = before(trial);
    if (signal?.aborted) return Promise.resolve({ status: "stopped" });
    made.push(trial.stopAt === undefined ? `${trial.number}` : `${trial.number}@${trial.stopAt}`);
    if (reason !== undefined) return Promise.resolve({ status: "failed", reason });
    return Promise.resolve({ status: "done", accuracy: accuracyOf(trial), loss: 1, step: trial.stopAt ?? 90 });
  };
  const screen = new Screen({ writeOut: (text) => lines.push(text.trimEnd()), writeErr: () => {}, isTerminal: false });
  using folder = await SearchFolder.open(path, plan);
  const result = await search(plan, { folder, objective, screen, now: () => 0, ...options });
  return { ...result, made, lines };
}

const logOf = (path: string) => Deno.readTextFile(join(path, "trials.jsonl"));

Deno.test("search: every trial of a grid is made once, with a folder and a line of its own", async () => {
  await withFolder(async (folder) => {
    const seen: Trial[] = [];
    const { made, lines, trials } = await searchIn(folder, planOf(wide), { before: (trial) => void seen.push(trial) });
    deepStrictEqual(made, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    deepStrictEqual(seen[1], { number: 2, values: { dModel: 2 }, out: join(folder, "trial-0002"), stopAt: undefined });
    deepStrictEqual(trials.map(({ accuracy }) => accuracy), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    ok(lines.includes("Trial 2 of 9: dModel 2: accuracy 0.2000, loss 1.0000 at step 90, 00:00"), lines.join("\n"));
    strictEqual((await logOf(folder)).split("\n").length, 10);
    deepStrictEqual((await readPlan(folder)).space, planOf(wide).space);
  });
});

Deno.test("search: halving lets the best third go on, and no early loser come back", async () => {
  await withFolder(async (folder) => {
    const { made, trials, lines } = await searchIn(folder, planOf(wide, { halving: true }));
    deepStrictEqual(made.slice(9), ["5@30", "7@30", "9@30", "9@90"]);
    ok(made.slice(0, 9).every((name) => name.endsWith("@10")));
    deepStrictEqual(trials.map(({ rung }) => rung), [1, 1, 1, 1, 2, 1, 2, 1, 3]);
    strictEqual(trials[8].budget, 90);
    ok(lines.includes("Rung 2 of 3: 3 trials to step 30"), lines.join("\n"));
  });
});

Deno.test("search: stopped and continued it makes every trial once and gives the same", async () => {
  await withFolder(async (folder) => {
    const [whole, halves] = [join(folder, "whole"), join(folder, "halves")];
    const plan = planOf(wide, { halving: true });
    const unbroken = await searchIn(whole, plan);
    const made: string[] = [];
    for (const stopIn of [4, 9, 5]) { // in each session one trial more than this is begun
      const stop = new AbortController();
      let begun = 0;
      const before = () => void (++begun > stopIn && stop.abort());
      const part = await searchIn(halves, plan, { before, signal: stop.signal });
      made.push(...part.made);
      if (!part.interrupted) break;
    }
    deepStrictEqual(made, unbroken.made);
    const rows = (text: string) => text.trim().split("\n").filter((line) => !line.includes("stopped"));
    deepStrictEqual(rows(await logOf(halves)), rows(await logOf(whole)));
    const again = await searchIn(halves, plan);
    deepStrictEqual([again.made, again.trials], [[], unbroken.trials]);
    ok(again.lines.includes("[Info]: 9 trials made already"), again.lines.join("\n"));
  });
});

Deno.test("search: killed while it wrote a line, it makes that trial again", async () => {
  await withFolder(async (folder) => {
    const plan = planOf({ grid: ["dModel=1,2,3"] });
    await searchIn(folder, plan);
    const text = await logOf(folder);
    await Deno.writeTextFile(join(folder, "trials.jsonl"), text.slice(0, -20));
    const { made, trials } = await searchIn(folder, plan);
    deepStrictEqual([made, trials.length], [["3"], 3]);
    strictEqual(await logOf(folder), text);
    await Deno.writeTextFile(join(folder, "trials.jsonl"), "nothing\n" + text);
    await rejects(searchIn(folder, plan), /^SyntaxError: Cannot read line 1 of ".*trials\.jsonl": expected a JSON/);
  });
});

Deno.test("search: a trial that fails is recorded and the others go on; what concerns all of them ends the search", async () => {
  await withFolder(async (folder) => {
    const plan = planOf({ grid: ["dModel=1,2,3"] });
    const failing = ({ number }: Trial) => number === 2 ? "Cannot go on: the loss is NaN at step 3" : undefined;
    const first = await searchIn(folder, plan, { before: failing });
    deepStrictEqual(first.trials.map(({ status }) => status), ["done", "failed", "done"]);
    deepStrictEqual([first.trials[1].reason, first.trials[1].accuracy], [
      "Cannot go on: the loss is NaN at step 3",
      null,
    ]);
    match(first.lines.join("\n"), /^Trial 2 of 3: dModel 2: failed: Cannot go on: the loss is NaN at step 3$/m);
    deepStrictEqual((await searchIn(folder, plan)).made, [], "failed is ended, too");
    const again = await searchIn(folder, plan, { retryFailed: true });
    deepStrictEqual([again.made, again.trials.map(({ status }) => status)], [["2"], ["done", "done", "done"]]);
    deepStrictEqual((await searchIn(folder, plan, { retryFailed: true })).made, []);
  });
  await withFolder(async (folder) => {
    const plan = planOf({ grid: ["dModel=1,2,3"] });
    const full = ({ number }: Trial) => {
      if (number === 2) throw new Error("Cannot write: the disk is full");
    };
    await rejects(searchIn(folder, plan, { before: full }), /the disk is full/);
    deepStrictEqual((await searchIn(folder, plan)).made, ["2", "3"]);
  });
  await withFolder(async (folder) => {
    const { trials, made } = await searchIn(folder, planOf(wide, { halving: true }), { before: () => "no" });
    deepStrictEqual([trials.length, made.length], [9, 9]);
  });
});

Deno.test("search: a folder goes on with the plan it was begun with; only more draws may be asked for", async () => {
  await withFolder(async (folder) => {
    const random = ["lr=1e-4..1e-2"];
    const plan = planOf({ random, trials: 3 });
    await searchIn(folder, plan);
    await Deno.mkdir(join(folder, "trial-0001")); // as a real trial leaves it
    const refused = (other: SearchPlan, message: RegExp) => rejects(searchIn(folder, other), message);
    await refused(
      planOf({ random: ["lr=1e-4..1e-1"], trials: 3 }),
      /begun otherwise: --random was lr=0\.0001\.\.0\.01, is/,
    );
    await refused(
      planOf({ grid: ["lr=1,2"] }),
      /--grid was nothing, is lr=1,2; --random was .* is nothing; trials was 3/,
    );
    await refused({ ...plan, metric: "loss" }, /^RangeError: .*--metric was accuracy, is loss; give another folder/);
    await refused({ ...plan, halving: true }, /--halving was false, is true/);
    await refused(
      { ...plan, config: { ...plan.config, dModel: 3, seed: 1 } },
      /seed was 0, is 1; dModel was \d+, is 3/,
    );
    await refused(planOf({ random, trials: 2 }), /trials was 3, is 2/);
    const moved = {
      ...plan,
      config: { ...plan.config, device: "webgpu" as const, out: "elsewhere", cacheMegabytes: 1 },
    };
    deepStrictEqual((await searchIn(folder, moved)).made, []);
    deepStrictEqual((await searchIn(folder, planOf({ random, trials: 5 }))).made, ["4", "5"]);
  });
});

Deno.test("search: another search or a run in the folder keeps it out", async () => {
  await withFolder(async (folder) => {
    const plan = planOf(wide);
    {
      using _ = await SearchFolder.open(folder, plan);
      await rejects(
        SearchFolder.open(folder, plan),
        /^Error: Cannot search in ".*": another search is at work there; wait/,
      );
    }
    (await SearchFolder.open(folder, plan))[Symbol.dispose]();
    await Deno.remove(join(folder, "search.json"));
    await Deno.writeTextFile(join(folder, "config.json"), "{}");
    await rejects(
      SearchFolder.open(folder, plan),
      /^Error: Cannot search in ".*": it holds runs of another kind; give/,
    );
    await rejects(readPlan(folder), /^Error: Cannot resume ".*": it holds no search$/);
    await Deno.writeTextFile(join(folder, "file"), "");
    await rejects(
      SearchFolder.open(join(folder, "file"), plan),
      /^Error: Cannot write to ".*file": .*another folder with --out/,
    );
  });
});

Deno.test("search: a plan that somebody has edited is read as it is, or what is wrong with it is said", async () => {
  await withFolder(async (folder) => {
    const plan = planOf({ grid: ["pooling=mean,statistics"], random: ["lr=1e-4..1e-2"], trials: 2 }, { halving: true });
    (await SearchFolder.open(folder, plan))[Symbol.dispose]();
    deepStrictEqual(await readPlan(folder), plan);
    const file = join(folder, "search.json");
    const write = (changes: object) => Deno.writeTextFile(file, JSON.stringify({ ...plan, ...changes }));
    const { maxTime, ...older } = plan.config;
    await write({ config: older });
    strictEqual((await readPlan(folder)).config.maxTime, maxTime, "a key that is newer than the search");
    await Deno.mkdir(join(folder, "trial-0001"));
    const [{ grid, random: [range] }, { draws }] = [plan.space, plan.space];
    const broken: readonly [object, RegExp][] = [
      [{ config: null }, /it is no plan of a search: it has no config or no space$/],
      [{ space: [] }, /it has no config or no space$/],
      [{ task: "bake" }, /its task is none$/],
      [{ metric: 1 }, /its metric is none$/],
      [{ halving: "yes" }, /whether to halve is not said$/],
      [{ space: { grid, random: [], draws: 0 } }, /its number of draws is none$/],
      [{ space: { grid: [range], random: [], draws } }, /its grid has a range$/],
      [
        { config: { ...plan.config, nHaed: 2 } },
        /^SyntaxError: Cannot set "nHaed" of ".*search\.json": there is no such/,
      ],
      [{ config: { ...plan.config, nHead: -2 } }, /^RangeError: Cannot set "nHead" of ".*" to -2: expected a whole/],
      [{ config: { ...plan.config, recipe: "soup" } }, /^RangeError: Cannot use recipe "soup": there is none/],
      ...[
        ...[null, 7, {}, { key: "toString", values: [1] }, { key: "out", values: ["a"] }, { key: "lr", values: [] }],
        ...[{ key: "lr", values: [-1] }, { ...range, high: -1 }, { ...range, low: "a" }, { ...range, log: 1 }],
      ].map((
        axis,
      ): [object, RegExp] => [{ space: { grid, random: [axis], draws } }, /a key that it varies, or a value/]),
    ];
    for (const [changes, message] of broken) {
      await write(changes);
      await rejects(readPlan(folder), message);
      await rejects(SearchFolder.open(folder, plan), message);
    }
  });
});

Deno.test("search: halving over the number of steps is refused", async () => {
  await withFolder(async (folder) => {
    const plan = planOf({ grid: ["totalSteps=10,20,30"] }, { halving: true });
    await rejects(
      searchIn(folder, plan),
      /^RangeError: Cannot halve over totalSteps: trials are compared at equal lengths$/,
    );
    const epochs = { ...planOf(wide, { halving: true }), config: { ...recipes[0].config, epochs: 9 } };
    deepStrictEqual((await searchIn(join(folder, "epochs"), epochs)).made.slice(8, 10), ["9@1", "5@3"]);
  });
});
