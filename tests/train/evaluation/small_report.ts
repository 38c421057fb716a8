/** A report of four utterances, with names that markup would stumble over. @module */
import { outcomeOf } from "../../../train/evaluation/outcome.ts";
import { type EvaluationReport, makeReport, type ReportContext } from "../../../train/evaluation/report.ts";

/** What was evaluated. */
export const context: ReportContext = {
  model: "runs/a",
  step: 100,
  data: `data/"quoted"`,
  part: "all 4 utterances",
  viewing: "whole utterances",
  classes: ["<script>", "bo & co", "absent"],
  unknownClasses: [{ name: "new\x1b[31m", count: 2 }],
  skipped: [{ name: "x.wav", reason: 'Cannot read "x.wav": it is empty' }],
};

/** Class 0 is taken for class 1 once; class 2 does not occur. */
export function smallReport(): EvaluationReport {
  const logits = [[5, 1, 0], [5, 1, 0], [1, 2, 0], [0, 4, 1]];
  const outcomes = logits.map((scores, i) => outcomeOf(scores, { id: `u${i}`, label: i < 3 ? 0 : 1, topK: 3 }));
  return makeReport(outcomes, { ...context, topK: 3 });
}

/** A report of many classes with two utterances each; one of every third class is taken for the next. */
export function largeReport(count: number): EvaluationReport {
  const classes = Array.from({ length: count }, (_, i) => `id${10000 + i}`);
  const outcomes = classes.flatMap((_, label) => {
    const scoresFor = (place: number) => classes.map((_, i) => i === place ? 1 : 0);
    const other = label % 3 === 0 ? (label + 1) % count : label;
    return [label, other].map((place, i) => outcomeOf(scoresFor(place), { id: `${label}-${i}`, label, topK: 5 }));
  });
  return makeReport(outcomes, { ...context, unknownClasses: [], skipped: [], classes, topK: 5 });
}
