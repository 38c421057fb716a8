/** A verification as files. @module */
import { join } from "node:path";
import { writeAtomic, writeFileAtomic } from "../../data/files/atomic_write.ts";
import { ioFact } from "../io_fact.ts";
import { csvLine } from "../predictions_csv.ts";
import { type Picture, verificationPage } from "./html_report.ts";
import { verificationText } from "./text_report.ts";
import type { VerifyResult } from "./verify.ts";

/** A picture as PNG besides. */
export interface PaintedPicture extends Picture {
  /** The bytes of a PNG file. */
  readonly png?: Uint8Array;
}

/** Trials whose scores are written in one go. */
const CHUNK = 20_000;
/** Of more trials no scores are written: the file would have gigabytes. */
const MOST_SCORES = 5_000_000;

/**
 * Writes `verification.json` (all results), `.txt`, `.html` (a page that needs nothing else), `scores.csv` (`label,file1,file2,score`; of at most
 * five million trials, and where recordings have names) and the pictures as SVG and PNG into a folder, which is made if need be.
 *
 * @returns names of the files, the page first
 * @throws {Error} Where they cannot be written.
 */
export async function writeVerification(
  folder: string,
  result: Pick<VerifyResult, "report" | "names" | "trials" | "scores">,
  { pictures = [] }: { readonly pictures?: readonly PaintedPicture[] } = {},
): Promise<string[]> {
  const { report } = result;
  const files: [string, string | Uint8Array | undefined][] = [
    ...pictures.flatMap(({ name, svg, png }) => [[`${name}.svg`, svg], [`${name}.png`, png]] as [string, typeof png][]),
    ["verification.json", jsonOf(report)],
    ["verification.txt", verificationText(report)],
    ["verification.html", verificationPage(report, pictures)],
  ];
  const written: string[] = [];
  try {
    await Deno.mkdir(folder, { recursive: true });
    const hasNames = result.names.length > 0; // else the user's file says as much
    if (hasNames && result.scores.length <= MOST_SCORES) written.push(await writeScores(folder, result));
    for (const [name, contents] of files) {
      if (contents === undefined) continue;
      await writeAtomic(join(folder, name), contents);
      written.push(name);
    }
    return written.reverse();
  } catch (error) {
    throw new Error(`Cannot write into "${folder}": ${ioFact(error)}`, { cause: error });
  }
}

/** Indented, but a point of a curve on one line. */
function jsonOf(report: VerifyResult["report"]): string {
  const { curves, ...rest } = report;
  const lines = (rows: readonly unknown[]) =>
    `[\n${rows.map((row) => `      ${JSON.stringify(row)}`).join(",\n")}\n    ]`;
  const own = [
    `"det": ${lines(curves.det)}`,
    `"sweep": ${lines(curves.sweep)}`,
    `"histogram": ${JSON.stringify(curves.histogram)}`,
  ].join(",\n    ");
  return JSON.stringify(rest, null, 2).replace(/\n}$/, () => `,\n  "curves": {\n    ${own}\n  }\n}\n`);
}

/** A line for each trial, as it is or was in the list: 1 for the same speaker, both names, the score. */
async function writeScores(
  folder: string,
  { names, trials: { left, right, isTarget }, scores }: Pick<VerifyResult, "names" | "trials" | "scores">,
): Promise<string> {
  const encoder = new TextEncoder();
  const quoted = names.map((name) => csvLine([name]).slice(0, -1));
  await writeFileAtomic(join(folder, "scores.csv"), async (write) => {
    await write(encoder.encode(csvLine(["label", "file1", "file2", "score"])));
    for (let from = 0; from < scores.length; from += CHUNK) {
      let text = "";
      for (let i = from; i < Math.min(scores.length, from + CHUNK); i++) {
        text += `${isTarget[i]},${quoted[left[i]]},${quoted[right[i]]},${scores[i].toFixed(6)}\n`;
      }
      await write(encoder.encode(text));
    }
  });
  return "scores.csv";
}
