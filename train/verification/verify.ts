/** Measures of a model as a verifier: how well scores of its embeddings tell the same speaker from another. @module */
import { dirname } from "node:path";
import { loadModel } from "../model_file.ts";
import type { LoadedModel } from "../model_from_bytes.ts";
import type { Skipped } from "../model_recordings.ts";
import { onDevice } from "../on_device.ts";
import type { Screen } from "../progress.ts";
import { type Calibration, makeCalibration, type Scoring } from "./calibration.ts";
import { checkKinds } from "./check_kinds.ts";
import { makeCohort } from "./cohort.ts";
import { judgedScores } from "./judged_scores.ts";
import { measureTrials } from "./measures.ts";
import type { OperatingPoint } from "./operating_point.ts";
import { detPoints, scoreHistogram, sweepRows } from "./pictures.ts";
import { notesOn, type VerificationContext, type VerificationReport } from "./report.ts";
import { s4Results, s4Sample, s4Sweep } from "./s4_protocol.ts";
import { meanOf, scoreTrials } from "./score_trials.ts";
import type { ScoringSettings } from "./scorer.ts";
import { countTrials, type TrialList } from "./trials.ts";
import {
  type DataOptions,
  type EmbeddedRecordings,
  openAllPairs,
  openEmbedded,
  openTrials,
  type VerificationData,
} from "./verification_data.ts";
import { trainPldaSpace } from "./plda_model.ts";
import type { PldaSpace } from "./plda_space.ts";
import { rowOf } from "./vector_matrix.ts";
import { openForPlda } from "./plda_data.ts";
import { meanDirection } from "./vectors.ts";

/** What to compare, and how. */
export interface VerifyRequest {
  /** Run folder or model file. */
  readonly model: string;
  /** A list of trials, lines `1 path path` (same speaker) and `0 path path`; or `data`. */
  readonly trials?: string;
  /** Folder from which the list's paths count; default: its own. */
  readonly root?: string;
  /** Recordings in folders named by speakers, a list of them, or a data set: all pairs are trials. */
  readonly data?: string;
  /** Pattern that finds the speaker in a recording's path. */
  readonly label?: string;
  /** Column of a CSV list that holds the speaker. */
  readonly labelColumn?: string;
  /** "s4" is S4's own way, for comparison, and only of `data`. Default "standard". */
  readonly protocol?: "standard" | "s4";
  /** How scores are made. Default "cosine". */
  readonly scoring?: Scoring;
  /** Recordings of other people, for "s-norm" and "cosine-mean"; those of one speaker are taken together. */
  readonly cohort?: string;
  /** Recordings of known speakers that PLDA is trained on, for "plda". */
  readonly pldaTrain?: string;
  /** Numbers that embeddings are reduced to for PLDA; default: all. */
  readonly pldaDim?: number;
  /** PLDA is trained on windows of so many seconds. Default: on whole recordings; on windows of 3 s where no speaker has two. */
  readonly pldaWindow?: number;
  /** How many of the cohort a score is measured by. Default 300. */
  readonly topN?: number;
  /** The threshold to choose. Default the equal error rate's. */
  readonly operatingPoint?: OperatingPoint;
  /** A threshold at which the rates are wanted as well. */
  readonly threshold?: number;
  /** Longer recordings are embedded in windows. Default 30. */
  readonly windowSeconds?: number;
  /** Windows a batch, at most. Default 16. */
  readonly batchSize?: number;
  /** Of what is drawn: speakers for the intervals, trials for S4's protocol. Default 1. */
  readonly seed?: number;
  /** Where to compute; "auto" is a real GPU if there is one, else the CPU. */
  readonly device: "auto" | "webgpu" | "cpu";
}

/** Measures, the trials they are of, and the threshold. */
export interface VerifyResult {
  /** The measures, as `verification.json` has them. */
  readonly report: VerificationReport;
  /** Names of the recordings that trials name by place. */
  readonly names: readonly string[];
  /** Trials, of recordings by place. */
  readonly trials: TrialList;
  /** The score of each trial, or its log-likelihood ratio where the operating point is a prior. */
  readonly scores: Float32Array;
  /** For `writeCalibration`. Under S4's protocol there is none: its thresholds come from trials that are no trials. */
  readonly calibration: Calibration | null;
}

/**
 * Measures a model as a verifier.
 *
 * @throws {Error} Where model, recordings or trials cannot be used, or all trials are of one kind.
 */
export function verify(request: VerifyRequest, { screen }: { screen: Screen }): Promise<VerifyResult> {
  checkRequest(request);
  return onDevice(request.device, { screen, work: () => verifyHere(request, screen) });
}

function checkRequest(
  { trials, data, protocol = "standard", scoring = "cosine", cohort, operatingPoint, pldaTrain }: VerifyRequest,
): void {
  if ((trials === undefined) === (data === undefined)) {
    throw new Error("Cannot verify: give either recordings with --data DIR or a list of trials with --trials FILE");
  }
  if (protocol === "s4" && operatingPoint?.criterion === "prior") {
    throw new Error("Cannot verify: S4's protocol has no log-likelihood ratios, and no threshold by a prior");
  }
  if (protocol === "s4" && (trials !== undefined || scoring !== "cosine")) {
    throw new Error("Cannot verify: S4's protocol is of all pairs of --data, scored by cosine");
  }
  if (scoring === "s-norm" && cohort === undefined) {
    throw new Error("Cannot verify: s-norm needs recordings of other people; give them with --cohort DIR");
  }
  if ((scoring === "plda") !== (pldaTrain !== undefined)) {
    throw new Error("Cannot verify: --scoring plda and recordings to train it, --plda-train DIR, go together");
  }
  if ((scoring === "cosine" || scoring === "plda") && cohort !== undefined) {
    throw new Error("Cannot verify: a cohort is for s-norm and cosine-mean; give one of them with --scoring");
  }
}

async function verifyHere(request: VerifyRequest, screen: Screen): Promise<VerifyResult> {
  const { protocol = "standard", windowSeconds = 30, batchSize = 16, seed = 1, label, labelColumn } = request;
  const loaded = await loadModel(request.model);
  const skipped: Skipped[] = [];
  const options: DataOptions = { loaded, windowSeconds, batchSize, label, labelColumn, screen, skipped };
  const data = await openData(request, options);
  const trials = protocol === "s4" ? s4Sample(data.trials, seed) : data.trials;
  checkKinds(trials, skipped.length);
  const settings = await settingsOf(request, data, options);
  const { target, nontarget } = countTrials(trials);
  screen.info(`Score ${target + nontarget} trials, ${target} of the same speaker and ${nontarget} of different ones`);
  const scores = await scoreTrials(data.embeddings, trials, settings);
  const { operatingPoint = { criterion: "eer" } as const, threshold } = request;
  const judged = judgedScores(scores, trials, { seconds: data.seconds, operatingPoint });
  const { measures, curve } = measureTrials(judged.scores, trials, {
    speakers: data.speakers,
    operatingPoint,
    threshold,
    seed,
  });
  const context = contextOf(request, { loaded, data, trials, settings, skipped });
  const rows = protocol === "s4" ? s4Sweep(scores, trials.isTarget) : null;
  const report: VerificationReport = {
    format: "voxgrad verification 2",
    ...context,
    ...measures,
    llr: protocol === "s4" ? null : judged.llr,
    isLlr: judged.isLlr,
    notes: notesOn(measures, { ...context, knownSpeakers: knownOf(loaded, data) }),
    s4: rows === null ? null : s4Results(rows),
    curves: {
      det: detPoints(curve),
      sweep: rows ?? sweepRows(curve, { also: measures.points.map(({ threshold }) => threshold) }),
      histogram: scoreHistogram(judged.scores, trials.isTarget),
    },
  };
  const calibration = protocol === "s4"
    ? null
    : calibrationOf(report, { model: loaded.id, settings, operatingPoint, windowSeconds });
  return { report, names: data.names, trials, scores: judged.scores, calibration };
}

async function openData(
  { trials, root, data, protocol }: VerifyRequest,
  options: DataOptions,
): Promise<VerificationData> {
  if (trials !== undefined) return await openTrials(trials, { ...options, root: root ?? dirname(trials) });
  return await openAllPairs(data!, { ...options, self: protocol === "s4" });
}

/** What scoring needs besides embeddings. A mean is the cohort's, if there is one, else that of the recordings that are compared. */
async function settingsOf(
  request: VerifyRequest,
  data: VerificationData,
  options: DataOptions,
): Promise<ScoringSettings> {
  const { scoring = "cosine", cohort: path, topN = 300 } = request;
  if (scoring === "cosine") return { scoring };
  if (scoring === "plda") return { scoring, plda: await pldaOf(request, options) };
  const people = path === undefined
    ? null
    : await openEmbedded(path, { ...options, label: undefined, labelColumn: undefined });
  if (scoring === "cosine-mean") return { scoring, mean: meanOf((people ?? data).embeddings) };
  return { scoring, cohort: makeCohort(bySpeaker(people!), { topN }) };
}

async function pldaOf(
  { pldaTrain: path, pldaDim, pldaWindow }: VerifyRequest,
  options: DataOptions,
): Promise<PldaSpace> {
  const { labels, embeddings, windowSeconds } = await openForPlda(path!, { ...options, pldaWindow });
  const rows = windowSeconds === null ? "recordings" : `windows of ${windowSeconds} s`;
  options.screen.info(`Train PLDA on ${embeddings.count} ${rows} of ${new Set(labels).size} speakers`);
  return await trainPldaSpace(embeddings, { labels, dim: pldaDim });
}

/** One embedding for each speaker, where they are known. */
function bySpeaker({ labels, embeddings }: EmbeddedRecordings): Float32Array[] {
  const rows = Array.from({ length: embeddings.count }, (_, i) => rowOf(embeddings, i));
  if (labels === null) return rows;
  return [...Map.groupBy(rows.keys(), (i) => labels[i]).values()].map((own) => meanDirection(own.map((i) => rows[i])));
}

function contextOf(
  { model, trials: list, data: path, protocol = "standard", scoring = "cosine", cohort, pldaTrain }: VerifyRequest,
  { loaded, data, trials, settings, skipped }: {
    loaded: LoadedModel;
    data: VerificationData;
    trials: TrialList;
    settings: ScoringSettings;
    skipped: readonly Skipped[];
  },
): Omit<VerificationContext, "notes"> {
  return {
    model,
    modelId: loaded.id,
    step: loaded.step,
    data: list ?? path!,
    protocol,
    scoring,
    cohort: settings.cohort === undefined
      ? null
      : { data: cohort!, embeddings: settings.cohort.embeddings.count, topN: settings.cohort.topN },
    plda: settings.plda === undefined ? null : { data: pldaTrain!, dim: settings.plda.psi.length },
    recordings: data.names.length,
    speakers: new Set(data.speakers).size,
    trials: countTrials(trials),
    leftOut: { self: data.selfTrials, unusable: data.lostTrials },
    skipped,
  };
}

/** Speakers with the name of a class that was trained on. */
function knownOf({ classes }: LoadedModel, { speakerNames }: VerificationData): number {
  const known = new Set(classes);
  return speakerNames.filter((name) => known.has(name)).length;
}

function calibrationOf(
  { eer, minDcf, points: [{ threshold, far, frr }], trials, data, llr }: VerificationReport,
  { settings, ...options }: {
    model: string;
    settings: ScoringSettings;
    operatingPoint: OperatingPoint;
    windowSeconds: number;
  },
): Calibration {
  return makeCalibration({
    ...settings,
    threshold,
    ...llr === null ? {} : { llr },
    ...options,
    eer: eer.value,
    minDcf: Object.fromEntries(minDcf.map(({ pTarget, value }) => [String(pTarget), value])),
    far: far.value,
    frr: frr.value,
    trials,
    data,
  });
}
