/** The end of an error message about an unknown name. @module */
import { nearNames } from "../data/near_names.ts";

/**
 * The near names where there are some, else all known ones.
 *
 * @example
 * ```ts
 * import { nameHint } from "./name_hint.ts";
 *
 * nameHint("total-stps", ["totalSteps", "seed"]); // 'did you mean "totalSteps"?'
 * nameHint("colour", ["lr", "seed"]); // 'known are "lr", "seed"'
 * ```
 */
export function nameHint(wrong: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearNames(wrong, names);
  if (near.length > 0) return `did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`;
  return `known are ${names.map((name) => `"${name}"`).join(", ")}`;
}
