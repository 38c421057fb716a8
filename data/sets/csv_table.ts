/**
 * Tables from CSV files (RFC 4180: commas, quotes doubled inside quotes, line breaks in quotes) with a header. The files are
 * not trusted.
 */
import { quoteSome } from "./quote_some.ts";

/** Far more than a list of recordings needs; a larger file is a mistake. */
const MAX_BYTES = 64e6;
const MAX_COLUMNS = 1000;

/** One record. */
export interface CsvRow {
  /** Line in which it ends, counted from 1. */
  readonly line: number;
  /** As many as the header has, without the spaces around them. */
  readonly cells: readonly string[];
}

interface ParsedRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

type Parse = (text: string, options: Record<string, unknown>) => ParsedRecord[];

/** A table with named columns. */
export class CsvTable {
  /** The file. */
  readonly path: string;
  /** Names of the columns. */
  readonly header: readonly string[];
  /** Everything below the header; empty lines do not count. */
  readonly rows: readonly CsvRow[];

  /** Use {@linkcode readCsv}. */
  constructor(path: string, { header, rows }: { header: readonly string[]; rows: readonly CsvRow[] }) {
    this.path = path;
    this.header = header;
    this.rows = rows;
  }

  /**
   * Place of the first of `names` that is a column.
   *
   * @throws {Error} none is; the message names those that are
   */
  column(...names: readonly string[]): number {
    const found = names.find((name) => this.header.includes(name));
    if (found !== undefined) return this.header.indexOf(found);
    const columns = this.header.slice(0, 20).map((name) => `"${name}"`).join(", ");
    const wanted = names.map((name) => `"${name}"`).join(" or ");
    throw new Error(`Cannot use ${JSON.stringify(this.path)}: it has no column ${wanted}; its columns are ${columns}`);
  }

  /** An error about a row. */
  wrong({ line }: { line: number }, fact: string): SyntaxError {
    return new SyntaxError(`Cannot read ${JSON.stringify(this.path)}, line ${line}: ${fact}`);
  }
}

/**
 * Reads a CSV file.
 *
 * @throws {SyntaxError} it is no CSV, has no header, two columns of one name, or a row of another length
 * @throws {Error} there is no such file, or it is larger than 64 MB
 */
export async function readCsv(path: string): Promise<CsvTable> {
  const text = await readText(path);
  const [first, ...records] = await parse(path, text);
  const what = `Cannot read ${JSON.stringify(path)}`;
  if (first === undefined) throw new SyntaxError(`${what}: it is empty`);
  const header = first.record, twins = header.filter((name, i) => header.indexOf(name) < i);
  if (twins.length > 0) throw new SyntaxError(`${what}: two columns have the same name (${quoteSome(twins)})`);
  if (header.length > MAX_COLUMNS) throw new SyntaxError(`${what}: it has ${header.length} columns`);
  const table = new CsvTable(path, {
    header,
    rows: records.map(({ record, info }) => ({ line: info.lines, cells: record })),
  });
  for (const row of table.rows) {
    const { length } = row.cells;
    if (length !== header.length) {
      throw table.wrong(row, `it has ${length} fields, but the header has ${header.length}`);
    }
  }
  return table;
}

async function readText(path: string): Promise<string> {
  const what = `Cannot read ${JSON.stringify(path)}`;
  let bytes: Uint8Array;
  try {
    const { size, isDirectory } = await Deno.stat(path);
    if (isDirectory) throw new Error(`${what}: it is a folder, wanted a CSV file`);
    if (size > MAX_BYTES) throw new Error(`${what}: it has ${size} bytes, the limit is ${MAX_BYTES}`);
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`${what}: there is no such file`, { cause: error });
    throw error;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError(`${what}: it is not UTF-8 text`, { cause });
  }
}

async function parse(path: string, text: string): Promise<ParsedRecord[]> {
  // Not a literal, or Deno would fetch the package for every program that imports this one.
  const specifier: string = "npm:csv-parse@7.0.3/sync";
  const { parse }: { parse: Parse } = await import(specifier);
  try {
    // Line ends are made plain first: the package counts a "\\r\\n" in quotes as two lines.
    return parse(text.replaceAll("\r\n", "\n"), {
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
    });
  } catch (cause) {
    const { message, lines } = cause as Error & { lines?: number };
    const where = typeof lines === "number" ? `, line ${lines}` : "";
    const fact = message.replace(/[\r\n].*/s, "").replace(/^Invalid |^Quote /, (word) => word.toLowerCase());
    throw new SyntaxError(`Cannot read ${JSON.stringify(path)}${where}: ${fact.slice(0, 200)}`, { cause });
  }
}
