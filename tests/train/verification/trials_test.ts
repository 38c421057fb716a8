/** Lists of trials, all pairs, who speaks, and S4's own way. @module */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { Random } from "../../../data/random.ts";
import { s4Results, s4Sample, s4Sweep } from "../../../train/verification/s4_protocol.ts";
import { numbered, speakersOfTrials } from "../../../train/verification/trial_speakers.ts";
import { allPairs, countTrials } from "../../../train/verification/trials.ts";
import { parseTrials } from "../../../train/verification/trials_file.ts";

Deno.test("a list of trials: names in order, comments and Windows line ends, paths with spaces between tabs, self-trials left out", () => {
  const text = "\ufeff# a comment\n1 a/1.wav a/2.wav\r\n\n0\ta/1.wav\tb 1/x.wav\n1 a/2.wav a/2.wav\n0 a/1.wav b.wav";
  const { names, lines, trials, selfTrials } = parseTrials(text, "t.txt");
  deepStrictEqual(names, ["a/1.wav", "a/2.wav", "b 1/x.wav", "b.wav"]);
  deepStrictEqual([...lines], [2, 2, 4, 6]);
  deepStrictEqual([[...trials.left], [...trials.right], [...trials.isTarget]], [[0, 0, 0], [1, 2, 3], [1, 0, 0]]);
  strictEqual(selfTrials, 1);
});

Deno.test("lines that are no trials are refused with their number; an empty list as well", () => {
  for (const line of ["2 a b", "1 a", "1 a b c", "a b 1", "1"]) {
    throws(() => parseTrials(`1 a b\n${line}\n`, "t.txt"), {
      name: "SyntaxError",
      message:
        'Cannot read "t.txt", line 2: wanted "1 PATH PATH" or "0 PATH PATH", or "PATH PATH target" or "PATH PATH nontarget"',
    });
  }
  throws(() => parseTrials("", "t.txt"), { message: 'Cannot evaluate the trials of "t.txt": there are none' });
  throws(() => parseTrials("# nothing\n\n", "t.txt"), /there are none/);
});

Deno.test("two lines that contradict each other are refused, whichever way round the pair is; a repeated one is not", () => {
  throws(() => parseTrials("1 a b\n0 a c\n0 b a\n", "t.txt"), {
    message: 'Cannot read "t.txt", line 3: it says the opposite of line 1',
  });
  strictEqual(parseTrials("1 a b\n1 b a\n1 a b\n0 a c\n", "t.txt").trials.left.length, 4);
});

Deno.test("all pairs: each once, no recording with itself unless asked", () => {
  const speakers = Uint32Array.of(0, 0, 1, 2);
  const { left, right, isTarget } = allPairs(speakers);
  deepStrictEqual([...left].map((a, i) => [a, right[i], isTarget[i]]), [
    [0, 1, 1],
    [0, 2, 0],
    [0, 3, 0],
    [1, 2, 0],
    [1, 3, 0],
    [2, 3, 0],
  ]);
  deepStrictEqual(countTrials(allPairs(speakers, { self: true })), { target: 5, nontarget: 5 });
  strictEqual(allPairs(new Uint32Array(1)).left.length, 0);
  throws(() => allPairs(new Uint32Array(20_000)), /Cannot compare all of 20000 recordings: .* with --trials FILE/);
});

Deno.test("speakers of a list: by the first folder where that agrees with the trials, else by what the trials connect", () => {
  const byFolder = parseTrials("1 x/1 x/2\n0 x/1 y/1\n0 z/1 y/1\n", "t");
  deepStrictEqual([...speakersOfTrials(byFolder.names, byFolder.trials)], [0, 0, 1, 2]);
  const contradicting = parseTrials("1 wav/1 wav/2\n0 wav/1 wav/3\n1 wav/2 wav/4\n1 wav/5 wav/6\n", "t");
  deepStrictEqual([...speakersOfTrials(contradicting.names, contradicting.trials)], [0, 0, 1, 0, 2, 2]);
  const loose = parseTrials("0 a b\n1 b c\n", "t");
  deepStrictEqual([...speakersOfTrials(loose.names, loose.trials)], [0, 1, 1]);
  deepStrictEqual([...numbered(["b", "a", "b", "constructor"])], [0, 1, 0, 2]);
});

Deno.test("S4's sample: at most 99 to 1, none twice, and the trials that it was taken from are as before", () => {
  const speakers = Uint32Array.from({ length: 210 }, (_, i) => i < 6 ? 0 : i); // 15 pairs of the same
  const trials = allPairs(speakers), before = structuredClone(trials);
  const sample = s4Sample(trials, 1);
  deepStrictEqual(countTrials(sample), { target: 15, nontarget: 1485 });
  strictEqual(new Set([...sample.left].map((a, i) => a * 1000 + sample.right[i])).size, 1500);
  deepStrictEqual(trials, before);
  deepStrictEqual(s4Sample(trials, 1), sample);
  ok([...s4Sample(trials, 2).right].some((b, i) => b !== sample.right[i]));
  const places = [1, 2, 3, 4].flatMap((seed) => [...s4Sample(trials, seed).left]);
  const mean = (list: Iterable<number>) => [...list].reduce((sum, x) => sum + x, 0) / [...list].length;
  ok(Math.abs(mean(places) - mean(trials.left)) < 4, "late trials are drawn as often as early ones");
  const few = allPairs(Uint32Array.of(0, 0, 1));
  strictEqual(s4Sample(few, 1), few);
});

Deno.test("S4's sweep counts as counting does: a score has to be above the threshold", () => {
  const random = new Random(2);
  const scores = Float32Array.from(
    { length: 400 },
    (_, i) => i < 120 ? (i % 102 - 1) / 100 : random.uniform() * 2.2 - 1.1,
  );
  const isTarget = Uint8Array.from(scores, (score) => score + random.uniform() > 0.9 ? 1 : 0);
  const rows = s4Sweep(scores, isTarget);
  strictEqual(rows.length, 100);
  const count = (kind: number, threshold: number) =>
    [...scores].filter((score, i) => isTarget[i] === kind && score > threshold).length;
  const [targets, nontargets] = [1, 0].map((kind) => count(kind, -9));
  rows.forEach((row, k) => {
    const [hits, alarms] = [count(1, k / 100), count(0, k / 100)];
    deepStrictEqual(row, {
      threshold: k / 100,
      far: alarms / nontargets,
      frr: (targets - hits) / targets,
      dcf: (alarms + targets - hits) / 400,
      precision: hits + alarms === 0 ? 0 : hits / (hits + alarms),
      recall: hits / targets,
      f1: 2 * hits / (targets + hits + alarms),
    });
  });
  const { eer, minDcf, maxF1 } = s4Results(rows);
  const at = (threshold: number) => rows[Math.round(threshold * 100)];
  const least = (of: (row: typeof rows[number]) => number) => Math.min(...rows.map(of));
  strictEqual(Math.abs(at(eer.threshold).far - at(eer.threshold).frr), least(({ far, frr }) => Math.abs(far - frr)));
  strictEqual(minDcf.value, least(({ dcf }) => dcf));
  strictEqual(maxF1.value, -least(({ f1 }) => -f1));
});

Deno.test("S4's sweep divides by nothing where a kind is missing", () => {
  for (const labels of [[1, 1], [0, 0]]) {
    const rows = s4Sweep(Float32Array.of(0.5, -3), Uint8Array.from(labels));
    ok(rows.every((row) => Object.values(row).every(Number.isFinite)));
  }
});
