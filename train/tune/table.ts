/** Tables of texts: on a screen, in Markdown, as CSV. @module */
import { csvLine } from "../predictions_csv.ts";

/** Rows under a heading; all rows are as long as it. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A number, or what stands where there is none. */
const numeric = /^([-+−]?\d|failed$|none$|$)/;

/** Columns padded to equal width, numbers to the right. */
export function tableText({ head, rows }: Table): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i].length)));
  const right = head.map((_, i) => rows.every((row) => numeric.test(row[i])));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])).join("  ").trimEnd() + "\n";
  return [head, ...rows].map(line).join("");
}

/** A table of Markdown. */
export function tableMarkdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

/** Lines of CSV. */
export function tableCsv({ head, rows }: Table): string {
  return [head, ...rows].map(csvLine).join("");
}
