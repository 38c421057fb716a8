/** How numbers are written in reports. @module */

/** 0.12345 → "12.35 %"; "–" for null. */
export function percent(share: number | null, digits = 2): string {
  return share === null ? "–" : `${(share * 100).toFixed(digits)} %`;
}

/** A share with three digits; "–" for null. */
export function fraction(share: number | null): string {
  return share === null ? "–" : share.toFixed(3);
}

/** 1 utterance, 2 utterances. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What the measures leave out, in sentences. */
export function unknownNote(classes: readonly { readonly name: string; readonly count: number }[]): string {
  const total = classes.reduce((sum, { count }) => sum + count, 0);
  return `${counted(total, "utterance")} of ${counted(classes.length, "class", "classes")} that training never saw ` +
    "are in none of these numbers";
}
