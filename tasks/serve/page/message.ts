/** What an error says, without what marks it as one for programmers. @module */

/** An error's text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
