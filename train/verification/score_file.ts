/** Scores that anybody computed: lines `A B score` for a list of trials, or `label score`. @module */
import { ioFact } from "../io_fact.ts";
import type { TrialList } from "./trials.ts";
import { fieldsOf, readTrials } from "./trials_file.ts";

/** Scored trials as they were read. */
export interface ScoredTrials {
  /** Recordings that trials name by place; none where the file has labels only. */
  readonly names: readonly string[];
  /** What was compared. Without names, both sides are 0. */
  readonly trials: TrialList;
  /** The score of each trial. */
  readonly scores: Float32Array;
  /** Trials of a recording with itself, which were left out. */
  readonly selfTrials: number;
  /** Scores of pairs that are not in the list, which were left out. */
  readonly unlisted: number;
}

const labels: ReadonlyMap<string, { kind: number; spelling: string }> = new Map([
  ["1", { kind: 1, spelling: "1 and 0" }],
  ["0", { kind: 0, spelling: "1 and 0" }],
  ["target", { kind: 1, spelling: "target and nontarget" }],
  ["nontarget", { kind: 0, spelling: "target and nontarget" }],
]);

/**
 * Reads scores. Empty lines and lines that start with # are passed over. A pair is looked for as the list of trials has it, and else the other way
 * round.
 *
 * @param path lines `A B score` with `trials`, else `label score` with labels 1 and 0 or target and nontarget
 * @param options `trials`: a list as `readTrials` takes it
 * @throws {SyntaxError} Where a line is no score, is scored twice differently, or a pair of the list has no score; with file and line.
 * @throws {Error} Where a file cannot be read, or holds nothing.
 */
export async function readScores(path: string, { trials }: { readonly trials?: string } = {}): Promise<ScoredTrials> {
  const text = await Deno.readTextFile(path).catch((error) => {
    throw new Error(`Cannot read "${path}": ${ioFact(error)}`, { cause: error });
  });
  const lines = contentOf(text);
  if (lines.length === 0) throw new Error(`Cannot read "${path}": it holds no scores`);
  return trials === undefined ? labelledScores(lines, path) : await scoresOfTrials(lines, { path, trials });
}

type Line = readonly [number: number, line: string];

function contentOf(text: string): Line[] {
  const lines = text.replace(/^\ufeff/, "").split("\n").map((line, i): Line => [i + 1, line]);
  return lines.filter(([, line]) => line.trim() !== "" && !line.startsWith("#"));
}

function labelledScores(lines: readonly Line[], path: string): ScoredTrials {
  const isTarget = new Uint8Array(lines.length), scores = new Float32Array(lines.length);
  let used: string | undefined;
  for (const [i, [number, line]] of lines.entries()) {
    const [name, score, ...rest] = fieldsOf(line), label = labels.get(name);
    if (label === undefined || score === undefined || rest.length > 0) {
      const remedy = rest.length === 1 ? '; scores of pairs, "A B SCORE", need their labels: --trials FILE' : "";
      refuse(path, number, `wanted "LABEL SCORE" with a label 1, 0, target or nontarget${remedy}`);
    }
    used ??= label.spelling;
    if (used !== label.spelling) refuse(path, number, `its label is "${name}", but those before it are ${used}`);
    isTarget[i] = label.kind;
    scores[i] = numberOf(score, { path, number });
  }
  const side = () => new Uint32Array(lines.length);
  return { names: [], trials: { left: side(), right: side(), isTarget }, scores, selfTrials: 0, unlisted: 0 };
}

async function scoresOfTrials(
  lines: readonly Line[],
  { path, trials: list }: { path: string; trials: string },
): Promise<ScoredTrials> {
  const { names, trials, trialLines, selfTrials } = await readTrials(list);
  const pairs = pairScores(lines, path), used = new Set<string>();
  const scores = Float32Array.from(trials.left, (place, i) => {
    const [a, b] = [names[place], names[trials.right[i]]];
    const key = [keyOf(a, b), keyOf(b, a)].find((key) => pairs.has(key));
    if (key === undefined) refuse(list, trialLines[i], `"${path}" has no score of "${a}" and "${b}"`);
    used.add(key);
    return pairs.get(key)!.score;
  });
  return { names, trials, scores, selfTrials, unlisted: pairs.size - used.size };
}

function pairScores(lines: readonly Line[], path: string): Map<string, { score: number; number: number }> {
  const pairs = new Map<string, { score: number; number: number }>();
  for (const [number, line] of lines) {
    const fields = fieldsOf(line), [a, b] = fields;
    if (fields.length !== 3 || !a || !b) refuse(path, number, 'wanted "A B SCORE", as --trials is given');
    const key = keyOf(a, b), score = numberOf(fields[2], { path, number }), known = pairs.get(key);
    if (known !== undefined && known.score !== score) {
      refuse(path, number, `it gives another score to the pair of line ${known.number}`);
    }
    pairs.set(key, known ?? { score, number });
  }
  return pairs;
}

/** No field holds a line feed. */
const keyOf = (a: string, b: string) => `${a}\n${b}`;

function numberOf(text: string, { path, number }: { path: string; number: number }): number {
  const score = Math.fround(/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN);
  if (!Number.isFinite(score)) refuse(path, number, `its score ${JSON.stringify(text)} is no finite number`);
  return score;
}

function refuse(path: string, line: number, fact: string): never {
  throw new SyntaxError(`Cannot read ${JSON.stringify(path)}, line ${line}: ${fact}`);
}
