/** A model measured as a verifier, from recordings to the report. @module */
import { deepStrictEqual, doesNotMatch, match, ok, rejects, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { encodeWav } from "../../../data/audio/mod.ts";
import { Screen } from "../../../train/progress.ts";
import { verificationPage } from "../../../train/verification/html_report.ts";
import { parseOperatingPoint } from "../../../train/verification/operating_point.ts";
import { verificationText } from "../../../train/verification/text_report.ts";
import { verify, type VerifyRequest } from "../../../train/verification/verify.ts";
import { writeVerification } from "../../../train/verification/write.ts";
import { withFolder } from "../../tasks/run.ts";
import { writeData } from "../small_run.ts";
import { sampleRate, tinyModelBytes, voice } from "./tiny_model.ts";

/** A model file and recordings of some speakers. */
async function withRecordings(
  use: (folder: { model: string; data: string; root: string }) => Promise<void>,
  speakers: Readonly<Record<string, number>> = { dora: 3, emil: 3, "<b>fay</b>": 2 },
): Promise<void> {
  await withFolder(async (root) => {
    const [model, data] = [join(root, "m.safetensors"), join(root, "data")];
    await Deno.writeFile(model, await tinyModelBytes());
    for (const [i, [name, count]] of Object.entries(speakers).entries()) {
      await Deno.mkdir(join(data, name), { recursive: true });
      for (let k = 0; k < count; k++) {
        await Deno.writeFile(
          join(data, name, `${k}.wav`),
          encodeWav(voice(90 + 60 * i, 0.4 + 0.1 * k, 1 + k), sampleRate),
        );
      }
    }
    await use({ model, data, root });
  });
}

/** Measures quietly; what was said comes back too. */
async function measure(request: Omit<VerifyRequest, "device">) {
  const lines: string[] = [];
  const screen = new Screen({
    writeOut: (text) => lines.push(text),
    writeErr: () => {},
    isTerminal: false,
    columns: () => 80,
  });
  return { ...await verify({ device: "cpu", ...request }, { screen }), lines };
}

Deno.test("all pairs of labelled recordings: counts, scores, a report that holds no nonsense", async () => {
  await withRecordings(async ({ model, data, root }) => {
    const result = await measure({ model, data, threshold: 0.9 });
    const { report, trials, scores, names, calibration } = result;
    deepStrictEqual(report.trials, { target: 3 + 3 + 1, nontarget: 28 - 7 });
    deepStrictEqual([report.recordings, report.speakers, scores.length], [8, 3, 28]);
    ok(scores.every((score) => score >= -1.0001 && score <= 1.0001));
    ok(trials.left.every((a, i) => a !== trials.right[i]));
    strictEqual(report.points.at(-1)!.name, "given");
    deepStrictEqual(calibration!.threshold, report.points[0].threshold);
    strictEqual(calibration!.windowSeconds, 30);
    deepStrictEqual([calibration!.model, calibration!.eer], [report.modelId, report.eer.value]);
    ok(report.notes.some((note) => /^Only 3 speakers/.test(note)));
    const out = join(root, "out");
    const picture = {
      name: "det",
      title: "T",
      caption: "C",
      svg: '<svg><clipPath id="clip0"/><g clip-path="url(#clip0)"/></svg>',
    };
    await writeVerification(out, result, { pictures: [picture] });
    deepStrictEqual([...Deno.readDirSync(out)].map(({ name }) => name).sort(), [
      "det.svg",
      "scores.csv",
      "verification.html",
      "verification.json",
      "verification.txt",
    ]);
    deepStrictEqual(
      JSON.parse(await Deno.readTextFile(join(out, "verification.json"))),
      JSON.parse(JSON.stringify(report)),
    );
    const rows = (await Deno.readTextFile(join(out, "scores.csv"))).trimEnd().split("\n").map((line) =>
      line.split(",")
    );
    deepStrictEqual(rows[0], ["label", "file1", "file2", "score"]);
    strictEqual(rows.length, 29);
    rows.slice(1).forEach(([label, a, b, score], i) => {
      strictEqual(label === "1", dirname(a) === dirname(b));
      deepStrictEqual([a, b, score], [names[trials.left[i]], names[trials.right[i]], scores[i].toFixed(6)]);
    });
    const page = await Deno.readTextFile(join(out, "verification.html"));
    doesNotMatch(page, /NaN|undefined|\[object|<script|https?:/);
    match(page, /id="det-clip0".*url\(#det-clip0\)/);
    doesNotMatch(verificationText(report), /NaN|undefined/);
  });
});

Deno.test("a list of trials gives the same scores, whatever its order, and leaves self-trials out", async () => {
  await withRecordings(async ({ model, data, root }) => {
    const all = await measure({ model, data });
    const { left, right, isTarget } = all.trials;
    const lines = [...left].map((a, i) => `${isTarget[i]} ${all.names[right[i]]} ${all.names[a]}`).reverse();
    const list = join(root, "trials.txt");
    await Deno.writeTextFile(list, [...lines, `1 ${all.names[0]} ${all.names[0]}`].join("\n"));
    const listed = await measure({ model, trials: list, root: data });
    listed.scores.forEach((score, i) => ok(Math.abs(score - all.scores[27 - i]) < 1e-5));
    deepStrictEqual(listed.report.leftOut, { self: 1, unusable: 0 });
    deepStrictEqual([listed.report.speakers, listed.report.trials], [3, all.report.trials]);
    ok(Math.abs(listed.report.eer.value - all.report.eer.value) < 1e-9);
    match(verificationText(listed.report), /^Left out: 1 trial of a recording with itself$/m);
  });
});

Deno.test("each kind of scoring and each operating point makes a calibration that judges as the report says", async () => {
  await withRecordings(async ({ model, data, root }) => {
    const cohort = join(root, "data"); // whose they are does not matter here
    for (const scoring of ["cosine", "cosine-mean", "s-norm"] as const) {
      for (const name of ["eer", "min-dcf-0.05", "far=0.1", "prior=0.3", "f1"]) {
        const operatingPoint = parseOperatingPoint(name);
        const { report, calibration, scores, trials } = await measure({
          ...{ model, data, scoring, operatingPoint },
          ...(scoring === "s-norm" ? { cohort, topN: 2 } : {}),
        });
        const accepted = [...scores].filter((score, i) => trials.isTarget[i] === 0 && score >= calibration!.threshold);
        strictEqual(accepted.length / report.trials.nontarget, calibration!.far);
        deepStrictEqual([calibration!.scoring, calibration!.operatingPoint, report.points[0].name], [
          scoring,
          operatingPoint,
          name,
        ]);
        strictEqual(report.isLlr, name === "prior=0.3");
        deepStrictEqual(calibration!.llr, report.llr);
        strictEqual(report.llr!.prior, report.isLlr ? 0.3 : 0.5);
        strictEqual(calibration!.mean === undefined, scoring !== "cosine-mean");
        strictEqual(calibration!.cohort?.embeddings.count, scoring === "s-norm" ? 3 : undefined);
      }
    }
  });
});

Deno.test("S4's protocol: self-pairs count, the results stand on its grid, and no calibration comes of it", async () => {
  await withRecordings(async ({ model, data }) => {
    const { report, calibration } = await measure({ model, data, protocol: "s4" });
    deepStrictEqual(report.trials, { target: 7 + 8, nontarget: 21 });
    strictEqual(calibration, null);
    ok(report.s4 !== null && Number.isInteger(Math.round(report.s4.eer.threshold * 1e6) / 1e4));
    strictEqual(report.curves.sweep.length, 100);
    match(verificationText(report), /^S4's protocol /m);
    match(verificationPage(report, []), /S4&#39;s protocol|S4's protocol/);
  });
});

Deno.test("recordings that cannot be used are named, and their trials left out", async () => {
  await withRecordings(async ({ model, data, root }) => {
    await Deno.writeTextFile(join(data, "dora", "0.wav"), "no audio");
    await Deno.writeFile(join(data, "emil", "0.wav"), encodeWav(new Float32Array(8000), sampleRate));
    await Deno.writeFile(join(data, "emil", "1.wav"), encodeWav(voice(100, 0.02), sampleRate));
    const { report, lines } = await measure({ model, data });
    deepStrictEqual(report.trials, { target: 2, nontarget: 10 - 2 });
    deepStrictEqual(report.skipped.map(({ name }) => name), ["dora/0.wav", "emil/0.wav", "emil/1.wav"]);
    match(report.skipped[1].reason, /^Cannot embed ".*emil\/0\.wav": it is silent$/);
    match(report.skipped[2].reason, /^Cannot embed ".*emil\/1\.wav": it is 20 ms long, wanted at least 40 ms$/);
    strictEqual(lines.filter((line) => line.startsWith("Skipped: ")).length, 3);
    const list = join(root, "t.txt");
    await Deno.writeTextFile(list, "1 dora/1.wav dora/2.wav\n1 dora/0.wav dora/1.wav\n0 dora/1.wav emil/2.wav\n");
    const listed = await measure({ model, trials: list, root: data });
    deepStrictEqual(listed.report.leftOut, { self: 0, unusable: 1 });
    match(verificationText(listed.report), /^Left out: 1 trial of recordings that cannot be used$/m);
  });
});

Deno.test("trials that say nothing, and files that are not there, are refused", async () => {
  await withRecordings(async ({ model, data, root }) => {
    const list = join(root, "t.txt");
    const refused = async (text: string, message: RegExp) => {
      await Deno.writeTextFile(list, text);
      await rejects(measure({ model, trials: list, root: data }), message);
    };
    await refused("", /^Error: Cannot evaluate the trials of ".*t\.txt": there are none$/);
    await refused(
      "1 dora/0.wav dora/1.wav\n",
      /all 1 trials are of the same speaker, which says nothing about other people/,
    );
    await refused(
      "0 dora/0.wav emil/1.wav\n",
      /all 1 trials are of different speakers, .* at least two recordings of a speaker/,
    );
    await refused("1 nobody/1.wav nobody/2.wav\n", /all 1 trials are of the same speaker/); // said before any file is looked for
    await refused(
      "1 dora/0.wav dora/0.wav\n",
      /there are no trials; give at least two recordings each of two speakers/,
    );
    await refused(
      "1 dora/0.wav dora/1.wav\n0 dora/0.wav nobody/7.wav\n0 dora/0.wav dora\n",
      /2 of 4 recordings that it names are not in ".*data", first "nobody\/7\.wav" \(line 2\); give their folder with --root DIR$/,
    );
    await Deno.writeTextFile(join(data, "dora", "0.wav"), "broken");
    await refused(
      "1 dora/0.wav dora/1.wav\n0 dora/0.wav emil/1.wav\n",
      /there are no trials \(1 recordings cannot be used\)/,
    );
    await rejects(
      measure({ model, trials: join(root, "none.txt") }),
      /Cannot read ".*none\.txt": no such file or folder/,
    );
    await rejects(measure({ model, data: join(root, "none") }), /there is no such folder or file/);
    await rejects(
      measure({ model, data: join(data, "emil") }),
      /nothing says who speaks; give folders named by the speakers/,
    );
    const speakers = join(root, "speakers.txt"), bytes = join(root, "list.txt");
    await Deno.writeTextFile(speakers, "data/dora/1.wav\tdora\ndata/emil/1.wav emil\n");
    await rejects(
      measure({ model, data: speakers }),
      /^SyntaxError: Cannot read ".*speakers\.txt", line 2: wanted a path, a tab and a label$/,
    );
    await Deno.writeTextFile(join(root, "c.csv"), "file,speaker\ndata/dora/1.wav,dora\n");
    await rejects(measure({ model, data: join(root, "c.csv") }), /says who speaks; .* --label-column of a CSV file$/);
    await Deno.copyFile(join(data, "emil", "1.wav"), bytes);
    await rejects(
      measure({ model, data, scoring: "s-norm", cohort: bytes }),
      /^SyntaxError: Cannot read ".*list\.txt": it is no text, wanted a list of recordings, one a line$/,
    );
    await rejects(measure({ model: join(root, "none"), data }), /Cannot load model ".*none": there is no such file/);
  });
});

Deno.test("one speaker only, one recording each, a cohort of one: refused", async () => {
  await withRecordings(async ({ model, data, root }) => {
    await rejects(measure({ model, data }), /all 3 trials are of the same speaker/);
    await Deno.mkdir(join(root, "other"));
    await Deno.copyFile(join(data, "dora", "0.wav"), join(root, "other", "0.wav"));
    await Deno.mkdir(join(data, "emil"));
    await Deno.copyFile(join(data, "dora", "1.wav"), join(data, "emil", "1.wav"));
    await rejects(
      measure({ model, data, scoring: "s-norm", cohort: join(root, "other") }),
      /the cohort has 1 embeddings, wanted at least 2/,
    );
  }, { dora: 3 });
  await withRecordings(async ({ model, data }) => {
    await rejects(measure({ model, data }), /all 3 trials are of different speakers/);
  }, { dora: 1, emil: 1, fay: 1 });
});

Deno.test("speakers that training heard are pointed out", async () => {
  await withRecordings(async ({ model, data }) => {
    const { report } = await measure({ model, data });
    match(report.notes[0], /^1 of 2 speakers bear names of classes that the model was trained on/);
  }, { anna: 2, emil: 2 });
});

Deno.test("a data set of features is compared as well", async () => {
  await withFolder(async (root) => {
    const [model, data] = [join(root, "m.safetensors"), join(root, "data")];
    await Deno.writeFile(model, await tinyModelBytes({ knowsFeatures: false }));
    await writeData(data, { counts: [3, 3], width: 8 });
    const { report } = await measure({ model, data });
    deepStrictEqual(report.trials, { target: 6, nontarget: 9 });
  });
});

Deno.test("requests that contradict themselves are refused", async () => {
  const model = "m";
  await rejects(async () => await measure({ model }), /give either recordings with --data DIR or a list of trials/);
  await rejects(async () => await measure({ model, data: "d", trials: "t" }), /give either/);
  await rejects(
    async () => await measure({ model, trials: "t", protocol: "s4" }),
    /S4's protocol is of all pairs of --data/,
  );
  await rejects(
    async () => await measure({ model, data: "d", scoring: "s-norm" }),
    /s-norm needs recordings of other people/,
  );
  await rejects(async () => await measure({ model, data: "d", cohort: "c" }), /a cohort is for s-norm and cosine-mean/);
});
