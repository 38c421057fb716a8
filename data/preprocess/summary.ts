import { quoteSome } from "../sets/quote_some.ts";

/** A recording that could not be used. */
export interface SkippedRecording {
  /** Its name in the folder or list. */
  readonly name: string;
  /** Why. */
  readonly reason: string;
}

/** What preprocessing did. Lengths are of the training and the test part together. */
export interface PreprocessSummary {
  /** Where the data set is. */
  readonly output: string;
  /** Class names in the order of their labels. */
  readonly classes: readonly string[];
  /** Recordings in the training part. */
  readonly recordings: number;
  /** Recordings in the test part. */
  readonly testRecordings: number;
  /** Total length of all recordings in seconds. */
  readonly seconds: number;
  /** Total number of frames. */
  readonly frames: number;
  /** Lengths of single recordings in seconds by percentile. */
  readonly lengths: LengthPercentiles;
  /** Names of recordings that are digital silence: no sample is further from 0 than one step of 16 bits. */
  readonly silent: readonly string[];
  /** Names of recordings shorter than the window of one frame. */
  readonly short: readonly string[];
  /** Recordings that could not be used, and why. */
  readonly skipped: readonly SkippedRecording[];
  /** Names of recordings that were left out because they have no label. */
  readonly unlabelled: readonly string[];
  /** Classes that have no usable recording and so are missing. */
  readonly lostClasses: readonly string[];
}

/** Lengths in seconds that 0, 10, 50, 80, 90 and 100 % of the recordings do not exceed. */
export interface LengthPercentiles {
  /** The shortest recording. */
  readonly shortest: number;
  /** Not exceeded by 10 %. */
  readonly p10: number;
  /** Not exceeded by 50 %. */
  readonly median: number;
  /** Not exceeded by 80 %. */
  readonly p80: number;
  /** Not exceeded by 90 %. */
  readonly p90: number;
  /** The longest recording. */
  readonly longest: number;
}

/** Percentiles by nearest rank; all 0 if there are no lengths. */
export function lengthPercentiles(seconds: readonly number[]): LengthPercentiles {
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { shortest: at(0), p10: at(0.1), median: at(0.5), p80: at(0.8), p90: at(0.9), longest: at(1) };
}

/** The summary as lines of text. */
export function describeSummary(summary: PreprocessSummary): string[] {
  const { output, classes, recordings, testRecordings, lengths } = summary;
  const test = testRecordings > 0 ? ` and ${testRecordings} for testing` : "";
  const percentiles = [
    `shortest ${inSeconds(lengths.shortest)}`,
    `10 % up to ${inSeconds(lengths.p10)}`,
    `median ${inSeconds(lengths.median)}`,
    `80 % up to ${inSeconds(lengths.p80)}`,
    `90 % up to ${inSeconds(lengths.p90)}`,
    `longest ${inSeconds(lengths.longest)}`,
  ];
  return [
    `${output}: ${recordings} recordings of ${classes.length} classes${test}, ${duration(summary.seconds)}, ` +
    `${summary.frames} frames`,
    `Lengths: ${percentiles.join(", ")}`,
    ...describeOddities(summary),
  ];
}

/** What a user may want to look into before training. */
function describeOddities(summary: PreprocessSummary): string[] {
  const { classes, silent, short, skipped, unlabelled, lostClasses } = summary;
  const lines: string[] = [];
  if (classes.length === 1) {
    lines.push(`${JSON.stringify(classes[0])} is the only class: there is nothing to tell apart`);
  }
  if (silent.length > 0) lines.push(`Silent from beginning to end: ${silent.length} recordings (${quoteSome(silent)})`);
  if (short.length > 0) lines.push(`Shorter than a window: ${short.length} recordings (${quoteSome(short)})`);
  if (unlabelled.length > 0) lines.push(`Left out ${unlabelled.length} recordings without a label`);
  if (lostClasses.length > 0) lines.push(`No usable recording of: ${lostClasses.join(", ")}`);
  if (skipped.length > 0) lines.push(`Skipped ${skipped.length} recordings:`);
  for (const { reason } of skipped) lines.push(`  ${reason}`);
  return lines;
}

function duration(seconds: number): string {
  return seconds >= 3600 ? `${(seconds / 3600).toFixed(2)} h` : `${(seconds / 60).toFixed(1)} min`;
}

function inSeconds(seconds: number): string {
  return `${seconds.toFixed(2)} s`;
}
