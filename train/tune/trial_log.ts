/** `trials.jsonl`: what each trial of a search gave, a JSON object a line, appended when it is known. @module */
import { writeAtomic } from "../../data/files/atomic_write.ts";
import { AppendFile, textIfThere } from "../append_file.ts";
import type { Point } from "./space.ts";

/** One line: a trial in one rung. */
export interface TrialRow {
  /** From 1. */
  readonly trial: number;
  /** From 1; without halving there is one rung. */
  readonly rung: number;
  /** `stopped`: by Ctrl-C, its time counts. */
  readonly status: "done" | "failed" | "stopped";
  readonly values: Point;
  /** Validation accuracy of the best model, 0 to 1. */
  readonly accuracy: number | null;
  /** Its validation loss. */
  readonly loss: number | null;
  /** The step it is of. */
  readonly step: number | null;
  /** How long it took; for a rung, since the rung before. */
  readonly seconds: number;
  /** Why it failed. */
  readonly reason?: string;
}

/** The log of a search. */
export class TrialLog implements Disposable {
  /** All rows, oldest first. */
  readonly rows: TrialRow[];
  readonly #file: AppendFile;

  private constructor(rows: TrialRow[], file: AppendFile) {
    [this.rows, this.#file] = [rows, file];
  }

  /**
   * Opens it; it need not exist. A last line that was cut short (the search was killed while it wrote) is removed.
   *
   * @throws {Error} Where it cannot be read or written.
   * @throws {SyntaxError} Where a line is no row.
   */
  static async open(path: string): Promise<TrialLog> {
    const text = await textIfThere(path);
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole !== text) await writeAtomic(path, whole);
    const lines = whole.split("\n").slice(0, -1);
    const rows = lines.map((line, i) => rowOf(line, `line ${i + 1} of "${path}"`));
    return new TrialLog(rows, new AppendFile(path));
  }

  /** Adds a row. */
  append(row: TrialRow): void {
    this.#file.write(new TextEncoder().encode(JSON.stringify(row) + "\n"));
    this.rows.push(row);
  }

  /** How a trial ended in a rung, at the last try; `undefined` where it has not ended. */
  ended(trial: number, rung: number): TrialRow | undefined {
    return this.rows.findLast((row) => row.trial === trial && row.rung === rung && row.status !== "stopped");
  }

  /** Seconds spent on a trial in all. */
  secondsOf(trial: number): number {
    return this.rows.filter((row) => row.trial === trial).reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function rowOf(line: string, place: string): TrialRow {
  try {
    const row = JSON.parse(line);
    if (typeof row?.trial === "number" && typeof row.rung === "number") return row;
  } catch {
    // not JSON: the same message as for JSON of another kind
  }
  throw new SyntaxError(`Cannot read ${place}: expected a JSON object with a trial, found "${line.slice(0, 40)}"`);
}
