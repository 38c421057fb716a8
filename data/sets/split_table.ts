/**
 * Folds by recording, from a CSV file: which part of a data set each recording belongs to.
 */
import { type CsvTable, readCsv } from "./csv_table.ts";
import { quoteSome } from "./quote_some.ts";

/** Columns of a {@linkcode SplitTable}. */
export interface SplitTableOptions {
  /** Column with the recordings; default "file", else "filename". */
  readonly fileColumn?: string;
  /** Column with the folds or parts; default "fold", else "split". */
  readonly foldColumn?: string;
}

/** One row of the table. */
interface Entry {
  readonly file: string;
  readonly fold: string;
  readonly line: number;
}

/** Which fold each recording is in. Rows that belong to no utterance do not matter. */
export class SplitTable {
  /** The CSV file. */
  readonly path: string;
  /** All folds, numbers by size, then words. */
  readonly folds: readonly string[];
  /** Rows by the last part of the name, without its ending. */
  readonly #entries: ReadonlyMap<string, readonly Entry[]>;

  /** Use {@linkcode readSplitTable}. */
  constructor(path: string, entries: readonly Entry[]) {
    this.path = path;
    this.folds = [...new Set(entries.map(({ fold }) => fold))].sort(byNumber);
    this.#entries = Map.groupBy(entries, ({ file }) => lastPart(stemOf(file)));
  }

  /**
   * The fold of each utterance. A row is an utterance's if its file is the id; else if both are the same without their
   * endings (`a.ogg` for `a.wav` or `a.pt`); else if one of them has more folders in front (`1-17.ogg` for
   * `rain/1-17.ogg`).
   *
   * @param ids names of utterances
   * @throws {Error} an utterance has no row, or rows of several folds, or shares its row with another
   */
  foldsOf(ids: readonly string[]): string[] {
    const found = ids.map((id) => this.#find(id));
    const missing = ids.filter((_, i) => found[i] === undefined);
    if (missing.length > 0) {
      throw this.#wrong(`${missing.length} of ${ids.length} utterances are not in it (${quoteSome(missing)})`);
    }
    const entries = found.filter((entry) => entry !== undefined), owners = new Map<Entry, string>();
    for (const [i, entry] of entries.entries()) {
      const owner = owners.get(entry);
      if (owner !== undefined && owner !== ids[i]) {
        throw this.#wrong(
          `"${entry.file}" in line ${entry.line} can mean ${quoteSome([owner, ids[i]])}; add the folders to it`,
        );
      }
      owners.set(entry, ids[i]);
    }
    return entries.map(({ fold }) => fold);
  }

  #find(id: string): Entry | undefined {
    const name = plainPath(id), stem = stemOf(name), candidates = this.#entries.get(lastPart(stem)) ?? [];
    const kinds: ((file: string) => boolean)[] = [
      (file) => file === name,
      (file) => stemOf(file) === stem,
      (file) => `/${stem}`.endsWith(`/${stemOf(file)}`) || `/${stemOf(file)}`.endsWith(`/${stem}`),
    ];
    for (const fits of kinds) {
      const fitting = candidates.filter(({ file }) => fits(file)), [first] = fitting;
      const other = fitting.find(({ fold }) => fold !== first.fold);
      if (other !== undefined) {
        throw this.#wrong(
          `"${id}" can be "${first.file}" in line ${first.line} (fold ${first.fold}) or ` +
            `"${other.file}" in line ${other.line} (fold ${other.fold})`,
        );
      }
      if (first !== undefined) return first;
    }
  }

  #wrong(fact: string): Error {
    return new Error(`Cannot split by ${JSON.stringify(this.path)}: ${fact}`);
  }
}

/**
 * Reads which fold each recording is in from a CSV file with a header.
 *
 * @param path the file
 * @param options names of its columns
 * @throws {SyntaxError} it is no CSV, or a row lacks a file or a fold; the message has the line
 * @throws {Error} there is no such file, a column is missing, or folds overlap: a recording is in two of them
 */
export async function readSplitTable(path: string, options: SplitTableOptions = {}): Promise<SplitTable> {
  const { fileColumn, foldColumn } = options;
  const table = await readCsv(path);
  const file = table.column(...fileColumn === undefined ? ["file", "filename"] : [fileColumn]);
  const fold = table.column(...foldColumn === undefined ? ["fold", "split"] : [foldColumn]);
  return new SplitTable(path, entriesOf(table, { file, fold }));
}

function entriesOf(table: CsvTable, columns: { file: number; fold: number }): Entry[] {
  const entries = new Map<string, Entry>();
  for (const row of table.rows) {
    const file = plainPath(row.cells[columns.file]), fold = row.cells[columns.fold], { line } = row;
    if (file === "") throw table.wrong(row, `its ${table.header[columns.file]} is empty`);
    if (fold === "") throw table.wrong(row, `its ${table.header[columns.fold]} is empty`);
    const before = entries.get(file);
    if (before !== undefined && before.fold !== fold) {
      throw new Error(
        `Cannot use ${JSON.stringify(table.path)}: folds overlap: "${file}" is in fold ${before.fold} ` +
          `(line ${before.line}) and in fold ${fold} (line ${line})`,
      );
    }
    if (before === undefined) entries.set(file, { file, fold, line });
  }
  return [...entries.values()];
}

/** With slashes, without `./` in front. */
function plainPath(path: string): string {
  return path.replaceAll("\\", "/").replace(/^(\.\/)+/, "");
}

/** A path without the ending of its file. */
function stemOf(path: string): string {
  return path.replace(/(?<=[^/])\.[^./]*$/, "");
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function byNumber(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  if (difference) return difference;
  const words = Number(isNaN(Number(a))) - Number(isNaN(Number(b)));
  return words || (a < b ? -1 : a > b ? 1 : 0);
}
