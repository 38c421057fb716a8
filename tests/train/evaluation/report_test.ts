import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { outcomeOf } from "../../../train/evaluation/outcome.ts";
import { makeReport, type ReportContext } from "../../../train/evaluation/report.ts";
import { textReport } from "../../../train/evaluation/text_report.ts";
import { context, smallReport } from "./small_report.ts";

Deno.test("outcome: rank, loss and probabilities of logits", () => {
  const outcome = outcomeOf([0, Math.log(6), Math.log(3)], { id: "a", label: 2, topK: 2 });
  deepStrictEqual([outcome.predicted, outcome.rank, outcome.likeliest.map(({ place }) => place)], [1, 1, [1, 2]]);
  outcome.likeliest.forEach(({ probability }, i) => ok(Math.abs(probability - [0.6, 0.3][i]) < 1e-12));
  ok(Math.abs(outcome.loss + Math.log(0.3)) < 1e-12);
  const sure = outcomeOf([1e30, 0], { id: "b", label: 0, topK: 5 });
  deepStrictEqual([sure.loss, sure.likeliest.map(({ probability }) => probability)], [0, [1, 0]]);
  throws(() => outcomeOf([0, NaN], { id: "c.wav", label: 0, topK: 1 }), {
    message: 'Cannot judge "c.wav": the model\'s score for it is NaN',
  });
});

Deno.test("report: the schema of evaluation.json, without anything that JSON lacks", () => {
  const report = smallReport();
  deepStrictEqual(JSON.parse(JSON.stringify(report)), report, "no NaN, no undefined");
  deepStrictEqual(Object.keys(report).sort(), [
    ...[
      "accuracy",
      "classes",
      "confusion",
      "data",
      "format",
      "loss",
      "macro",
      "model",
      "part",
      "skipped",
      "step",
      "topK",
    ],
    ...["unknownClasses", "utterances", "viewing", "weighted", "worstPairs"],
  ]);
  deepStrictEqual(Object.keys(report.classes[0]), [
    ...["name", "support", "predicted", "hits", "precision", "recall", "f1"],
  ]);
  strictEqual(report.format, "voxgrad evaluation 1");
  deepStrictEqual([report.utterances, report.accuracy.hits, report.accuracy.value], [4, 3, 0.75]);
  deepStrictEqual(report.topK, [{ k: 1, accuracy: 0.75 }, { k: 2, accuracy: 1 }, { k: 3, accuracy: 1 }]);
  deepStrictEqual(report.confusion, [[0, 0, 2], [0, 1, 1], [1, 1, 1]]);
  deepStrictEqual(report.worstPairs, [{ actual: "<script>", predicted: "bo & co", count: 1, share: 1 / 3 }]);
  strictEqual(report.classes[2].recall, null, "a class that does not occur");
  throws(
    () => makeReport([], { ...context, topK: 1 }),
    /^Error: Cannot evaluate: there are no utterances of classes that .*--verification says$/,
  );
});

Deno.test("report: one class only", () => {
  const one: ReportContext = { ...context, classes: ["only"] };
  const report = makeReport([outcomeOf([3], { id: "a", label: 0, topK: 5 })], { ...one, topK: 5 });
  deepStrictEqual([report.accuracy.value, report.macro.f1, report.loss, report.topK.length], [1, 1, 0, 1]);
  match(textReport(report), /^Nothing was confused$/m);
});

Deno.test("text: measures, classes, pairs and what was left out", () => {
  const text = textReport(smallReport());
  match(text, /^4 utterances of 2 classes \(the model knows 3\), whole utterances$/m);
  match(text, /^Accuracy {10}75\.00 % \(3 of 4\), 95 % interval 30\.06 % to 95\.44 %$/m);
  match(text, /^Top-3 accuracy {4}100\.00 %$/m);
  match(text, /^<script> +3 +1\.000 +0\.667 +0\.800$/m);
  match(text, /^1 class more neither occur nor were predicted$/m);
  match(text, /^<script> +bo & co +1 +33\.3 %$/m);
  match(text, /^Unknown classes: 2 utterances of 1 class that training never saw are in none of these numbers:$/m);
  match(text, /^ {2}new\u00b7\[31m \(2\)$/m, "no escape sequence reaches the terminal");
  match(text, /^Skipped: 1 recording, first: Cannot read "x\.wav": it is empty$/m);
});
