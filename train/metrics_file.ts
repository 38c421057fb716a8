/** `metrics.jsonl`: one JSON object a line, in the order of the steps. @module */
import { writeAtomic } from "../data/files/atomic_write.ts";
import { AppendFile, textIfThere } from "./append_file.ts";

/** One line: the step and what was measured there. A value that is no finite number is written as null. */
export interface MetricRow {
  /** Steps done when this was measured. */
  readonly step: number;
  /** What was measured, by name. */
  readonly [name: string]: number | string | null;
}

/** Appends rows to a file, each at once, so that a killed run keeps all but the row it was writing. */
export class MetricsFile implements Disposable {
  readonly #file: AppendFile;

  private constructor(file: AppendFile) {
    this.#file = file;
  }

  /**
   * Opens a file for appending; it need not exist.
   *
   * @param upToStep on resuming: rows of later steps are cut away, they will be written again
   */
  static async open(path: string, upToStep?: number): Promise<MetricsFile> {
    if (upToStep !== undefined) {
      const kept = (await readMetrics(path)).filter(({ step }) => step <= upToStep);
      await writeAtomic(path, kept.map(lineOf).join(""));
    }
    return new MetricsFile(new AppendFile(path));
  }

  /** Adds a row. */
  append(row: MetricRow): void {
    this.#file.write(new TextEncoder().encode(lineOf(row)));
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Closes the file, at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The rows of a `metrics.jsonl`; none where there is no such file. A last line that was cut short is left out.
 *
 * @param onBroken is told of other lines that are no rows, which are then left out too; without it they are errors
 * @throws {Error} Where it cannot be read.
 * @throws {SyntaxError} Where another line is not a row, without `onBroken`.
 */
export async function readMetrics(
  path: string,
  { onBroken }: { onBroken?: (fact: string) => void } = {},
): Promise<MetricRow[]> {
  const lines = (await textIfThere(path)).split("\n");
  const cut = lines.pop(); // what stands after the last line end: nothing, or half a row
  const rows: MetricRow[] = [];
  for (const [i, line] of lines.entries()) {
    try {
      rows.push(rowOf(line, `line ${i + 1} of "${path}"`));
    } catch (error) {
      if (onBroken === undefined) throw error;
      onBroken((error as Error).message);
    }
  }
  if (cut) {
    try {
      rows.push(rowOf(cut, "the last line"));
    } catch {
      // half a row of a run that was killed while it wrote
    }
  }
  return rows;
}

function rowOf(line: string, place: string): MetricRow {
  try {
    const row = JSON.parse(line);
    if (Number.isFinite(row?.step)) return row;
  } catch {
    // not JSON: the same message as for JSON without a step
  }
  throw new SyntaxError(`Cannot read ${place}: expected a JSON object with a step, found "${line.slice(0, 40)}"`);
}

function lineOf(row: MetricRow): string {
  return JSON.stringify(row) + "\n";
}
