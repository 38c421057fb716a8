/** Measures of scores that anybody computed. @module */
import { checkKinds } from "./check_kinds.ts";
import { judgedScores } from "./judged_scores.ts";
import { measureTrials } from "./measures.ts";
import type { OperatingPoint } from "./operating_point.ts";
import { detPoints, scoreHistogram, sweepRows } from "./pictures.ts";
import { notesOn, type VerificationReport } from "./report.ts";
import { readScores } from "./score_file.ts";
import { speakersOfTrials } from "./trial_speakers.ts";
import { countTrials } from "./trials.ts";
import type { VerifyResult } from "./verify.ts";

/** What to measure. */
export interface ScoresRequest {
  /** File of lines `A B score`, or `label score`. */
  readonly scores: string;
  /** List of trials that labels the pairs. */
  readonly trials?: string;
  /** The threshold to choose. Default the equal error rate's. */
  readonly operatingPoint?: OperatingPoint;
  /** A threshold at which the rates are wanted as well. */
  readonly threshold?: number;
  /** Of the draws of speakers for the intervals. Default 1. */
  readonly seed?: number;
}

/**
 * Measures a file of scores as `verify` measures a model, and their Cllr. Needs no model and no GPU.
 *
 * @throws {SyntaxError} Where a line is no score; with file and line.
 * @throws {Error} Where a file cannot be read, or all trials are of one kind.
 */
export async function measureScores(request: ScoresRequest): Promise<Omit<VerifyResult, "calibration">> {
  const { scores: path, trials: list, operatingPoint = { criterion: "eer" } as const, threshold, seed = 1 } = request;
  const { names, trials, scores, selfTrials, unlisted } = await readScores(path, { trials: list });
  checkKinds(trials, 0);
  const speakers = names.length === 0 ? null : speakersOfTrials(names, trials);
  const judged = judgedScores(scores, trials, { seconds: null, operatingPoint });
  const { measures, curve } = measureTrials(judged.scores, trials, { speakers, operatingPoint, threshold, seed });
  const counts = countTrials(trials), people = new Set(speakers).size;
  const notes = speakers === null
    ? ["No intervals: the file does not say who speaks; give pairs and --trials FILE"]
    : notesOn(measures, { speakers: people, trials: counts, knownSpeakers: 0 });
  const report: VerificationReport = {
    format: "voxgrad verification 2",
    ...{ model: null, modelId: null, step: null, data: path, protocol: "standard", scoring: "file" },
    ...{ cohort: null, plda: null },
    ...{ recordings: names.length, speakers: people, trials: counts, skipped: [], s4: null },
    leftOut: { self: selfTrials, unusable: 0 },
    notes: unlisted === 0 ? notes : [...notes, `Left out: ${unlisted} scored pairs that "${list}" does not have`],
    ...measures,
    llr: judged.llr,
    isLlr: judged.isLlr,
    curves: {
      det: detPoints(curve),
      sweep: sweepRows(curve, { also: measures.points.map(({ threshold }) => threshold) }),
      histogram: scoreHistogram(judged.scores, trials.isTarget),
    },
  };
  return { report, names, trials, scores: judged.scores };
}
