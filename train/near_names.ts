/** Names that somebody may have meant. @module */

/**
 * The known names nearest to a mistyped one, nearest first, at most three. Upper and lower case count as equal, and so do
 * `totalSteps`, `total-steps` and `total_steps`.
 *
 * @example
 * ```ts
 * import { nearNames } from "./near_names.ts";
 *
 * nearNames("totl-steps", ["totalSteps", "validSteps", "lr"]); // ["totalSteps"]
 * ```
 */
export function nearNames(wrong: string, known: Iterable<string>): string[] {
  const target = plain(wrong);
  const limit = Math.max(1, Math.floor(target.length / 3));
  return [...known]
    .map((name) => ({ name, distance: distanceBetween(target, plain(name)) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/**
 * The end of an error message about an unknown name: the near names where there are some, else all known ones.
 *
 * @example
 * ```ts
 * import { nameHint } from "./near_names.ts";
 *
 * nameHint("lrr", ["lr", "seed"]); // 'did you mean "lr"?'
 * nameHint("colour", ["lr", "seed"]); // 'known are "lr", "seed"'
 * ```
 */
export function nameHint(wrong: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearNames(wrong, names);
  if (near.length > 0) return `did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`;
  return `known are ${names.map((name) => `"${name}"`).join(", ")}`;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Damerau–Levenshtein distance (optimal string alignment): insert, delete, replace, or swap two neighbours. */
function distanceBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.length];
}
