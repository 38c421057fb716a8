/** Names of people. @module */

/** Longest name, in characters (code points) after normalisation. */
const MAX_LENGTH = 100;

/** Control characters, line ends, halves of surrogate pairs, private and unassigned characters, and marks that turn the writing direction. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

/** Anything that leaves ink: a letter, digit, punctuation or symbol. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * A name in the one form that is stored: normalised to NFC, without white space around it, so that "é" typed in two ways
 * is one person.
 *
 * @throws {RangeError} if it is empty, longer than 100 characters, or holds characters that cannot be printed
 */
export function speakerName(given: string): string {
  const name = given.normalize("NFC").trim();
  if (!VISIBLE.test(name)) throw new RangeError("Cannot use the name: it has no visible character");
  const length = [...name].length;
  if (length > MAX_LENGTH) {
    throw new RangeError(`Cannot use the name: it has ${length} characters, wanted at most ${MAX_LENGTH}`);
  }
  if (UNPRINTABLE.test(name)) {
    const shown = name.replaceAll(new RegExp(UNPRINTABLE, "gu"), "·");
    throw new RangeError(`Cannot use the name "${shown}": it holds characters that cannot be printed`);
  }
  return name;
}
