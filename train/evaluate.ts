/** Measures of a trained model on labelled data. @module */
import type { UtteranceSource } from "../data/sets/mod.ts";
import { type LabelledData, openLabelledData } from "./evaluation/labelled_data.ts";
import { counted, unknownNote } from "./evaluation/numbers.ts";
import { type Outcome, outcomeOf } from "./evaluation/outcome.ts";
import { choosePart, type PartRequest } from "./evaluation/part.ts";
import { type EvaluationReport, makeReport, type UnknownClass } from "./evaluation/report.ts";
import { requireClasses } from "./model_facts.ts";
import { loadModel } from "./model_file.ts";
import type { LoadedModel } from "./model_from_bytes.ts";
import type { Skipped } from "./model_recordings.ts";
import { onDevice } from "./on_device.ts";
import type { Screen } from "./progress.ts";
import { runConfigOf } from "./run_config.ts";
import { scoreUtterances } from "./scoring.ts";
import type { TrainConfig } from "./train_config.ts";
import { type Viewing, withCrops } from "./viewing.ts";

/** What to evaluate. */
export interface EvaluateRequest extends PartRequest {
  /** Run folder or model file. */
  readonly model: string;
  /** A data set, recordings in class folders, or a list of them; unless given, what the model was trained on. */
  readonly data?: string;
  /** Pattern that finds the label in a recording's path; default as in training, where these are its data. */
  readonly label?: string;
  /** Column of a CSV list that holds the label; default as in training, where these are its data. */
  readonly labelColumn?: string;
  /** Likeliest classes that are listed, and the largest k of top-k accuracy. */
  readonly topK: number;
  /** Crops of each utterance whose scores are averaged; default as in training's validation. */
  readonly crops?: number;
  /** Utterances a batch, at most. */
  readonly batchSize: number;
  /** Where to compute; "auto" is a real GPU if there is one, else the CPU. */
  readonly device: "auto" | "webgpu" | "cpu";
}

/** Measures, and what they were taken of. */
export interface EvaluateResult {
  /** The measures, as `evaluation.json` has them. */
  readonly report: EvaluationReport;
  /** One for each utterance, in the order of the data. */
  readonly outcomes: readonly Outcome[];
  /** A few letters for the part that was evaluated, such as "valid". */
  readonly part: string;
}

/**
 * Evaluates a model on labelled data. Utterances of classes that it does not know are reported and in none of the measures.
 *
 * @throws {Error} Where model or data cannot be used or do not fit together, or the part that is asked for is empty.
 */
export function evaluate(request: EvaluateRequest, { screen }: { screen: Screen }): Promise<EvaluateResult> {
  return onDevice(request.device, { screen, work: () => evaluateHere(request, screen) });
}

async function evaluateHere(request: EvaluateRequest, screen: Screen): Promise<EvaluateResult> {
  const loaded = await loadModel(request.model);
  requireClasses(loaded, { model: request.model, verb: "evaluate classes" });
  const run = await runConfigOf(request.model);
  const path = request.data ?? trainedOn(run);
  const config = run !== null && await isSamePlace(run.data, path) ? run : null;
  const skipped: Skipped[] = [];
  const { label = config?.label || undefined, labelColumn = config?.labelColumn || undefined } = request;
  using data = await openLabelledData(path, { loaded, label, labelColumn, screen, skipped });
  const { indices, description, name } = await choosePart(data, {
    ...request,
    config,
    validDigest: loaded.validDigest,
  });
  screen.info(`Evaluate ${path}: ${description}`);
  const { known, unknownClasses } = sortOut(data, indices, loaded.classes);
  if (unknownClasses.length > 0) screen.info(`Unknown classes: ${unknownNote(unknownClasses)}`);
  using source = await data.open(known);
  const viewing = withCrops(loaded.viewing, request.crops);
  const outcomes = await judge(loaded, source, { viewing, screen, ...request });
  const { step, classes } = loaded;
  const facts = { model: request.model, step, data: path, part: description, viewing: describeViewing(viewing) };
  const { topK } = request;
  const report = makeReport(outcomes, { ...facts, classes, unknownClasses, skipped, topK });
  return { report, outcomes, part: name };
}

function trainedOn(config: TrainConfig | null): string {
  if (config !== null) return config.data;
  throw new Error("Cannot evaluate: no config.json beside the model says what it was trained on; give --data DIR");
}

/** Whether two paths lead to one place. */
async function isSamePlace(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => Deno.realPath(path).catch(() => null)));
  return first !== null && first === second;
}

/** Utterances whose class the model knows, and the classes of the others. */
function sortOut(
  { utterances, classes }: LabelledData,
  indices: readonly number[],
  knownClasses: readonly string[],
): { known: number[]; unknownClasses: UnknownClass[] } {
  const names = new Set(knownClasses);
  const nameOf = (index: number) => classes[utterances[index].label];
  const known = indices.filter((index) => names.has(nameOf(index)));
  const others = Map.groupBy(indices.filter((index) => !names.has(nameOf(index))), nameOf);
  if (known.length === 0) {
    throw new Error(
      `Cannot evaluate: none of ${counted(indices.length, "utterance")} is of a class that the model knows ` +
        `(theirs are such as ${JSON.stringify(nameOf(indices[0]))}, the model's such as ${
          JSON.stringify(knownClasses[0])
        })`,
    );
  }
  return { known, unknownClasses: [...others].map(([name, { length: count }]) => ({ name, count })) };
}

async function judge(
  { model, classes, featureSettings }: LoadedModel,
  source: UtteranceSource,
  { viewing, screen, topK, batchSize }: { viewing: Viewing; screen: Screen; topK: number; batchSize: number },
): Promise<Outcome[]> {
  const outcomes = new Array<Outcome>(source.utterances.length);
  using bar = screen.bar({ label: "Evaluate", total: outcomes.length, unit: "uttr" });
  let done = 0;
  for await (
    const { index, logits } of scoreUtterances(model, source, {
      viewing,
      batchSize,
      classes: classes.length,
      featureSettings,
    })
  ) {
    outcomes[index] = outcomeOf(logits, { ...source.utterances[index], topK });
    bar.update(++done);
  }
  return outcomes;
}

/** "whole utterances", "up to 5 crops of 128 frames". */
function describeViewing({ mode, crops, frames }: Viewing): string {
  if (mode === "whole") return "whole utterances";
  return crops === 1 ? `their middle ${frames} frames` : `up to ${crops} crops of ${frames} frames each`;
}
