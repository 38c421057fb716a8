/** `deno task evaluate`: measures a trained model on labelled data. @module */
import { basename, join, resolve } from "node:path";
import { choice, flag, integer, text } from "../train/fields.ts";
import { Screen } from "../train/progress.ts";
import { type CommandSpec, parseCommand, type Values, withDefault } from "./cli/command.ts";
import { UsageError } from "./cli/errors.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import { checkScoresOptions, evaluateScores, scoresOptions } from "./evaluate/scores.ts";
import { evaluateVerification, isVerification, verificationOptions } from "./evaluate/verification.ts";

const options = {
  model: text("Run folder (its best model is taken), or a .safetensors file; needed, except with --scores", {
    placeholder: "RUN|FILE",
  }),
  data: text("Data set, recordings in class folders, or a list of them; unless told, what was trained on", {
    placeholder: "DIR|FILE",
  }),
  valid: flag("Only what the run kept for validation; so it is anyway for the data that were trained on"),
  test: flag("Only the run's test fold (testFold in its config)"),
  all: flag("All utterances, also those that were trained on"),
  folds: text("CSV file with columns file and fold (or split)", { placeholder: "FILE" }),
  fold: text("Only this fold of it", { placeholder: "X" }),
  label: text("Pattern with one group that finds the label in a recording's path; default: its first folder", {
    placeholder: "PATTERN",
  }),
  labelColumn: text("Column of a CSV list that holds the label", { placeholder: "NAME" }),
  out: text("Folder to write; unless told evaluation-… in the run folder", { placeholder: "DIR" }),
  topK: withDefault(integer("Likeliest classes listed, and the largest k of top-k accuracy", { min: 1 }), 5),
  crops: integer("Crops of each utterance whose scores are averaged; default: as in the training's validation", {
    min: 1,
  }),
  batchSize: withDefault(integer("Utterances a batch", { min: 1 }), 16),
  device: withDefault(
    choice("Where to compute; auto: a real GPU, else the CPU", ["auto", "webgpu", "cpu"]),
    "auto",
  ),
  ...scoresOptions,
  ...verificationOptions,
};

const verificationKeys = Object.keys({ ...scoresOptions, ...verificationOptions }) as (
  | keyof typeof scoresOptions
  | keyof typeof verificationOptions
)[];

const spec: CommandSpec<typeof options> = {
  name: "evaluate",
  about:
    "Measures a trained model on labelled data: accuracy with its 95 % interval (Wilson), top-k, precision, recall and " +
    "F1 of each class, confusion matrix and worst pairs. Writes evaluation.html, .txt, .json and predictions.csv. " +
    "With --verification or --trials: how well it tells speakers apart that it need not know. Writes verification.html, .txt, " +
    ".json, scores.csv and pictures, and the threshold beside the model. With --scores: the same of scores that anybody computed.",
  options,
  groups: { "Speaker verification": verificationKeys },
  examples: [
    "deno task evaluate --model runs/quickstart",
    "deno task evaluate --model runs/hw4-medium --data Dataset --crops 5",
    "deno task evaluate --model runs/sound-cnn --data esc10 --folds esc10/clips.csv --fold 5",
    "deno task evaluate --model runs/quickstart --data recordings --out report",
    "deno task evaluate --model runs/ecapa --verification --data unheard-speakers --operating-point far=0.01",
    "deno task evaluate --model runs/ecapa --trials voxceleb1/veri_test2.txt --root voxceleb1/wav",
    "deno task evaluate --scores kaldi/scores --trials kaldi/trials",
  ],
};

await runTask(async () => {
  const { options } = parseCommand(spec, Deno.args);
  const { data, valid, test, all, folds, fold, label, labelColumn, topK, crops, batchSize, device } = options;
  const screen = new Screen();
  const { scores, model } = options;
  if (scores !== undefined) {
    const { topK: _k, batchSize: _b, device: _d, ...given } = options; // these have defaults, given or not
    checkScoresOptions(given);
    return await evaluateScores({ ...options, scores }, screen);
  }
  if (model === undefined) throw new UsageError("Cannot go without --model: name a run folder or a model file");
  if (isVerification(options, { valid, test, all, folds, fold, crops })) {
    return await evaluateVerification({ ...options, model }, screen);
  }
  const part = partOf(options);
  const { evaluate } = await import("../train/evaluate.ts"); // only now: --help and typos need no engine
  const { checkFolder, writeEvaluation } = await import("../train/evaluation/write.ts");
  const { textReport } = await import("../train/evaluation/text_report.ts");
  if (options.out !== undefined) await checkFolder(options.out);
  const request = { model, data, part, folds, fold, label, labelColumn, topK, crops, batchSize, device };
  const result = await evaluate(request, { screen });
  const out = options.out ?? await folderFor(model, { part: result.part, data: result.report.data });
  await writeEvaluation(out, result);
  screen.log("\n" + textReport(result.report));
  screen.info(`Wrote ${join(out, "evaluation.html")}, evaluation.txt, evaluation.json and predictions.csv`);
  return result.report.skipped.length > 0 ? exitCodes.failed : exitCodes.done;
});

/** The part that the flags ask for; they must not ask for two. */
function partOf({ valid, test, all, folds, fold }: Values<typeof options>): "auto" | "valid" | "test" | "all" {
  if ((folds === undefined) !== (fold === undefined)) {
    const [given, missing] = fold === undefined ? ["--folds", "--fold"] : ["--fold", "--folds"];
    throw new UsageError(`Cannot use ${given} alone: ${missing} is missing`);
  }
  const asked = Object.entries({ "--valid": valid, "--test": test, "--all": all, "--fold": fold !== undefined });
  const flags = asked.filter(([, isAsked]) => isAsked).map(([name]) => name);
  if (flags.length > 1) throw new UsageError(`Cannot evaluate two parts at once: give one of ${flags.join(" and ")}`);
  return valid ? "valid" : test ? "test" : all ? "all" : "auto";
}

/** `RUN/evaluation-valid`, or with the name of the data where they are not the run's. */
async function folderFor(model: string, { part, data }: { part: string; data: string }): Promise<string> {
  const { runFolderOf } = await import("../train/run_config.ts");
  const name = part === "all" ? `all-${basename(resolve(data))}` : part;
  return join(await runFolderOf(model), `evaluation-${name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")}`);
}
