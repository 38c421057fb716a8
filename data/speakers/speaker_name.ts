/** Names of people. @module */

/** Longest name, in characters (code points) after normalisation. */
const MAX_LENGTH = 100;

/**
 * What cannot be printed, or shows nothing, so that two names would look the same: control characters, line ends, halves of surrogate pairs,
 * private and unassigned characters, marks that turn the writing direction, fillers, and what stands for bytes that were no text. Joiners
 * stay, which Persian and emoji need.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\ufffd[[\p{Cf}\p{Default_Ignorable_Code_Point}]--[\u200c\u200d\ufe0e\ufe0f]]]/v;

/** Anything that leaves ink: a letter, digit, punctuation or symbol. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * A name in the one form that is stored: normalised to NFC, without white space around it, so that "é" typed in two ways
 * is one person.
 *
 * @throws {RangeError} if it is empty, longer than 100 characters, holds characters that cannot be printed or
 * seen, or is "." or ".."
 */
export function speakerName(given: string): string {
  const name = given.normalize("NFC").trim();
  if (!VISIBLE.test(name)) throw new RangeError("Cannot use the name: it has no visible character");
  const length = [...name].length;
  if (length > MAX_LENGTH) {
    throw new RangeError(`Cannot use the name: it has ${length} characters, wanted at most ${MAX_LENGTH}`);
  }
  if (UNPRINTABLE.test(name)) {
    const shown = name.replaceAll(new RegExp(UNPRINTABLE, "gv"), "·");
    throw new RangeError(`Cannot use the name "${shown}": it holds characters that cannot be printed`);
  }
  // A part of an address that is one or two dots means a folder, however it is written: nobody could delete such a person over HTTP.
  if (name === "." || name === "..") throw new RangeError(`Cannot use the name "${name}": an address cannot hold it`);
  return name;
}
