/**
 * Lists of recordings: text files with lines `path⇥label`, and CSV files.
 */
import { dirname, isAbsolute, join } from "node:path";
import { readCsv } from "../sets/csv_table.ts";
import type { Recording } from "./recordings.ts";

/** How a list is read. */
export interface ListOptions {
  /** Whether labels are wanted; they are "" otherwise. */
  readonly labelled: boolean;
  /** Column of a CSV file that holds the label; default "class", else "label". */
  readonly labelColumn?: string;
}

/** One line of a list, whatever its format. */
interface Line {
  readonly name: string;
  readonly label: string;
  readonly number: number;
}

/**
 * Recordings in the order of a list; a name that ends in .csv is taken for CSV. Paths count from the list's own folder.
 *
 * @throws {SyntaxError} a line is malformed, or names a recording again; the message has its number
 * @throws {Error} a column is missing
 */
export async function readRecordingList(file: string, options: ListOptions): Promise<Recording[]> {
  const what = `Cannot find recordings in ${JSON.stringify(file)}`, isCsv = /\.csv$/i.test(file);
  if (!isCsv && options.labelColumn !== undefined) {
    throw new Error(`${what}: a label column is for CSV files, and its name does not end in .csv`);
  }
  const seen = new Map<string, number>();
  return (isCsv ? await csvLines(file, options) : await textLines(file, options)).map(({ name, label, number }) => {
    const before = seen.get(name);
    if (before !== undefined) throw wrong(file, number, `"${name}" is in line ${before} already`);
    seen.set(name, number);
    return { path: isAbsolute(name) ? name : join(dirname(file), name), name, label };
  });
}

function wrong(file: string, line: number, fact: string): SyntaxError {
  return new SyntaxError(`Cannot read ${JSON.stringify(file)}, line ${line}: ${fact}`);
}

/** Lines `path⇥label`; empty lines and lines that start with # are passed over. */
async function textLines(file: string, { labelled }: ListOptions): Promise<Line[]> {
  const text = await Deno.readTextFile(file), found: Line[] = [];
  if (text.includes("\0")) {
    throw new SyntaxError(
      `Cannot read ${JSON.stringify(file)}: it is no text, wanted a list of recordings, one a line`,
    );
  }
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const number = index + 1, [name, label = "", ...rest] = line.split("\t").map((part) => part.trim());
    if (labelled && (label === "" || rest.length > 0)) throw wrong(file, number, "wanted a path, a tab and a label");
    if (name === "") throw wrong(file, number, "there is no path");
    found.push({ name, label: labelled ? label : "", number });
  }
  return found;
}

async function csvLines(file: string, { labelled, labelColumn }: ListOptions): Promise<Line[]> {
  const table = await readCsv(file), path = table.column("file", "filename");
  const label = labelled ? table.column(...labelColumn === undefined ? ["class", "label"] : [labelColumn]) : -1;
  return table.rows.map((row) => {
    const line = { name: row.cells[path], label: row.cells[label] ?? "", number: row.line };
    if (line.name === "") throw table.wrong(row, `its ${table.header[path]} is empty`);
    if (labelled && line.label === "") throw table.wrong(row, `its ${table.header[label]} is empty`);
    return line;
  });
}
