/** JSON with comments and trailing commas. @module */

/**
 * Parses JSON that may have `//` and block comments and a comma after a last element.
 *
 * @throws {SyntaxError} Where it does not parse; the position is that in `text`.
 */
export function parseJsonc(text: string): unknown {
  const string = String.raw`"(?:\\.|[^"\\])*"`;
  // Blanks of the same length in their place, so that the positions in JSON.parse's errors stay true.
  const bare = text.replaceAll(new RegExp(String.raw`${string}|//[^\n]*|/\*[\s\S]*?\*/`, "g"), blankUnlessString);
  return JSON.parse(bare.replaceAll(new RegExp(String.raw`${string}|,(?=\s*[}\]])`, "g"), blankUnlessString));
}

function blankUnlessString(match: string): string {
  return match.startsWith('"') ? match : match.replaceAll(/[^\n]/g, " ");
}
