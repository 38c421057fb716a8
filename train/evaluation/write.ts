/** An evaluation as files. @module */
import { dirname, join } from "node:path";
import { writeAtomic } from "../../data/files/atomic_write.ts";
import { ioFact } from "../io_fact.ts";
import { checkWritable, csvLine } from "../predictions_csv.ts";
import { htmlReport } from "./html_report.ts";
import type { Outcome } from "./outcome.ts";
import type { EvaluationReport } from "./report.ts";
import { textReport } from "./text_report.ts";

/** What there is to write. */
export interface EvaluationFiles {
  /** The measures. */
  readonly report: EvaluationReport;
  /** What the model said of each utterance. */
  readonly outcomes: readonly Outcome[];
}

/**
 * Writes `evaluation.json` (all results), `evaluation.txt`, `evaluation.html` (a page that needs nothing else) and
 * `predictions.csv` into a folder, which is made if need be.
 *
 * @throws {Error} Where they cannot be written.
 */
export async function writeEvaluation(folder: string, { report, outcomes }: EvaluationFiles): Promise<void> {
  const files = {
    "evaluation.json": jsonOf(report),
    "evaluation.txt": textReport(report),
    "evaluation.html": htmlReport(report),
    "predictions.csv": predictionsOf(outcomes, report.classes.map(({ name }) => name)),
  };
  try {
    await Deno.mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeAtomic(join(folder, name), text);
  } catch (error) {
    throw new Error(`Cannot write into "${folder}": ${ioFact(error)}`, { cause: error });
  }
}

/** Indented, but a cell of the confusion matrix on one line. */
function jsonOf(report: EvaluationReport): string {
  return JSON.stringify(report, null, 2).replaceAll(/\[\n +(\d+),\n +(\d+),\n +(\d+)\n +\]/g, "[$1, $2, $3]") + "\n";
}

/**
 * Refuses a folder that could not be written to, before the work of an evaluation. Makes nothing.
 *
 * @throws {Error} Where it, or the folder that it would be made in, is a file or may not be written to.
 */
export async function checkFolder(folder: string): Promise<void> {
  await checkWritable(join(await nearestThere(folder), "evaluation.json"));
}

/** The path, or the first above it that exists. */
async function nearestThere(path: string): Promise<string> {
  if (await Deno.stat(path).then(() => true, () => false) || dirname(path) === path) return path;
  return await nearestThere(dirname(path));
}

/**
 * `Id,Label,Rank,Category,Probability,Category2,Probability2,…`: the true class, how many classes were likelier (0: it was
 * right), and the likeliest ones.
 */
function predictionsOf(outcomes: readonly Outcome[], names: readonly string[]): string {
  const most = outcomes.reduce((most, { likeliest }) => Math.max(most, likeliest.length), 1);
  const pairs = Array.from({ length: most }, (_, i) => i === 0 ? "" : i + 1);
  const header = ["Id", "Label", "Rank", ...pairs.flatMap((n) => [`Category${n}`, `Probability${n}`])];
  const lines = outcomes.map(({ id, label, rank, likeliest }) => {
    const guesses = likeliest.flatMap(({ place, probability }) => [names[place], probability.toFixed(6)]);
    return csvLine([id, names[label], rank, ...guesses]);
  });
  return csvLine(header) + lines.join("");
}
