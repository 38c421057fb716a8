/** Names of an imported model's classes. @module */
import { ioFact } from "../io_fact.ts";

/** How many classes there are, and what is known of their names. */
export interface LabelRequest {
  /** Classes that the model has scores for. */
  readonly count: number;
  /** `--labels`: a file with a name a line. */
  readonly file?: string;
  /** What to call a class that has no name, before its number: "speaker". */
  readonly noun: string;
}

/**
 * The names in `--labels`, or numbers, and lines for the user.
 *
 * @throws {Error} The file cannot be read, has empty or repeated names, or another number of them.
 */
export async function labelsOf({ count, file, noun }: LabelRequest): Promise<{ classes: string[]; said: string[] }> {
  if (file !== undefined) return { classes: await namesIn(file, count), said: [] };
  if (count === 0) return { classes: [], said: [] };
  const classes = Array.from({ length: count }, (_, i) => `${noun} ${i}`);
  return {
    classes,
    said: [
      `It does not name its ${count} classes: they are called "${noun} 0" to "${noun} ${
        count - 1
      }"; --labels FILE names them`,
    ],
  };
}

async function namesIn(file: string, count: number): Promise<string[]> {
  const text = await Deno.readTextFile(file).catch((error) => {
    throw new Error(`Cannot read "${file}": ${ioFact(error)}`, { cause: error });
  });
  const names = text.replace(/^\ufeff/u, "").trimEnd().split(/\r?\n/).map((line) => line.trim());
  if (names.length !== count) {
    throw new RangeError(
      `Cannot use labels "${file}": it has ${names.length} lines, and the model has ${count} classes`,
    );
  }
  checkNames(names, `labels "${file}"`);
  return names;
}

/** RangeError where a name is empty or occurs twice. */
export function checkNames(names: readonly string[], what: string): void {
  const seen = new Map<string, number>();
  names.forEach((name, i) => {
    if (name === "") throw new RangeError(`Cannot use ${what}: class ${i} has no name`);
    const before = seen.get(name);
    if (before !== undefined) {
      throw new RangeError(`Cannot use ${what}: classes ${before} and ${i} are both called "${name}"`);
    }
    seen.set(name, i);
  });
}
