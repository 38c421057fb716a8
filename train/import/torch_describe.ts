/** Words about networks that a source holds. @module */
import type { ImportHints } from "./importer.ts";
import type { ImportSource } from "./source.ts";
import type { NetworkFile } from "./torch_file_source.ts";
import { below } from "./torch_networks.ts";

/** What the files of a source hold; undefined for no files. */
export function describeNetwork(files: readonly NetworkFile[], hints: ImportHints): string | undefined {
  if (files.length === 0) return undefined;
  const { outline, networks: [{ kind, prefix }] } = files[0];
  try {
    return kind.find(below(outline.shapes, prefix), hints)?.what ?? "network";
  } catch {
    return "network"; // what is wrong with it is said when it is converted
  }
}

/**
 * The one file with a network.
 *
 * @throws {Error} There are several.
 */
export function theOnly(files: readonly NetworkFile[], source: ImportSource): NetworkFile {
  if (files.length === 1) return files[0];
  const list = files.slice(0, 4).map(({ name }) => name).join(", ");
  throw new Error(
    `Cannot import "${source.path}": it holds ${files.length} files with a network (${list}); give one of them`,
  );
}
