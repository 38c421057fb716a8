/** Paths in commands that a task proposes. @module */

/** A path as it can be pasted into a shell. */
export function quoted(path: string): string {
  return /^[\w./:@%+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
