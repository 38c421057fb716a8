/** PLDA as a way of scoring: trained on embeddings, stored beside the calibration, and what is refused. @module */
import { ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { Random } from "../../../data/random.ts";
import { makeCalibration } from "../../../train/verification/calibration.ts";
import { readCalibration, writeCalibration } from "../../../train/verification/calibration_file.ts";
import { pldaScore, pldaTrain } from "../../../train/verification/plda.ts";
import { trainPldaSpace } from "../../../train/verification/plda_model.ts";
import { makeScorer } from "../../../train/verification/scorer.ts";
import { matrixOf, rowOf } from "../../../train/verification/vector_matrix.ts";
import { unit } from "../../../train/verification/vectors.ts";
import { withFolder } from "../../tasks/run.ts";

/** Embeddings of speakers who differ in the first two of `dim` numbers only. */
function people(count: number, { dim = 6, each = 4, seed = 1 } = {}) {
  const random = new Random(seed), labels: string[] = [], vectors: Float32Array[] = [];
  const draw = () => random.uniform() + random.uniform() - 1;
  for (let s = 0; s < count; s++) {
    const own = [3 * draw(), 3 * draw()];
    for (let k = 0; k < each; k++) {
      labels.push(`s${s}`);
      vectors.push(Float32Array.from({ length: dim }, (_, i) => (own[i] ?? (i === 2 ? 2 : 0)) + 0.5 * draw()));
    }
  }
  return { embeddings: matrixOf(vectors), labels };
}

/** Share of the pairs of a same and a different trial that are in the right order. */
function order(scorer: ReturnType<typeof makeScorer>, { embeddings, labels }: ReturnType<typeof people>): number {
  const same: number[] = [], different: number[] = [];
  labels.forEach((a, i) =>
    labels.slice(0, i).forEach((b, k) =>
      (a === b ? same : different).push(scorer.score(rowOf(embeddings, i), rowOf(embeddings, k)))
    )
  );
  const right = same.reduce((sum, s) => sum + different.filter((d) => d < s).length, 0);
  return right / same.length / different.length;
}

Deno.test("the space scores as pldaScore does, and a reduction finds where speakers differ", async () => {
  const known = people(60), plda = await trainPldaSpace(known.embeddings, { labels: known.labels });
  const scaled = (x: Float32Array) => Array.from(unit(x), (v) => v * Math.sqrt(6));
  const rows = (list: readonly Float32Array[]) => ({
    values: Float64Array.from(list.flatMap(scaled)),
    count: list.length,
    dim: 6,
  });
  const all = Array.from({ length: 240 }, (_, i) => rowOf(known.embeddings, i));
  const wanted = await pldaScore(await pldaTrain(rows(all), { labels: known.labels }), {
    enrol: rows(all.slice(0, 5)),
    test: rows(all.slice(3, 8)),
  });
  const scorer = makeScorer({ scoring: "plda", plda, threshold: 0 });
  wanted.forEach((score, at) => {
    const found = scorer.score(all[Math.floor(at / 5)], all[3 + at % 5]);
    ok(Math.abs(found - score) < 1e-3 * (1 + Math.abs(score)), `${found}, wanted ${score}`);
  });

  const strangers = people(12, { seed: 9 });
  const reduced = await trainPldaSpace(known.embeddings, { labels: known.labels, dim: 2 });
  const few = makeScorer({ scoring: "plda", plda: reduced, threshold: 0 });
  strictEqual(reduced.transform.length, 12);
  const weight = (from: number, to: number) =>
    Array.from(reduced.transform).reduce((sum, x, at) => at % 6 >= from && at % 6 < to ? sum + x * x : sum, 0);
  ok(weight(3, 6) < 0.05 * weight(0, 2), `noise ${weight(3, 6)}, speakers ${weight(0, 2)}`);
  ok(order(few, strangers) > 0.85, `${order(few, strangers)}`); // of two numbers, scaling to one length leaves an angle
  const longer = few.score(rowOf(strangers.embeddings, 0).map((x) => 7 * x), rowOf(strangers.embeddings, 1));
  ok(Math.abs(longer - few.score(rowOf(strangers.embeddings, 0), rowOf(strangers.embeddings, 1))) < 1e-3);
});

Deno.test("several recordings of a person count as so many: the same person is the surer", async () => {
  const known = people(60), { embeddings } = people(3, { each: 8, seed: 5 });
  const plda = await trainPldaSpace(known.embeddings, { labels: known.labels });
  const scorer = makeScorer({ scoring: "plda", plda, threshold: 0 }), row = (i: number) => rowOf(embeddings, i);
  const test = scorer.side(row(7)), one = scorer.sideOfAll([row(0)]), many = scorer.sideOfAll([0, 1, 2, 3, 4].map(row));
  strictEqual(many.count, 5);
  strictEqual(scorer.scoreSides(one, test), scorer.score(row(0), row(7)));
  ok(scorer.scoreSides(many, test) > 0);
  ok(scorer.scoreSides(many, scorer.side(row(9))) < scorer.scoreSides(many, test));
});

Deno.test("a PLDA comes back as it was written; a damaged one is refused; another way of scoring removes it", async () => {
  await withFolder(async (folder) => {
    const { embeddings, labels } = people(20), id = "ab".repeat(32), path = join(folder, "calibration.json");
    const plda = await trainPldaSpace(embeddings, { labels, dim: 3 });
    const facts = {
      ...{ model: id, threshold: 1, operatingPoint: { criterion: "eer" }, eer: 0, minDcf: {}, far: 0, frr: 0 } as const,
      ...{ trials: { target: 1, nontarget: 1 }, data: "d" },
    };
    await writeCalibration(path, makeCalibration({ ...facts, scoring: "plda", plda }));
    const read = await readCalibration(folder, { id });
    for (const part of ["mean", "transform", "psi"] as const) ok(read.plda![part].every((x, i) => x === plda[part][i]));
    const scorer = makeScorer(read), [a, b] = [rowOf(embeddings, 0), rowOf(embeddings, 5)];
    strictEqual(scorer.score(a, b), makeScorer({ scoring: "plda", plda, threshold: 0 }).score(a, b));
    throws(() => scorer.side(new Float32Array(5)), /an embedding of 5 numbers: wanted 6, another model made it/);
    const file = join(folder, [...Deno.readDirSync(folder)].map(({ name }) => name).find((n) => n.includes("plda"))!);
    const bytes = await Deno.readFile(file);
    await Deno.writeFile(file, bytes.map((x, i) => i < bytes.length - 4 ? x : 255));
    await rejects(readCalibration(folder, { id }), /^SyntaxError: Cannot read ".*-plda-.*": it holds no PLDA$/);
    await Deno.remove(file);
    await rejects(readCalibration(folder, { id }), /Cannot read ".*-plda-.*": there is no such file/);
    await Deno.writeFile(file, bytes);
    await writeCalibration(path, makeCalibration({ ...facts, scoring: "cosine" }));
    strictEqual([...Deno.readDirSync(folder)].length, 1);
  });
});

Deno.test("PLDA on too few speakers, one recording each, or a size that is none says what to do", async () => {
  const train = (count: number, options: { dim?: number; each?: number } = {}) => {
    const { embeddings, labels } = people(count, { each: options.each });
    return trainPldaSpace(embeddings, { labels, dim: options.dim });
  };
  await rejects(train(1), /^RangeError: Cannot train PLDA: there is 1 speaker, wanted at least 2$/);
  await rejects(
    train(6),
    /^RangeError: Cannot train PLDA: there are 6 speakers for the 6 numbers of an embedding, wanted more speakers than numbers; reduce them with --plda-dim N, at most 5$/,
  );
  await rejects(train(20, { each: 1 }), /each of 20 speakers has one embedding, .* --plda-window SECONDS$/);
  await rejects(train(20, { dim: 7 }), /--plda-dim is 7, wanted 1 to 6, the numbers of an embedding$/);
  strictEqual((await train(6, { dim: 5 })).psi.length, 5);
});
