/** A model's way of judging, from its calibration or as the user says. @module */
import type { Calibration, Scoring } from "./calibration.ts";
import { calibrationPath, readCalibration } from "./calibration_file.ts";
import { makeScorer, type Scorer } from "./scorer.ts";

/** Scores pairs, and knows from where on they are of the same speaker. */
export interface Judge extends Scorer {
  readonly scoring: Scoring;
  /** What was measured; null where there is no calibration and the user gave a threshold. */
  readonly calibration: Calibration | null;
}

/** Whether a calibration lies beside a model; it may still be damaged. */
export async function isCalibrated(model: string): Promise<boolean> {
  return await Deno.stat(await calibrationPath(model)).then(() => true, () => false);
}

/**
 * The judge of a model. Nothing is guessed: without a calibration there has to be a threshold, which then counts for cosines; with one, a
 * threshold replaces the calibrated one.
 *
 * @param model run folder or model file
 * @param options the loaded model's `id`; a `threshold`
 * @throws {Error} Where there is neither, with the remedy; where the calibration is damaged or another model's.
 */
export async function judgeOf(
  model: string,
  { id, threshold }: { readonly id: string; readonly threshold?: number },
): Promise<Judge> {
  if (threshold !== undefined && !await isCalibrated(model)) {
    return { ...makeScorer({ scoring: "cosine", threshold }), scoring: "cosine", calibration: null };
  }
  const calibration = await readCalibration(model, { id });
  const scorer = makeScorer({ ...calibration, threshold: threshold ?? calibration.threshold });
  return { ...scorer, scoring: calibration.scoring, calibration };
}
