import assert from "node:assert/strict";
import { openDataSet } from "../../data/sets/data_set.ts";
import { tone } from "../data/preprocess/recordings_folder.ts";
import { withFolder } from "../data/sets/make_data_set.ts";

const TASK = new URL("../../tasks/preprocess.ts", import.meta.url).pathname;

/** Runs the task as a user does. */
async function task(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--allow-write", "--allow-env", TASK, ...args],
    env: { NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await command.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

const RECORDINGS = { "in/0_ana_1.wav": tone(0.5), "in/1_ana_1.wav": tone(0.25), "in/0_bo_1.wav": tone(0.5, 300) };

Deno.test("deno task preprocess: a flat folder with a pattern and feature flags", async () => {
  await withFolder(RECORDINGS, async (path) => {
    const pattern = ["--label", "^\\d_(\\w+)_\\d+"], flags = ["--sample-rate", "8000", "--n-mels", "20", "--no-center"];
    const { code, out, err } = await task("--in", `${path}/in`, "--out", `${path}/out`, ...pattern, ...flags);
    assert.equal(code, 0, err);
    assert.match(out, /out: 3 recordings of 2 classes, 0\.0 min, \d+ frames\nLengths: shortest 0\.25 s/);
    assert.match(err, /^Preprocess: 100%, 3\/3/m);
    using data = await openDataSet(`${path}/out`);
    assert.deepEqual(data.classes, ["ana", "bo"]);
    const settings = new Map<string, unknown>(Object.entries(data.featureSettings ?? {}));
    const wanted = { kind: "logMel", sampleRate: 8000, nFft: 512, nMels: 20, fMax: 4000, center: false };
    for (const [key, value] of Object.entries(wanted)) assert.equal(settings.get(key), value, key);
  });
});

Deno.test("deno task preprocess: a broken recording is named and the exit code is 1", async () => {
  await withFolder({ "in/a/x.wav": tone(0.5), "in/b/y.wav": "no recording" }, async (path) => {
    const { code, out } = await task("--in", `${path}/in`, "--out", `${path}/out`, "--workers", "0");
    assert.equal(code, 1);
    assert.match(out, /Skipped 1 recordings:\n {2}Cannot read ".*y\.wav": /);
    const strict = await task("--in", `${path}/in`, "--out", `${path}/two`, "--workers", "0", "--strict");
    assert.equal(strict.code, 1);
    assert.match(strict.err, /^error: Cannot read ".*y\.wav": /m);
  });
});

Deno.test("deno task preprocess: wrong command lines exit with 2 and say what is wrong", async () => {
  const cases: [string[], RegExp][] = [
    [["--out", "x"], /Cannot go without --in/],
    [["--in", "a", "--out", "x", "--n-mel", "3"], /did you mean --n-mels\?/],
    [["--in", "a", "--out", "x", "--features", "hw5"], /Cannot compute the features "hw5".*did you mean hw4\?/],
    [["--in", "a", "--out", "x", "--n-mels", "2.5"], /nMels is 2\.5, wanted a whole number/],
    [["--in", "a", "--out", "x", "--n-mfcc", "3"], /"nMfcc" is no key of logMel/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await task(...args);
    assert.deepEqual([code, message.test(err)], [2, true], err);
  }
  const missing = await task("--in", "/nowhere/at/all", "--out", "x");
  assert.equal(missing.code, 1);
  assert.match(
    missing.err,
    /^error: Cannot find recordings in "\/nowhere\/at\/all": there is no such folder or file$/m,
  );
});

Deno.test("deno task preprocess: waveforms are no features to store", async () => {
  const { code, err } = await task("--in", "nowhere", "--out", "nowhere-2", "--features", "waveform-normalized");
  assert.equal(code, 2);
  assert.match(err, /Cannot preprocess to waveforms: they are the recordings themselves.* --features waveform/);
});
