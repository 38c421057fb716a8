/** `deno task evaluate --scores`: measures scores that anybody computed. @module */
import { basename, join, resolve } from "node:path";
import { flagOf, text } from "../../train/fields.ts";
import type { Screen } from "../../train/progress.ts";
import { UsageError } from "../cli/errors.ts";
import { exitCodes } from "../cli/run_task.ts";
import { picturesOf, pointOf } from "./verification.ts";

/** The option that asks for it. */
export const scoresOptions = {
  scores: text("Measure this file instead of a model: lines A B SCORE with --trials, or LABEL SCORE", {
    placeholder: "FILE",
  }),
};

/** What may stand beside --scores. */
const fitting = ["scores", "trials", "operatingPoint", "threshold", "seed", "out"];

interface Options {
  readonly scores: string;
  readonly trials?: string;
  readonly operatingPoint?: string;
  readonly threshold?: number;
  readonly seed?: number;
  readonly out?: string;
}

/**
 * Refuses options that need a model.
 *
 * @param options all of the command line that have no default
 * @throws {UsageError} Names the first one.
 */
export function checkScoresOptions(options: Readonly<Record<string, unknown>>): void {
  const stray = Object.entries(options).find(([name, value]) =>
    !fitting.includes(name) && value !== undefined && value !== false
  );
  if (stray !== undefined) {
    throw new UsageError(
      `Cannot use ${flagOf(stray[0])} with --scores: scores are measured without model and recordings`,
    );
  }
}

/** Measures, writes the report, and says what it found. */
export async function evaluateScores(options: Options, screen: Screen): Promise<number> {
  const { scores, trials, operatingPoint, threshold, seed } = options;
  const point = pointOf(operatingPoint);
  const { measureScores } = await import("../../train/verification/measure_scores.ts");
  const { checkFolder } = await import("../../train/evaluation/write.ts");
  const { writeVerification } = await import("../../train/verification/write.ts");
  const { verificationText } = await import("../../train/verification/text_report.ts");
  const out = options.out ?? `verification-${basename(resolve(scores)).replace(/\.(txt|csv|tsv|lst|scores?)$/, "")}`;
  await checkFolder(out);
  const result = await measureScores({ scores, trials, operatingPoint: point, threshold, seed });
  screen.log("\n" + verificationText(result.report)); // before anything is written, which may fail
  const files = await writeVerification(out, result, { pictures: await picturesOf(result.report) });
  screen.info(`Wrote ${join(out, files[0])}, and beside it ${files.slice(1).join(", ")}`);
  return exitCodes.done;
}
