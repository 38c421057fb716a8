/** Calibrations: written, read, refused, and what scores they give. @module */
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { type Calibration, makeCalibration, parseCalibration } from "../../../train/verification/calibration.ts";
import { calibrationPath, readCalibration, writeCalibration } from "../../../train/verification/calibration_file.ts";
import { asNorm, cohortStatistics, makeCohort } from "../../../train/verification/cohort.ts";
import type { LlrCalibration } from "../../../train/verification/llr.ts";
import { operatingPointName, parseOperatingPoint } from "../../../train/verification/operating_point.ts";
import { makeScorer } from "../../../train/verification/scorer.ts";
import { withFolder } from "../../tasks/run.ts";

const id = "ab".repeat(32);

function sample(changes: Partial<Calibration> = {}): Calibration {
  return makeCalibration({
    model: id,
    scoring: "cosine",
    threshold: 0.25,
    operatingPoint: { criterion: "min-dcf", pTarget: 0.01 },
    eer: 0.02,
    minDcf: { "0.01": 0.2, "0.05": 0.1 },
    far: 0.001,
    frr: 0.05,
    trials: { target: 450, nontarget: 4500 },
    data: "recordings",
    ...changes,
  });
}

const llr: LlrCalibration = {
  ...{ prior: 0.5, bias: -3, weight: 8, duration: { shorter: 0.5, longer: 0.25, means: [1, 2] } },
  cllr: { before: 0.8, after: 0.1, least: 0.05 },
};

const cohort = makeCohort([[1, 0, 0], [0, 2, 0], [0, 0, 1], [1, 1, 0]].map((v) => Float32Array.from(v)), { topN: 3 });

Deno.test("a calibration comes back as it was written, beside a run or a file", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "x.safetensors");
    strictEqual(await calibrationPath(folder), join(folder, "calibration.json"));
    strictEqual(await calibrationPath(join(folder, "best.safetensors")), join(folder, "calibration.json"));
    strictEqual(await calibrationPath(file), join(folder, "x.calibration.json"));
    const mean = [0.5, 0, 1];
    for (
      const calibration of [
        sample(),
        sample({ llr }),
        sample({ scoring: "cosine-mean", mean }),
        sample({ scoring: "s-norm", cohort }),
      ]
    ) {
      for (const model of [folder, file]) {
        await writeCalibration(await calibrationPath(model), calibration);
        const read = await readCalibration(model, { id });
        const { cohort: written, ...rest } = calibration, { cohort: found, ...restFound } = read;
        deepStrictEqual(restFound, rest);
        strictEqual(found?.topN, written?.topN);
        ok(
          written === undefined ||
            found!.embeddings.values.every((x, i) => Math.abs(x - written.embeddings.values[i]) < 1e-6),
        );
      }
    }
  });
});

Deno.test("a new cohort takes the place of the old one, and nothing else is left", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "calibration.json");
    const files = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    await writeCalibration(path, sample({ scoring: "s-norm", cohort }));
    const [before] = files();
    await writeCalibration(
      path,
      sample({ scoring: "s-norm", cohort: makeCohort([Float32Array.of(1, 0), Float32Array.of(0, 1)]) }),
    );
    strictEqual(files().length, 2);
    ok(!files().includes(before));
    await writeCalibration(path, sample());
    deepStrictEqual(files(), ["calibration.json"]);
  });
});

Deno.test("without a calibration of this very model nothing is judged, and the message says how to get one", async () => {
  await withFolder(async (folder) => {
    const remedy =
      `run deno task evaluate --model ${folder} --verification --data DIR, with recordings of at least two ` +
      "speakers whom training did not hear";
    const path = join(folder, "calibration.json");
    await rejects(readCalibration(folder, { id }), {
      message: `Cannot judge by "${folder}": its threshold is not known, there is no "${path}"; ${remedy}`,
    });
    await writeCalibration(path, sample({ model: "0".repeat(64) }));
    await rejects(readCalibration(folder, { id }), {
      message: `Cannot judge by "${folder}": "${path}" was measured with another model; ${remedy}`,
    });
    await writeCalibration(path, sample({ scoring: "s-norm", cohort }));
    const name = [...Deno.readDirSync(folder)].map(({ name }) => name).find((name) => name.includes("cohort"))!;
    await Deno.writeTextFile(join(folder, name), "no embeddings");
    await rejects(readCalibration(folder, { id }), /Cannot read ".*-cohort-.*": its header/);
    await Deno.remove(join(folder, name));
    await rejects(readCalibration(folder, { id }), /Cannot read ".*-cohort-.*": there is no such file/);
  });
});

Deno.test("a damaged calibration is refused, naming what is damaged", () => {
  const complaint = (changes: object) => {
    let message = "";
    throws(() => parseCalibration(JSON.stringify({ ...sample(), ...changes }), "c.json"), (error: Error) => {
      message = error.message;
      return error instanceof SyntaxError;
    });
    return message.replace('Cannot read "c.json": ', "");
  };
  const cases: [object, string][] = [
    [{ format: "voxgrad calibration 2" }, "it is no calibration of this version of voxgrad"],
    [{ model: "ab" }, "its model is damaged"],
    [{ scoring: "lda" }, "its scoring is damaged"],
    [{ scoring: "plda" }, "its plda is damaged"],
    [{ scoring: "plda", plda: { file: "../x.safetensors", lengthNorm: "kaldi" } }, "its plda is damaged"],
    [{ scoring: "plda", plda: { file: "x.safetensors", lengthNorm: "long" } }, "its plda is damaged"],
    [{ threshold: null }, "its threshold is damaged"],
    [{ threshold: "0.2" }, "its threshold is damaged"],
    [{ operatingPoint: { criterion: "far", far: 2 } }, "its operatingPoint is damaged"],
    [{ operatingPoint: "eer" }, "its operatingPoint is damaged"],
    [{ operatingPoint: { criterion: "prior", pTarget: 0.1 } }, "its llr is damaged"],
    [{ llr: { ...llr, weight: "1" } }, "its llr is damaged"],
    [{ llr: { ...llr, duration: { shorter: 1, longer: 1, means: [1] } } }, "its llr is damaged"],
    [{ llr: { ...llr, cllr: null } }, "its llr is damaged"],
    [{ eer: 1.5 }, "its eer is damaged"],
    [{ windowSeconds: 0 }, "its windowSeconds is damaged"],
    [{ minDcf: { "0.01": -1 } }, "its minDcf is damaged"],
    [{ trials: { target: 1.5, nontarget: 2 } }, "its trials is damaged"],
    [{ scoring: "cosine-mean" }, "its mean is damaged"],
    [{ mean: [1] }, "its mean is damaged"],
    [{ scoring: "s-norm" }, "its cohort is damaged"],
    [{ scoring: "s-norm", cohort: { file: "../x.safetensors", topN: 3 } }, "its cohort is damaged"],
    [{ scoring: "s-norm", cohort: { file: "x.safetensors", topN: 1 } }, "its cohort is damaged"],
  ];
  for (const [changes, message] of cases) strictEqual(complaint(changes), message);
  throws(() => parseCalibration("{", "c.json"), { message: 'Cannot read "c.json": it is not JSON' });
  throws(() => parseCalibration("null", "c.json"), /it is no calibration/);
});

Deno.test("scores: cosine, after a mean, and normalised by a cohort", () => {
  const [a, b] = [Float32Array.of(3, 0, 0), Float32Array.of(1, 1, 0)];
  const near = (found: number, wanted: number) => ok(Math.abs(found - wanted) < 1e-6, `${found}, wanted ${wanted}`);
  const plain = makeScorer(sample());
  near(plain.score(a, b), Math.SQRT1_2);
  strictEqual(plain.threshold, 0.25);
  deepStrictEqual([plain.isSame(0.25), plain.isSame(0.2499)], [true, false]);
  near(plain.score(a, new Float32Array(3)), 0); // no direction, no likeness

  const mean = makeScorer(sample({ scoring: "cosine-mean", mean: [0, 0, 1] }));
  near(mean.score(a, b), (Math.SQRT1_2 + 1) / 2); // (1, 0, −1) and (√½, √½, −1), both √2 long

  const normalised = makeScorer(sample({ scoring: "s-norm", cohort }));
  // a: cosines 1, 0, 0, √½; the top three 1, √½, 0. b: √½, √½, 0, 1; the top three 1, √½, √½
  const statistics = (list: number[]) => {
    const mean = list.reduce((x, y) => x + y) / 3;
    return { mean, deviation: Math.sqrt(list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 3) };
  };
  const [ofA, ofB] = [statistics([1, Math.SQRT1_2, 0]), statistics([1, Math.SQRT1_2, Math.SQRT1_2])];
  near(cohortStatistics(Float32Array.of(1, 0, 0), cohort).deviation, ofA.deviation);
  near(normalised.score(a, b), asNorm(Math.SQRT1_2, ofA, ofB));
  const sides = [normalised.side(a), normalised.side(b)];
  strictEqual(normalised.scoreSides(sides[0], sides[1]), normalised.score(a, b));
});

Deno.test("log-likelihood ratios beside scores, and in their place where the threshold follows from a prior", () => {
  const [a, b] = [Float32Array.of(3, 0, 0), Float32Array.of(1, 1, 0)];
  const near = (found: number | null, wanted: number) =>
    ok(Math.abs(found! - wanted) < 1e-5, `${found}, wanted ${wanted}`);
  const beside = makeScorer(sample({ llr })), plain = -3 + 8 * Math.SQRT1_2;
  near(beside.score(a, b), Math.SQRT1_2);
  near(beside.llr(beside.side(a), beside.side(b)), plain);
  const seconds = [Math.exp(3), Math.exp(1.5)] as const; // the shorter by 0.5 over its mean, the longer by 1
  const sides = [beside.side(a, seconds[0]), beside.side(b, seconds[1])] as const;
  near(beside.llr(...sides), plain + 0.25 + 0.25);
  strictEqual(makeScorer(sample()).llr(...sides), null);
  const operatingPoint = { criterion: "prior", pTarget: 0.1 } as const;
  const instead = makeScorer(sample({ llr, operatingPoint, threshold: Math.log(9) }));
  near(instead.scoreSides(...sides), plain + 0.5);
  near(instead.score(a, b), plain);
  deepStrictEqual([instead.isSame(2.2), instead.isSame(2.19)], [true, false]);
});

Deno.test("a scorer refuses embeddings of another size, and to go without what it needs", () => {
  const scorer = makeScorer(sample());
  const message = "Cannot score an embedding of 2 numbers: wanted 3, another model made it";
  throws(() => scorer.score(new Float32Array(3), new Float32Array(2)), { name: "TypeError", message });
  throws(() => makeScorer(sample({ scoring: "s-norm", cohort })).side(new Float32Array(2)), { message });
  throws(() => makeScorer(sample({ scoring: "s-norm" })), /there is no cohort/);
  throws(() => makeScorer(sample({ scoring: "cosine-mean" })), /there is no mean/);
  throws(() => makeCohort([new Float32Array(3)]), /the cohort has 1 embeddings, wanted at least 2/);
  throws(() => makeCohort([Float32Array.of(1), Float32Array.of(1, 2)]), /vector 1 has 2 numbers, the first 1/);
});

Deno.test("a cohort that tells nothing apart does not blow scores up", () => {
  const same = makeCohort([Float32Array.of(1, 0), Float32Array.of(1, 0)]);
  ok(
    Number.isFinite(
      makeScorer(sample({ scoring: "s-norm", cohort: same })).score(Float32Array.of(1, 0), Float32Array.of(0, 1)),
    ),
  );
});

Deno.test("operating points have names", () => {
  for (const name of ["eer", "f1", "min-dcf-0.01", "min-dcf-0.05", "far=0.001", "prior=0.01"]) {
    strictEqual(operatingPointName(parseOperatingPoint(name)), name);
  }
  throws(() => parseOperatingPoint("best"), /^SyntaxError: Cannot use the operating point "best": wanted eer, /);
  throws(() => parseOperatingPoint("far=0"), /^RangeError: .*"0" is no number between 0 and 1/);
  throws(() => parseOperatingPoint("min-dcf-x"), RangeError);
});
