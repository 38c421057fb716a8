/** Why a file could not be used, in plain words. @module */

const facts: readonly [new () => Error, string][] = [
  [Deno.errors.NotFound, "no such file or folder"],
  [Deno.errors.IsADirectory, "it is a folder"],
  [Deno.errors.NotADirectory, "a part of the path is a file"],
  [Deno.errors.AlreadyExists, "a file of that name exists"],
  [Deno.errors.PermissionDenied, "permission denied"],
  [Deno.errors.NotCapable, "Deno was started without permission for it"],
];

/** The fact behind an error of the file system, for a message `Cannot …: FACT`. */
export function ioFact(error: unknown): string {
  const known = facts.find(([kind]) => error instanceof kind);
  if (known) return known[1];
  return (error instanceof Error ? error.message : String(error)).replace(/ \(os error \d+\).*$/s, "");
}
