/** Pairs of recordings to be told apart. @module */

/** Trials as places in a list of recordings. */
export interface TrialList {
  /** One side of each. */
  readonly left: Uint32Array;
  /** The other side. */
  readonly right: Uint32Array;
  /** 1 where both are of the same speaker, else 0. */
  readonly isTarget: Uint8Array;
}

/** More pairs than this do not fit into memory with all that is computed of them. */
const MOST_PAIRS = 60_000_000;

/**
 * Every recording with every later one.
 *
 * @param speakers number of each recording's speaker
 * @param options `self`: each with itself as well, as S4 has it; default false
 * @throws {RangeError} Where there would be more than 60 million.
 */
export function allPairs(speakers: Uint32Array, { self = false }: { readonly self?: boolean } = {}): TrialList {
  const n = speakers.length, count = n * (n - 1) / 2 + (self ? n : 0);
  if (count > MOST_PAIRS) {
    throw new RangeError(
      `Cannot compare all of ${n} recordings: that makes ${count} trials, at most ${MOST_PAIRS} are possible; ` +
        "name those to compare with --trials FILE",
    );
  }
  const [left, right, isTarget] = [new Uint32Array(count), new Uint32Array(count), new Uint8Array(count)];
  let at = 0;
  for (let i = 0; i < n; i++) {
    for (let j = self ? i : i + 1; j < n; j++, at++) {
      left[at] = i;
      right[at] = j;
      isTarget[at] = speakers[i] === speakers[j] ? 1 : 0;
    }
  }
  return { left, right, isTarget };
}

/** The trials at some places. */
export function chosenTrials({ left, right, isTarget }: TrialList, places: Uint32Array): TrialList {
  return {
    left: places.map((place) => left[place]),
    right: places.map((place) => right[place]),
    isTarget: Uint8Array.from(places, (place) => isTarget[place]),
  };
}

/** Places of the trials that pass a test. */
export function placesWhere({ left, right }: TrialList, test: (left: number, right: number) => boolean): Uint32Array {
  const kept = new Uint32Array(left.length);
  let count = 0;
  for (let i = 0; i < left.length; i++) if (test(left[i], right[i])) kept[count++] = i;
  return kept.slice(0, count);
}

/** How many trials there are of either kind. */
export function countTrials({ isTarget }: TrialList): { target: number; nontarget: number } {
  const target = isTarget.reduce((sum, x) => sum + x, 0);
  return { target, nontarget: isTarget.length - target };
}
