/** `deno task plot`: draws training curves. @module */
import { extname } from "node:path";
import { writeAtomic } from "../data/files/mod.ts";
import { number, text } from "../train/fields.ts";
import { nameHint } from "../train/name_hint.ts";
import { printable } from "../train/printable.ts";
import { checkWritable } from "../train/predictions_csv.ts";
import { type CommandSpec, parseCommand, withDefault } from "./cli/command.ts";
import { UsageError } from "./cli/errors.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import { curveOf } from "./plots/curves.ts";
import { type PlottedRun, readRuns } from "./plots/runs.ts";
import { plottableKeys, trainingCurves, validKey } from "./plots/training_curves.ts";

const options = {
  out: withDefault(
    text("Picture to write, .svg or .png; without an ending both", { placeholder: "FILE" }),
    "curves",
  ),
  metrics: text("What to draw, a panel each, with commas; unless told loss,accuracy,lr", { placeholder: "NAME,NAME" }),
  smooth: withDefault(
    number("Smooths training values: weight of a neighbour, of the one after it its square, and so on", {
      min: 0,
      below: 1,
    }),
    0,
  ),
  title: text("Stands above the picture", { empty: true }),
  zoom: withDefault(number("Pixels of a PNG for each point of the drawing", { min: 0.5, max: 8 }), 2),
};

const spec: CommandSpec<typeof options> = {
  name: "plot",
  about:
    "Draws training curves of runs into one picture: loss and accuracy in training and validation, learning rate. " +
    "A run that is still going on is drawn as far as it is.",
  positionals: { name: "RUN", help: "Run folders, or metrics.jsonl files", min: 1 },
  options,
  examples: [
    "deno task plot runs/hw4-simple",
    "deno task plot runs/hw4-simple runs/hw4-medium --out compared.png --smooth 0.9",
    "deno task plot runs/* --metrics accuracy --title 'Recipes of homework 4'",
  ],
};

await runTask(async () => {
  const { options, positionals } = parseCommand(spec, Deno.args);
  const { smooth, title = "", zoom } = options;
  const files = filesOf(options.out);
  for (const file of files) await checkWritable(file);
  const all = await readRuns(positionals, { say: (line) => console.log(printable(line)) });
  const runs = all.filter(({ rows }) => rows.length > 0);
  const empty = all.filter(({ rows }) => rows.length === 0);
  for (const { name } of empty) console.log(`Left out: "${name}" has measured nothing yet`);
  if (runs.length === 0) throw new Error("Cannot plot: none of the runs has measured anything yet");
  const metrics = metricsOf(options.metrics, runs);
  const { toPng, toSvg } = await import("./plots/draw.ts"); // only now: --help and typos need no painter
  const svg = await toSvg(trainingCurves(runs, { metrics, smooth, title }));
  for (const file of files) await writeAtomic(file, file.endsWith(".png") ? await toPng(svg, { zoom }) : svg + "\n");
  for (const run of runs) console.log(printable(summaryOf(run)));
  console.log(`Wrote ${files.join(" and ")}`);
  return empty.length > 0 ? exitCodes.failed : exitCodes.done;
});

/** Files to write. */
function filesOf(out: string): string[] {
  const ending = extname(out);
  if (ending === ".svg" || ending === ".png") return [out];
  if (ending === "" || /^\.\d/.test(ending)) return [`${out}.svg`, `${out}.png`];
  throw new UsageError(`Cannot write "${out}": pictures are .svg or .png`);
}

/** The keys to draw: those asked for, which must be there, or those of the usual ones that are. */
function metricsOf(asked: string | undefined, runs: readonly PlottedRun[]): string[] {
  const known = plottableKeys(runs);
  if (asked === undefined) return ["loss", "accuracy", "lr"].filter((key) => known.includes(key));
  const wanted = [...new Set(asked.split(",").map((key) => key.trim()))];
  const unknown = wanted.find((key) => !known.includes(key));
  if (unknown === undefined) return wanted;
  throw new UsageError(`Cannot plot "${unknown}": the runs have not measured it; ${nameHint(unknown, known)}`);
}

/** `hw4-simple: 4000 steps, best validation accuracy 0.6123 at step 3500`. */
function summaryOf({ name, rows }: PlottedRun): string {
  const steps = rows.reduce((most, { step }) => Math.max(most, step), 0);
  const { steps: at, values } = curveOf(rows, validKey("accuracy"));
  const best = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const found = values.length === 0
    ? "not validated yet"
    : `best validation accuracy ${best.toFixed(4)} at step ${at[values.indexOf(best)]}`;
  return `${name}: ${steps} steps, ${found}`;
}
