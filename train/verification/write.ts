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

/**
 * Writes `verification.json` (all results), `.txt`, `.html` (a page that needs nothing else), `scores.csv` (`label,file1,file2,score`) and
 * the pictures as SVG and PNG into a folder, which is made if need be.
 *
 * @throws {Error} Where they cannot be written.
 */
export async function writeVerification(
  folder: string,
  result: Pick<VerifyResult, "report" | "names" | "trials" | "scores">,
  { pictures = [] }: { readonly pictures?: readonly PaintedPicture[] } = {},
): Promise<void> {
  const { report } = result;
  try {
    await Deno.mkdir(folder, { recursive: true });
    await writeScores(join(folder, "scores.csv"), result);
    for (const { name, svg, png } of pictures) {
      await writeAtomic(join(folder, `${name}.svg`), svg);
      if (png !== undefined) await writeAtomic(join(folder, `${name}.png`), png);
    }
    await writeAtomic(join(folder, "verification.json"), jsonOf(report));
    await writeAtomic(join(folder, "verification.txt"), verificationText(report));
    await writeAtomic(join(folder, "verification.html"), verificationPage(report, pictures));
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
  path: string,
  { names, trials: { left, right, isTarget }, scores }: Pick<VerifyResult, "names" | "trials" | "scores">,
): Promise<void> {
  const encoder = new TextEncoder();
  const quoted = names.map((name) => csvLine([name]).slice(0, -1));
  await writeFileAtomic(path, async (write) => {
    await write(encoder.encode(csvLine(["label", "file1", "file2", "score"])));
    for (let from = 0; from < scores.length; from += CHUNK) {
      let text = "";
      for (let i = from; i < Math.min(scores.length, from + CHUNK); i++) {
        text += `${isTarget[i]},${quoted[left[i]]},${quoted[right[i]]},${scores[i].toFixed(6)}\n`;
      }
      await write(encoder.encode(text));
    }
  });
}
