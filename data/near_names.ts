/**
 * Up to three of `known` that a typist of `name` may have meant, nearest first: names that differ only in case and
 * punctuation, or by few edits (two, or a third of the length), or that start alike.
 */
export function nearNames(name: string, known: readonly string[]): string[] {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const typed = plain(name), limit = Math.max(2, Math.floor(typed.length / 3));
  const scored = known.map((candidate) => {
    const wanted = plain(candidate), distance = editDistance(typed, wanted);
    const startsAlike = typed.length > 2 && (wanted.startsWith(typed) || typed.startsWith(wanted));
    return { candidate, distance, near: startsAlike || distance <= Math.min(limit, wanted.length - 1) };
  });
  return scored.filter((s) => s.near).sort((a, b) => a.distance - b.distance).slice(0, 3).map((s) => s.candidate);
}

/** Levenshtein distance: insertions, deletions and replacements that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
