/** SpeechBrain's label_encoder.txt. @module */
import { checkNames } from "./labels.ts";

/**
 * Names of the classes in the order of their indexes. The file has a line `'NAME' => INDEX` a class, in any order, then a line of `=` and settings.
 *
 * @throws {SyntaxError} A line is none of these.
 * @throws {RangeError} An index or a name is there twice, or an index is missing, or other than `count` are there; the message names the file.
 */
export function speechbrainLabels(text: string, { path, count }: { path: string; count: number }): string[] {
  const refuse = (fact: string) => new RangeError(`Cannot import "${path}": ${fact}`);
  const [labels, settings] = parts(text), byIndex = new Map<number, string>();
  for (const [i, line] of labels) {
    const found = /^(.+) => (\d{1,9})$/.exec(line);
    if (found === null) throw new SyntaxError(`Cannot import "${path}": line ${i} is not 'NAME' => INDEX`);
    const name = literal(found[1]), index = Number(found[2]);
    if (byIndex.has(index)) throw refuse(`index ${index} is "${byIndex.get(index)}" and "${name}"`);
    byIndex.set(index, name);
  }
  const start = settings.find(([, line]) => /^'starting_index' => /.test(line))?.[1].split(" => ")[1] ?? "0";
  if (start !== "0") throw refuse(`'starting_index' is ${start}, and voxgrad has 0 only`);
  for (let index = 0; index < byIndex.size; index++) {
    if (!byIndex.has(index)) throw refuse(`it names ${byIndex.size} classes, but none has index ${index}`);
  }
  if (byIndex.size !== count) throw refuse(`it names ${byIndex.size} classes, but the classifier has ${count}`);
  const names = Array.from({ length: count }, (_, index) => byIndex.get(index)!);
  checkNames(names, `"${path}"`);
  return names;
}

type Line = readonly [number: number, text: string];

/** Lines with their numbers, of labels and of settings. */
function parts(text: string): [labels: Line[], settings: Line[]] {
  const lines = text.replace(/^\ufeff/u, "").split(/\r?\n/).map((line, i): Line => [i + 1, line.trim()])
    .filter(([, line]) => line !== "");
  const border = lines.findIndex(([, line]) => /^={3,}$/.test(line));
  return border === -1 ? [lines, []] : [lines.slice(0, border), lines.slice(border + 1)];
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\n": "" };

/** What a Python literal of text says; anything else as it is written. */
function literal(text: string): string {
  const found = /^u?(['"])(.*)\1$/s.exec(text);
  if (found === null) return text;
  return found[2].replaceAll(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gs,
    (whole, x?: string, u?: string, long?: string, other?: string) => {
      const code = x ?? u ?? long;
      if (code === undefined) return escapes[other!] ?? other!;
      return parseInt(code, 16) <= 0x10ffff ? String.fromCodePoint(parseInt(code, 16)) : whole;
    },
  );
}
