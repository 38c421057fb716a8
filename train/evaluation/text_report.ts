/** An evaluation as text. @module */
import { counted, fraction, percent, unknownNote } from "./numbers.ts";
import type { EvaluationReport } from "./report.ts";

/** With more classes than this the text shows only the worst ones. */
const MANY = 40;
const WORST_CLASSES = 20;
const WORST_PAIRS = 10;

/** The report as lines for a terminal; classes in the order of the model, of many the worst. */
export function textReport(report: EvaluationReport): string {
  const parts = [headOf(report), measuresOf(report), classesOf(report), pairsOf(report), omittedOf(report)];
  return parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n") + "\n").join("\n");
}

function headOf({ model, step, data, part, viewing, utterances, classes }: EvaluationReport): string[] {
  const occurring = classes.filter(({ support }) => support > 0).length;
  return [
    `Model ${model}, step ${step}`,
    `Data ${data}: ${part}`,
    `${counted(utterances, "utterance")} of ${counted(occurring, "class", "classes")} ` +
    `(the model knows ${classes.length}), ${viewing}`,
  ];
}

function measuresOf({ accuracy, topK, loss, utterances, macro, weighted }: EvaluationReport): string[] {
  const line = (name: string, value: string) => `${name.padEnd(18)}${value}`;
  const { value, hits, low, high } = accuracy;
  const last = topK[topK.length - 1];
  const average = ({ precision, recall, f1 }: typeof macro) =>
    `precision ${fraction(precision)}, recall ${fraction(recall)}, F1 ${fraction(f1)}`;
  return [
    line("Accuracy", `${percent(value)} (${hits} of ${utterances}), 95 % interval ${percent(low)} to ${percent(high)}`),
    ...(last.k > 1 ? [line(`Top-${last.k} accuracy`, percent(last.accuracy))] : []),
    line("Cross-entropy", loss.toFixed(4)),
    line("Macro average", average(macro)),
    line("Weighted average", average(weighted)),
  ];
}

function classesOf({ classes }: EvaluationReport): string[] {
  const present = classes.filter(({ support, predicted }) => support + predicted > 0);
  const isMany = present.length > MANY;
  const shown = isMany
    ? present.filter(({ support }) => support > 0).sort((a, b) => (a.f1 ?? 0) - (b.f1 ?? 0)).slice(0, WORST_CLASSES)
    : present;
  const silent = classes.length - present.length;
  const row = ({ name, support, precision, recall, f1 }: (typeof classes)[number]) => [
    name,
    String(support),
    fraction(precision),
    fraction(recall),
    fraction(f1),
  ];
  return [
    ...(isMany ? [`The ${shown.length} classes with the lowest F1`] : []),
    ...table([["Class", "Utterances", "Precision", "Recall", "F1"], ...shown.map(row)]),
    ...(silent > 0 ? [`${counted(silent, "class", "classes")} more neither occur nor were predicted`] : []),
  ];
}

function pairsOf({ worstPairs }: EvaluationReport): string[] {
  if (worstPairs.length === 0) return ["Nothing was confused"];
  const rows = worstPairs.slice(0, WORST_PAIRS).map(({ actual, predicted, count, share }) => {
    return [actual, predicted, String(count), percent(share, 1)];
  });
  return table([["Confused: class", "taken for", "Times", "Of its utterances"], ...rows], 2);
}

function omittedOf({ unknownClasses, skipped }: EvaluationReport): string[] {
  return [
    ...(unknownClasses.length === 0 ? [] : [
      `Unknown classes: ${unknownNote(unknownClasses)}:`,
      ...unknownClasses.slice(0, WORST_CLASSES).map(({ name, count }) => `  ${printable(name)} (${count})`),
      ...(unknownClasses.length > WORST_CLASSES ? [`  and ${unknownClasses.length - WORST_CLASSES} more`] : []),
    ]),
    ...(skipped.length === 0 ? [] : [
      `Skipped: ${counted(skipped.length, "recording")}, first: ${printable(skipped[0].reason)}`,
    ]),
  ];
}

/** Columns of equal width: the first `left` ones flush left, numbers flush right. */
function table(rows: readonly (readonly string[])[], left = 1): string[] {
  const plain = rows.map((row) => row.map(printable));
  const widths = plain[0].map((_, column) => Math.max(...plain.map((row) => [...row[column]].length)));
  return plain.map((row) =>
    row.map((cell, i) => i < left ? cell + pad(cell, widths[i]) : pad(cell, widths[i]) + cell).join("  ").trimEnd()
  );
}

function pad(cell: string, width: number): string {
  return " ".repeat(Math.max(0, width - [...cell].length));
}

/** Names come from files: what would move a terminal's cursor is shown as a dot. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "·");
}
