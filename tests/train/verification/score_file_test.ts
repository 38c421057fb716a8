/** Scores that anybody computed: what is read, what is refused, and what is measured. @module */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { measureScores } from "../../../train/verification/measure_scores.ts";
import { readScores } from "../../../train/verification/score_file.ts";

/** Writes both files and reads or measures them. */
async function withFiles<T>(
  { scores, trials }: { scores: string; trials?: string },
  work: (request: { scores: string; trials?: string }) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, "scores"), scores);
    if (trials !== undefined) await Deno.writeTextFile(join(folder, "trials"), trials);
    return await work({
      scores: join(folder, "scores"),
      trials: trials === undefined ? undefined : join(folder, "trials"),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const read = (files: { scores: string; trials?: string }) =>
  withFiles(files, ({ scores, trials }) => readScores(scores, { trials }));

Deno.test("scores of pairs go to the trials, of either list format, whichever way round; others are counted", async () => {
  const scores = "# mine\na b 1.5\r\n\nd\tc -2e-1\nx y 9\n";
  for (const trials of ["1 a b\n0 c d\n1 a a\n", "a b target\nc d nontarget\na a target\n"]) {
    const result = await read({ scores: scores.replace("\tc ", "\tc\t"), trials });
    deepStrictEqual([...result.scores], [1.5, Math.fround(-0.2)]);
    deepStrictEqual([...result.trials.isTarget], [1, 0]);
    deepStrictEqual([result.selfTrials, result.unlisted], [1, 1]);
  }
  const asymmetric = await read({ scores: "a b 1\nb a 2\n", trials: "1 a b\n1 b a\n" });
  deepStrictEqual([...asymmetric.scores], [1, 2]);
});

Deno.test("bad scores are refused with file and line", async () => {
  const cases: [scores: string, trials: string | undefined, message: RegExp][] = [
    ["a b 1\n", "1 a b\n0 a c\n", /trials", line 2: ".*scores" has no score of "a" and "c"$/],
    ["a b 1\na b 2\n", "1 a b\n", /scores", line 2: it gives another score to the pair of line 1$/],
    ["a b nan\n", "1 a b\n", /scores", line 1: its score "nan" is no finite number$/],
    ["a b\n", "1 a b\n", /scores", line 1: wanted "A B SCORE"/],
    ["a b 1\n", "1 a b\na c nontarget\n", /trials", line 2: it is written as "PATH PATH target", those before it as/],
    ["1 0.5\n0 x\n", undefined, /scores", line 2: its score "x" is no finite number$/],
    ["1 0.5\n0 Infinity\n", undefined, /line 2: its score "Infinity" is no finite number$/],
    ["1 0.5\n0 1e39\n", undefined, /line 2: its score "1e39" is no finite number$/],
    ["1 0.5\nnontarget 0.1\n", undefined, /line 2: its label is "nontarget", but those before it are 1 and 0$/],
    ["__proto__ 1\n", undefined, /line 1: wanted "LABEL SCORE"/],
    ["a b 0.5\n", undefined, /line 1: .*need their labels: --trials FILE$/],
    ["# none\n", undefined, /: it holds no scores$/],
  ];
  for (const [scores, trials, message] of cases) await rejects(read({ scores, trials }), { message });
});

Deno.test("measures: Cllr of scores as log-likelihood ratios, EER and AUC by hand; speakers only where they are named", async () => {
  const scores = "target 2\ntarget 0\nnontarget 1\nnontarget -3\n";
  const { report } = await withFiles({ scores }, measureScores);
  const cost = (x: number) => Math.log2(1 + Math.exp(x));
  const expected = ((cost(-2) + cost(0)) / 2 + (cost(1) + cost(-3)) / 2) / 2;
  ok(Math.abs(report.llr!.cllr.before - expected) < 1e-6, `${report.llr!.cllr.before} for ${expected}`);
  strictEqual(report.auc.value, 0.75);
  strictEqual(report.eer.value, 0.5);
  ok(report.minCllr.value <= report.llr!.cllr.before);
  deepStrictEqual([report.model, report.recordings, report.draws], [null, 0, 0]);
  await rejects(withFiles({ scores: "1 2\n1 3\n" }, measureScores), /all 2 trials are of the same speaker/);
  const named = await withFiles({
    scores: "x/1 x/2 2\nx/1 y/1 0\ny/1 y/2 1\n",
    trials: "1 x/1 x/2\n0 x/1 y/1\n1 y/1 y/2\n",
  }, measureScores);
  deepStrictEqual([named.report.recordings, named.report.speakers], [4, 2]);
});
