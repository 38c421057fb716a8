/** Whether trials can measure anything. @module */
import { countTrials, type TrialList } from "./trials.ts";

/**
 * Refuses trials that are all of one kind: one of both errors has no meaning then.
 *
 * @param skipped how many recordings could not be used, which may be why
 * @throws {Error} Where a kind is missing; the message says what to give.
 */
export function checkKinds(trials: TrialList, skipped: number): void {
  const { target, nontarget } = countTrials(trials), count = target + nontarget;
  const lost = skipped > 0 ? ` (${skipped} recordings cannot be used)` : "";
  if (count === 0) {
    throw new Error(`Cannot evaluate: there are no trials${lost}; give at least two recordings each of two speakers`);
  }
  if (nontarget === 0) {
    throw new Error(
      `Cannot evaluate: all ${count} trials are of the same speaker${lost}, which says nothing about other people; ` +
        "give recordings of at least two speakers",
    );
  }
  if (target === 0) {
    throw new Error(
      `Cannot evaluate: all ${count} trials are of different speakers${lost}, which says nothing about the same one; ` +
        "give at least two recordings of a speaker",
    );
  }
}
