/** Tells lists of utterances apart. @module */
import { crc32c } from "./crc32c.ts";

/** A number that is the same for the same names, in whatever order, and almost surely another one for others. */
export function digestOfNames(names: readonly string[]): number {
  return crc32c(new TextEncoder().encode(JSON.stringify(names.toSorted())));
}
