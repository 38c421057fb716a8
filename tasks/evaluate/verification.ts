/** `deno task evaluate --verification` and `--trials`: measures a model as a verifier. @module */
import { basename, join, resolve } from "node:path";
import { choice, flag, flagOf, integer, number, text } from "../../train/fields.ts";
import { checkWritable } from "../../train/predictions_csv.ts";
import type { Screen } from "../../train/progress.ts";
import { operatingPointNames, parseOperatingPoint } from "../../train/verification/operating_point.ts";
import type { PaintedPicture } from "../../train/verification/write.ts";
import type { VerificationReport } from "../../train/verification/report.ts";
import { scoreText } from "../../train/verification/score_text.ts";
import { asUsageError, UsageError } from "../cli/errors.ts";
import type { Values } from "../cli/command.ts";
import { exitCodes } from "../cli/run_task.ts";

/** Options that only verification has; none has a default here, so that it shows which were given. */
export const verificationOptions = {
  verification: flag("Tell the same speaker from others: all pairs of the recordings in --data"),
  trials: text(
    "The same for the pairs of a list, lines 1 PATH PATH (same speaker) and 0 PATH PATH, or PATH PATH target and PATH PATH nontarget",
    {
      placeholder: "FILE",
    },
  ),
  root: text("Folder from which the paths of --trials count; default: the list's own", { placeholder: "DIR" }),
  scoring: choice("How two embeddings are scored (default: cosine)", ["cosine", "cosine-mean", "s-norm", "plda"]),
  cohort: text("Recordings of other people, for s-norm (and the mean of cosine-mean)", { placeholder: "DIR|FILE" }),
  cohortTop: integer("How many of the cohort a score is measured by (default: 300)", { min: 2 }),
  pldaTrain: text("Recordings of known speakers to train PLDA on, for --scoring plda", { placeholder: "DIR|FILE" }),
  pldaDim: integer("Numbers that embeddings are reduced to for PLDA (default: all)", { min: 1 }),
  pldaWindow: number("Train PLDA on windows of so many seconds (default: recordings; 3 where nobody has two)", {
    min: 0.1,
    max: 3600,
  }),
  operatingPoint: text(`The threshold to choose: ${operatingPointNames} (default: eer)`, { placeholder: "NAME" }),
  threshold: number("Show the rates at this threshold as well"),
  protocol: choice("s4: S4's way, with self-pairs and a grid, for comparison (default: standard)", ["standard", "s4"]),
  windowSeconds: number("Longer recordings are embedded in equal windows (default: 30)", { min: 0.1, max: 3600 }),
  seed: integer("Of the draws of speakers for the intervals (default: 1)", { min: 0 }),
  calibrate: flag("Write the threshold into calibration.json beside the model (the default; --no-calibrate: not)"),
};

/** Options of both that verification needs. */
interface SharedOptions {
  readonly model: string;
  readonly data?: string;
  readonly label?: string;
  readonly labelColumn?: string;
  readonly out?: string;
  readonly batchSize: number;
  readonly device: "auto" | "webgpu" | "cpu";
}

type Options = SharedOptions & Values<typeof verificationOptions>;

/**
 * Whether a command line asks for verification.
 *
 * @param options all of the command line
 * @param others what only the other kind of evaluation has
 * @throws {UsageError} Where an option of one kind is given with the other.
 */
export function isVerification(
  options: Values<typeof verificationOptions>,
  others: Readonly<Record<string, unknown>>,
): boolean {
  const { verification, trials, root, scoring, cohort, cohortTop, operatingPoint, threshold, protocol } = options;
  const { windowSeconds, seed, calibrate, pldaTrain, pldaDim, pldaWindow } = options;
  const isAsked = verification === true || trials !== undefined;
  const own = {
    ...{ root, scoring, cohort, cohortTop, operatingPoint, threshold, protocol, windowSeconds, seed, calibrate },
    ...{ pldaTrain, pldaDim, pldaWindow },
  };
  const stray = Object.entries(isAsked ? others : own).find(([, value]) => value !== undefined && value !== false);
  if (stray === undefined) return isAsked;
  throw new UsageError(
    isAsked
      ? `Cannot use ${flagOf(stray[0])} for verification: all recordings of --data or --trials are compared`
      : `Cannot use ${flagOf(stray[0])} alone: it is for verification; give --verification or --trials FILE`,
  );
}

/** Measures, writes the report and the calibration, and says what it found. */
export async function evaluateVerification(options: Options, screen: Screen): Promise<number> {
  const { operatingPoint, verification: _, out: given, calibrate = true, cohortTop: topN, ...request } = options;
  checkSources(options);
  const point = pointOf(operatingPoint);
  const { verify } = await import("../../train/verification/verify.ts");
  const { checkFolder } = await import("../../train/evaluation/write.ts");
  const { writeVerification } = await import("../../train/verification/write.ts");
  const { calibrationPath, writeCalibration } = await import("../../train/verification/calibration_file.ts");
  const { verificationText } = await import("../../train/verification/text_report.ts");
  const out = given ?? await folderFor(options);
  await checkFolder(out);
  const calibration = calibrate && options.protocol !== "s4" ? await calibrationPath(options.model) : null;
  if (calibration !== null) await checkWritable(calibration);
  const result = await verify({ ...request, topN, operatingPoint: point }, { screen });
  screen.log("\n" + verificationText(result.report)); // before anything is written, which may fail
  const files = await writeVerification(out, result, { pictures: await picturesOf(result.report) });
  screen.info(`Wrote ${join(out, files[0])}, and beside it ${files.slice(1).join(", ")}`);
  if (calibration !== null && result.calibration !== null) {
    await writeCalibration(calibration, result.calibration);
    screen.info(`Wrote the threshold ${scoreText(result.calibration.threshold)} to ${calibration}`);
  } else if (calibrate) {
    screen.info("No calibration is written: S4's protocol compares recordings with themselves");
  }
  return result.report.skipped.length > 0 ? exitCodes.failed : exitCodes.done;
}

function checkSources(options: Options): void {
  const { trials, data, root, label, labelColumn, protocol, scoring, cohort, cohortTop } = options;
  const refuse = (fact: string) => new UsageError(`Cannot verify: ${fact}`);
  if (trials !== undefined && data !== undefined) throw refuse("give either --data or --trials");
  if (trials === undefined && data === undefined) {
    throw refuse("no recordings are given; name folders of speakers with --data DIR, or pairs with --trials FILE");
  }
  if (root !== undefined && trials === undefined) throw refuse("--root is for --trials");
  if (trials !== undefined && (label !== undefined || labelColumn !== undefined)) {
    throw refuse("a list of trials has no labels");
  }
  if (protocol === "s4" && (trials !== undefined || (scoring ?? "cosine") !== "cosine")) {
    throw refuse("--protocol s4 is of all pairs of --data, scored by cosine");
  }
  if (scoring === "s-norm" && cohort === undefined) {
    throw refuse("--scoring s-norm needs recordings of other people: --cohort DIR");
  }
  if (scoring === "plda" && options.pldaTrain === undefined) {
    throw refuse("--scoring plda needs recordings of known speakers to train it: --plda-train DIR");
  }
  const { pldaTrain, pldaDim, pldaWindow } = options;
  const stray = Object.entries({ pldaTrain, pldaDim, pldaWindow }).find(([, value]) => value !== undefined);
  if (scoring !== "plda" && stray !== undefined) throw refuse(`${flagOf(stray[0])} is for --scoring plda`);
  if (cohort !== undefined && ["cosine", "plda"].includes(scoring ?? "cosine")) {
    throw refuse("--cohort is for --scoring s-norm or cosine-mean");
  }
  if (cohortTop !== undefined && scoring !== "s-norm") throw refuse("--cohort-top is for --scoring s-norm");
}

/** The operating point of this name; undefined without one. */
export function pointOf(name: string | undefined) {
  try {
    return name === undefined ? undefined : parseOperatingPoint(name);
  } catch (error) {
    throw asUsageError(error);
  }
}

/** `RUN/verification-NAME` of the recordings or the list, and what is unusual about the way. */
async function folderFor({ model, data, trials, protocol, scoring }: Options): Promise<string> {
  const { runFolderOf } = await import("../../train/run_config.ts");
  const name = basename(resolve(trials ?? data!)).replace(/\.(txt|csv|tsv|lst)$/, "");
  const safe = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-");
  const way = [scoring, protocol].filter((name) => name !== undefined && name !== "cosine" && name !== "standard");
  return join(await runFolderOf(model), ["verification", safe, ...way].join("-"));
}

/** The pictures of a report, for the page and as files. */
export async function picturesOf(report: VerificationReport): Promise<PaintedPicture[]> {
  const { toPng, toSvg } = await import("../plots/draw.ts");
  const { detChart, histogramChart, thresholdChart } = await import("../plots/verification_charts.ts");
  const charts = [
    {
      name: "det",
      title: "Both errors against each other",
      caption:
        "The detection error trade-off: every point is a threshold. The nearer to the lower left corner, the better.",
      chart: detChart(report),
    },
    {
      name: "thresholds",
      title: "Rates over the threshold",
      caption:
        "Scores from the threshold on are accepted. Precision, F1 and the cost depend on how frequent either kind is.",
      chart: thresholdChart(report),
    },
    {
      name: "scores",
      title: "Scores",
      caption: "Each kind of trial adds up to 100 %. The less they overlap, the better.",
      chart: histogramChart(report),
    },
  ];
  const pictures: PaintedPicture[] = [];
  for (const { chart, ...picture } of charts) {
    const svg = await toSvg(chart);
    pictures.push({ ...picture, svg, png: await toPng(svg) });
  }
  return pictures;
}
