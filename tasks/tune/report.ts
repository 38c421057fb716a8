/** The end of a search: its tables on screen and in files, and its picture. @module */
import { join } from "node:path";
import { writeAtomic } from "../../data/files/mod.ts";
import type { Screen } from "../../train/progress.ts";
import { ablationTable } from "../../train/tune/ablation.ts";
import { valueText } from "../../train/tune/axis.ts";
import { searchChart } from "../../train/tune/chart.ts";
import { isReplicaKey } from "../../train/tune/groups.ts";
import type { SearchPlan } from "../../train/tune/plan.ts";
import { bestFirst, failureLines, meanTable, type Results, trialTable } from "../../train/tune/results.ts";
import type { TrialResult } from "../../train/tune/search.ts";
import { keysOf } from "../../train/tune/space.ts";
import { type Table, tableCsv, tableMarkdown, tableText } from "../../train/tune/table.ts";

/** What is reported, and where. */
export interface ReportOptions {
  readonly out: string;
  readonly screen: Screen;
  readonly trials: readonly TrialResult[];
}

/** Shows the tables, writes them to `results.md` and `results.csv`, and draws `results.svg` and `results.png`. */
export async function reportResults(plan: SearchPlan, { out, screen, trials }: ReportOptions): Promise<void> {
  const { space, metric, halving, config, task } = plan;
  const results: Results = { trials, keys: keysOf(space), metric, halving };
  const [main, ...others] = tablesOf(plan, results);
  const failures = failureLines(results);
  for (const table of [main, ...others]) screen.log("\n" + tableText(table).trimEnd());
  failures.forEach((line) => screen.log(line));
  const title = `${config.recipe}: ${task === "ablate" ? "ablation" : "search"} of ${trials.length} trials`;
  const notes = failures.map((line) => `- ${line}\n`).join("");
  const markdown = [`# ${title}\n`, ...[main, ...others].map(tableMarkdown), notes].filter(Boolean).join("\n");
  await writeAtomic(join(out, "results.md"), markdown);
  await writeAtomic(join(out, "results.csv"), tableCsv(trialTable(results)));
  const [best] = bestFirst(results);
  if (best?.status !== "done") return;
  await draw(out, { title, plan, trials });
  const keys = results.keys.map((key) => `${key} ${valueText(best.values[key])}`).join(", ");
  const value = metric === "accuracy" ? best.accuracy : best.loss;
  const run = join(out, `trial-${String(best.trial).padStart(4, "0")}`);
  screen.log(`\nBest ${metric} ${value?.toFixed(4)}: trial ${best.trial} (${keys}); run: ${run}`);
  screen.log(
    `Tables and picture: ${["md", "csv", "svg", "png"].map((kind) => join(out, `results.${kind}`)).join(", ")}`,
  );
}

function tablesOf({ task, space, metric }: SearchPlan, results: Results): Table[] {
  const trials = trialTable(results);
  if (task === "tune") return [trials, meanTable(results)].filter((table) => table !== undefined);
  const switches = space.grid.filter(({ key }) => !isReplicaKey(key));
  return [ablationTable(results.trials, { switches, keys: results.keys, metric }), trials];
}

async function draw(
  out: string,
  { title, plan, trials }: { title: string; plan: SearchPlan; trials: readonly TrialResult[] },
): Promise<void> {
  const { space, metric, halving } = plan;
  const spec = searchChart(trials, { title, axes: [...space.grid, ...space.random], metric, halving });
  const { toPng, toSvg } = await import("../plots/draw.ts"); // only now: it takes a while to load
  const svg = await toSvg(spec);
  await writeAtomic(join(out, "results.svg"), svg);
  await writeAtomic(join(out, "results.png"), await toPng(svg));
}
