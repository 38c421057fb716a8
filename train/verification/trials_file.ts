/** Lists of trials: VoxCeleb's `1 path path` and `0 path path`, Kaldi's `path path target` and `path path nontarget`. @module */
import { ioFact } from "../io_fact.ts";
import { chosenTrials, placesWhere, type TrialList } from "./trials.ts";

/** A list of trials as it was read. */
export interface TrialsFile {
  /** Recordings that are named, in the order in which they come first. */
  readonly names: readonly string[];
  /** Line that names each first. */
  readonly lines: Uint32Array;
  /** Line of each trial. */
  readonly trialLines: Uint32Array;
  /** Trials; sides are places in `names`. */
  readonly trials: TrialList;
  /** Trials of a recording with itself, which were left out: they are no trials. */
  readonly selfTrials: number;
}

/**
 * Reads a list of trials. Empty lines and lines that start with # are passed over.
 *
 * @throws {SyntaxError} Where a line is no trial, or two lines contradict each other.
 * @throws {Error} Where the file cannot be read, or holds no trials.
 */
export async function readTrials(path: string): Promise<TrialsFile> {
  const text = await Deno.readTextFile(path).catch((error) => {
    throw new Error(`Cannot read "${path}": ${ioFact(error)}`, { cause: error });
  });
  return parseTrials(text, path);
}

/** As {@linkcode readTrials}, of a text. */
export function parseTrials(text: string, path: string): TrialsFile {
  const lines = text.replace(/^\ufeff/, "").split("\n");
  const places = new Map<string, number>(), first: number[] = [];
  const [left, right] = [new Uint32Array(lines.length), new Uint32Array(lines.length)];
  const isTarget = new Uint8Array(lines.length), numbers = new Uint32Array(lines.length);
  const placeOf = (name: string, line: number) => {
    const known = places.get(name);
    if (known !== undefined) return known;
    first.push(line);
    places.set(name, places.size);
    return places.size - 1;
  };
  let count = 0, spelling: string | undefined;
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const { label, a, b, own } = parseLine(line) ?? refuse(path, i + 1, `wanted ${wanted}`);
    spelling ??= own;
    if (own !== spelling) {
      refuse(path, i + 1, `it is written as ${own}, those before it as ${spelling}: use one of both`);
    }
    [left[count], right[count], isTarget[count]] = [placeOf(a, i + 1), placeOf(b, i + 1), label];
    numbers[count++] = i + 1;
  }
  if (count === 0) throw new Error(`Cannot evaluate the trials of "${path}": there are none`);
  const all = { left: left.subarray(0, count), right: right.subarray(0, count), isTarget: isTarget.subarray(0, count) };
  checkAgreement(all, numbers, path);
  const kept = placesWhere(all, (a, b) => a !== b);
  const trials = chosenTrials(all, kept);
  const trialLines = kept.map((place) => numbers[place]);
  const selfTrials = count - kept.length;
  return { names: [...places.keys()], lines: Uint32Array.from(first), trialLines, trials, selfTrials };
}

const wanted = '"1 PATH PATH" or "0 PATH PATH", or "PATH PATH target" or "PATH PATH nontarget"';

/** The fields of a line, which tabs separate where they hold spaces. */
export function fieldsOf(line: string): string[] {
  return line.trim().split(line.includes("\t") ? "\t" : /\s+/).map((field) => field.trim());
}

/** The label and two paths. */
function parseLine(line: string): { label: number; a: string; b: string; own: string } | null {
  const fields = fieldsOf(line);
  if (fields.length !== 3 || fields.includes("")) return null;
  const [first, second, third] = fields;
  if (first === "0" || first === "1") return { label: Number(first), a: second, b: third, own: '"1 PATH PATH"' };
  if (third !== "target" && third !== "nontarget") return null;
  return { label: third === "target" ? 1 : 0, a: first, b: second, own: '"PATH PATH target"' };
}

/** Two lines with one pair must say the same of it. Found by sorting numbers, since a table of a million pairs would be large. */
function checkAgreement({ left, right, isTarget }: TrialList, numbers: Uint32Array, path: string): void {
  const count = left.length;
  if (count === 0) return;
  const names = 1 + left.reduce((most, x, i) => Math.max(most, x, right[i]), 0);
  if (names * names * 2 > Number.MAX_SAFE_INTEGER) return; // 67 million recordings
  const keyOf = (i: number) => (Math.min(left[i], right[i]) * names + Math.max(left[i], right[i])) * 2 + isTarget[i];
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = keyOf(i);
  keys.sort();
  for (let i = 1; i < count; i++) {
    if (keys[i] !== keys[i - 1] + 1 || keys[i] % 2 === 0) continue;
    const [a, b] = [keys[i - 1], keys[i]].map((key) => numbers[left.findIndex((_, place) => keyOf(place) === key)]);
    refuse(path, Math.max(a, b), `it says the opposite of line ${Math.min(a, b)}`);
  }
}

function refuse(path: string, line: number, fact: string): never {
  throw new SyntaxError(`Cannot read ${JSON.stringify(path)}, line ${line}: ${fact}`);
}
