/** Where a model was imported from, noted in its file: an export gives the names back. @module */
import { type Toolkit, toolkits } from "./toolkits.ts";

/** The toolkit of an imported model, and its names. */
export interface Origin {
  readonly toolkit: Toolkit;
  /** Names in the toolkit's files by our names, as far as they differ. */
  readonly names: ReadonlyMap<string, string>;
}

/** The origin as text of a file's metadata. */
export function originText({ toolkit, names }: Origin): string {
  return JSON.stringify({ toolkit, names: Object.fromEntries(names) });
}

/** The origin in a file's metadata; null where there is none, or something else. */
export function parseOrigin(text: string | undefined): Origin | null {
  let value: { toolkit?: unknown; names?: unknown } | null;
  try {
    value = JSON.parse(text ?? "null");
  } catch {
    return null;
  }
  const { toolkit, names } = value ?? {};
  if (!toolkits.includes(toolkit as Toolkit) || typeof names !== "object" || names === null) return null;
  const entries = Object.entries(names).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return { toolkit: toolkit as Toolkit, names: new Map(entries) };
}

/** Arrays by the names that they had there. */
export function theirNames<T>(arrays: Readonly<Record<string, T>>, { names }: Origin): Record<string, T> {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [names.get(name) ?? name, array]));
}
