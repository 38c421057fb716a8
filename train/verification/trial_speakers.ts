/** Who speaks in the recordings of a list of trials. @module */
import type { TrialList } from "./trials.ts";

/**
 * A number for each recording's speaker. In VoxCeleb's layout the first folder of a path names the speaker; where that contradicts the
 * trials, or there are no folders, recordings that trials say to be of one speaker are taken together.
 */
export function speakersOfTrials(names: readonly string[], trials: TrialList): Uint32Array {
  const folders = names.map((name) => /^(?:\.\/)?([^/\\]+)[/\\]/.exec(name)?.[1]);
  if (folders.every((folder) => folder !== undefined)) {
    const speakers = numbered(folders);
    if (agree(speakers, trials)) return speakers;
  }
  return joined(names.length, trials);
}

/** Equal names to equal numbers, from 0 on. */
export function numbered(names: readonly string[]): Uint32Array {
  const numbers = new Map([...new Set(names)].map((name, i) => [name, i]));
  return Uint32Array.from(names, (name) => numbers.get(name)!);
}

function agree(speakers: Uint32Array, { left, right, isTarget }: TrialList): boolean {
  return isTarget.every((target, i) => (speakers[left[i]] === speakers[right[i]]) === (target === 1));
}

/** Groups of recordings that trials of the same speaker connect (union-find). */
function joined(count: number, { left, right, isTarget }: TrialList): Uint32Array {
  const parent = Uint32Array.from({ length: count }, (_, i) => i);
  const rootOf = (place: number) => {
    while (parent[place] !== place) place = parent[place] = parent[parent[place]];
    return place;
  };
  for (let i = 0; i < left.length; i++) if (isTarget[i] === 1) parent[rootOf(left[i])] = rootOf(right[i]);
  const numbers = new Map<number, number>();
  return parent.map((_, place) => {
    const root = rootOf(place);
    if (!numbers.has(root)) numbers.set(root, numbers.size);
    return numbers.get(root)!;
  });
}
