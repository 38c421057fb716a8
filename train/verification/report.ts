/** The results of a verification, as they are written to `verification.json`. @module */
import type { Skipped } from "../model_recordings.ts";
import type { Scoring } from "./calibration.ts";
import type { LlrCalibration } from "./llr.ts";
import type { VerificationMeasures } from "./measures.ts";
import type { DetPoint, ScoreHistogram, SweepRow } from "./pictures.ts";
import type { S4Results } from "./s4_protocol.ts";

/** What was compared, and how. */
export interface VerificationContext {
  /** The model, as given; null where scores were read from a file. */
  readonly model: string | null;
  /** Its digest; null without a model. */
  readonly modelId: string | null;
  /** Step at which its weights were saved; null without a model. */
  readonly step: number | null;
  /** The recordings or the list of trials, as given. */
  readonly data: string;
  /** "standard", or S4's own. */
  readonly protocol: "standard" | "s4";
  /** How two embeddings were scored; "file": somebody else did. */
  readonly scoring: Scoring | "file";
  /** Recordings or speakers of the cohort, and how many of them a score is measured by; null without. */
  readonly cohort: { readonly data: string; readonly embeddings: number; readonly topN: number } | null;
  /** What PLDA was trained on, and numbers that it compares; null without. */
  readonly plda: { readonly data: string; readonly dim: number } | null;
  /** Recordings that were compared; 0 where scores stand beside labels alone, without names. */
  readonly recordings: number;
  /** Speakers of them. */
  readonly speakers: number;
  /** Number of trials. */
  readonly trials: { readonly target: number; readonly nontarget: number };
  /** Trials of the list that were left out: of a recording with itself, and of recordings that cannot be used. */
  readonly leftOut: { readonly self: number; readonly unusable: number };
  /** What could not be used. */
  readonly skipped: readonly Skipped[];
  /** What one should know before believing the numbers. */
  readonly notes: readonly string[];
}

/** All results. Shares are 0 to 1. */
export interface VerificationReport extends VerificationContext, VerificationMeasures {
  /** Changes when the meaning of the rest does. */
  readonly format: "voxgrad verification 2";
  /** How log-likelihood ratios follow from the scores, fitted on these trials, and what they cost. Under S4's protocol null. */
  readonly llr: LlrCalibration | null;
  /** Whether the measures and thresholds are of these ratios, as the operating point `prior=P` asks for, and not of the scores. */
  readonly isLlr: boolean;
  /** S4's own results; null under the standard protocol. */
  readonly s4: S4Results | null;
  /** Numbers behind the pictures. */
  readonly curves: {
    readonly det: readonly DetPoint[];
    readonly sweep: readonly SweepRow[];
    readonly histogram: ScoreHistogram;
  };
}

/** What should be said about some measures. */
export function notesOn(
  measures: VerificationMeasures,
  { speakers, trials, knownSpeakers }: Pick<VerificationContext, "speakers" | "trials"> & { knownSpeakers: number },
): string[] {
  const [{ name }] = measures.points;
  const far = /^far=(.*)$/.exec(name), wanted = far === null ? 0 : Math.ceil(10 / Number(far[1]));
  return [
    ...(knownSpeakers > 0
      ? [
        `${knownSpeakers} of ${speakers} speakers bear names of classes that the model was trained on: errors of people whom it has heard are too low`,
      ]
      : []),
    ...(speakers < 20 ? [`Only ${speakers} speakers: the intervals are rough`] : []),
    ...(trials.nontarget < wanted
      ? [
        `A false acceptance rate of ${
          far![1]
        } takes ${wanted} trials of different speakers to measure, and there are ${trials.nontarget}`,
      ]
      : []),
    ...(measures.draws === 0 ? ["Too many trials for intervals by drawing speakers"] : []),
  ];
}
