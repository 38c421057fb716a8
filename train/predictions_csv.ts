/** Predictions as a CSV file. @module */
import { writeFileAtomic } from "../data/files/atomic_write.ts";
import { ioFact } from "./io_fact.ts";

/** One recording and the classes it may be, most likely first. */
export interface Prediction {
  /** The recording: its file's name, or the path as given. */
  readonly id: string;
  /** The likeliest classes with their probabilities, at least one. */
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
}

/**
 * Writes `Id,Category`, a line for each prediction; the file appears complete or not at all. With more than one class
 * each, `Probability` follows, and `Category2,Probability2` and so on. Fields with commas, quotes or line ends are quoted
 * (RFC 4180); lines end in a bare line feed.
 *
 * @throws {Error} Where the file cannot be written.
 *
 * @example
 * ```ts
 * import { writePredictions } from "./predictions_csv.ts";
 *
 * const path = await Deno.makeTempFile();
 * await writePredictions(path, [{ id: "uttr-1.pt", classes: [{ name: "id00464", probability: 0.9 }] }]);
 * await Deno.readTextFile(path); // "Id,Category\nuttr-1.pt,id00464\n"
 * ```
 */
export async function writePredictions(path: string, predictions: readonly Prediction[]): Promise<void> {
  const lines = [headerOf(predictions), ...predictions.map(fieldsOf)].map(csvLine);
  try {
    await writeFileAtomic(path, (write) => write(new TextEncoder().encode(lines.join(""))));
  } catch (error) {
    throw new Error(`Cannot write "${path}": ${ioFact(error)}`, { cause: error });
  }
}

/**
 * Refuses a place where predictions could not be written, before the work of making them.
 *
 * @throws {Error} Where the folder of the file is missing, or the path is a folder.
 */
export async function checkWritable(path: string): Promise<void> {
  try {
    await writeFileAtomic(path + ".try", () => Promise.resolve());
    await Deno.remove(path + ".try");
    const there = await Deno.stat(path).catch(() => undefined);
    if (there?.isDirectory) throw new Deno.errors.IsADirectory();
  } catch (error) {
    throw new Error(`Cannot write "${path}": ${ioFact(error)}`, { cause: error });
  }
}

function headerOf(predictions: readonly Prediction[]): string[] {
  const count = Math.max(1, ...predictions.map(({ classes }) => classes.length));
  if (count === 1) return ["Id", "Category"];
  const pairs = Array.from({ length: count }, (_, i) => i === 0 ? "" : String(i + 1));
  return ["Id", ...pairs.flatMap((number) => [`Category${number}`, `Probability${number}`])];
}

function fieldsOf({ id, classes }: Prediction): string[] {
  if (classes.length === 1) return [id, classes[0].name];
  return [id, ...classes.flatMap(({ name, probability }) => [name, probability.toFixed(6)])];
}

/** A line of CSV: fields with commas, quotes or line ends are quoted (RFC 4180), and a bare line feed ends it. */
export function csvLine(fields: readonly (string | number)[]): string {
  return fields.map((field) => quoted(String(field))).join(",") + "\n";
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
