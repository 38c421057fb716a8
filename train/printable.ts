/** Texts that a terminal only shows. @module */

/**
 * The text with a dot for each character that would steer a terminal: names of classes and recordings, and lines of files, come from
 * anywhere. Line ends and tabs stay.
 */
export function printable(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, "·");
}
