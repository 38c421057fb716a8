/** `deno task enroll`, `verify`, `identify` and `speakers` as a user types them. @module */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { encodeWav } from "../../data/audio/mod.ts";
import { voiceWav, writeVerifier } from "../train/verification/tiny_verifier.ts";
import { type Finished, runDenoTask, withFolder } from "./run.ts";

/** A folder with a model and recordings: a1, a2 of one voice, b1, b2 of another, c1 of a third. */
async function withVoices(use: (at: (name: string) => string, model: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    const pitches = { a: 100, b: 220, c: 800 };
    for (const [name, pitch] of Object.entries(pitches)) {
      for (const take of [1, 2]) await Deno.writeFile(at(`${name}${take}.wav`), voiceWav(pitch, { seed: take }));
    }
    await use(at, await writeVerifier(folder));
  });
}

function refused({ code, err }: Finished, message: RegExp, wanted = 1) {
  match(err, message);
  doesNotMatch(err, /\n\s+at /, "no stack for a user's mistake");
  strictEqual(code, wanted, err);
}

Deno.test("enroll, verify, identify, forget: the model is remembered, the exit code is the answer", async () => {
  await withVoices(async (at, model) => {
    const db = ["--db", at("people.db")], cpu = ["--device", "cpu"];
    const run = (task: string, ...args: string[]) => runDenoTask(task, [...args, ...db, ...cpu]);
    const first = await run("enroll", "ana", at("a1.wav"), "--model", model);
    match(first.out, /^\[Info\]: Enrolled "ana": 1 new, now 1 recordings of 0\.6 s together$/m);
    strictEqual(first.code, 0, first.err);
    strictEqual((await run("enroll", "bo", at("b1.wav"))).code, 0, "without --model");
    const again = await run("enroll", "ana", at("a1.wav"), at("a2.wav"));
    match(again.out, /1 of the recordings were enrolled already and stay as they are\n.*1 new, now 2 recordings/);

    const same = await run("verify", "ana", at("a2.wav"));
    match(same.out, /^same: "ana", score (0\.99\d\d|1\.0000) ≥ threshold 0\.9700$/m);
    strictEqual(same.code, 0);
    const other = await run("verify", "ana", at("b2.wav"), "--json");
    strictEqual(other.code, 3, "an answer of its own");
    const { name, score, threshold, same: isSame, model: id } = JSON.parse(other.out);
    deepStrictEqual([name, threshold, isSame], ["ana", 0.97, false]);
    ok(score < 0.97 && /^[0-9a-f]{64}$/.test(id));
    strictEqual((await run("verify", "ana", at("b2.wav"), "--threshold", "-1")).code, 0, "as the user says");
    refused(await run("verify", "anna", at("a1.wav")), /^error: Cannot verify "anna": .*; did you mean "ana"\?$/m);

    const who = await run("identify", at("b2.wav"), at("c1.wav"));
    match(
      who.out,
      /b2\.wav: bo [01]\.\d{4}, next ana -?0\.\d{4}\n.*c1\.wav: nobody I know: nearest \w+ -?0\.\d{4}, below 0\.9700$/m,
    );
    strictEqual(who.code, 0);

    const list = await runDenoTask("speakers", db);
    match(
      list.out,
      /^name +recordings +seconds +enrolled \(UTC\)\nana +2 +1\.2 +\d{4}-\d\d-\d\d \d\d:\d\d\nbo +1 +0\.6 /m,
    );
    const forgotten = await runDenoTask("speakers", [...db, "--forget", "ana"]);
    match(forgotten.out, /^\[Info\]: Forgot "ana" and 2 recordings$/m);
    refused(await runDenoTask("speakers", [...db, "--forget", "ana"]), /Cannot forget "ana": nobody of that name/);
    const { speakers } = JSON.parse((await runDenoTask("speakers", [...db, "--json"])).out);
    deepStrictEqual(speakers.map((one: { name: string }) => one.name), ["bo"]);
  });
});

Deno.test("enroll: recordings that are of no use are named, the others count; --replace starts anew", async () => {
  await withVoices(async (at, model) => {
    const shared = ["--db", at("people.db"), "--device", "cpu", "--model", model];
    await Deno.writeFile(at("silent.wav"), encodeWav(new Float32Array(8000), 8000));
    await Deno.writeFile(at("short.wav"), voiceWav(100, { seconds: 0.01 }));
    await Deno.writeTextFile(at("text.wav"), "no recording at all");
    const bad = ["silent.wav", "short.wav", "text.wav", "missing.wav"].map(at);
    const none = await runDenoTask("enroll", ["ana", ...bad, ...shared]);
    refused(none, /^error: Cannot go on: none of 4 recordings can be used$/m);
    match(none.out, /Skipped: Cannot embed ".*silent\.wav": it is silent\n/);
    match(none.out, /Skipped: Cannot embed ".*short\.wav": it is 10 ms long, wanted at least 40 ms\n/);
    match(none.out, /Skipped: Cannot read ".*text\.wav": it is text, not a recording\n/);
    match(none.out, /Skipped: Cannot read ".*missing\.wav": no such file\n/);
    const mixed = await runDenoTask("enroll", ["ana", ...bad, at("a1.wav"), ...shared]);
    strictEqual(mixed.code, 1, "done only in part");
    match(mixed.out, /Enrolled "ana": 1 new/);
    const anew = await runDenoTask("enroll", ["ana", at("a2.wav"), "--replace", "--json", ...shared]);
    strictEqual(anew.code, 0, anew.err);
    const { name, added, recordings } = JSON.parse(anew.out);
    deepStrictEqual([name, added, recordings], ["ana", 1, 1]);
    refused(
      await runDenoTask("enroll", ["bo", at("a2.wav"), ...shared]),
      /the same recording is enrolled as "ana" already/,
    );
  });
});

Deno.test("another model, no calibration, no database, bad names", async () => {
  await withVoices(async (at, model) => {
    const shared = ["--db", at("people.db"), "--device", "cpu"];
    const other = await writeVerifier(at("."), { name: "other.safetensors", seed: 2, threshold: null });
    refused(
      await runDenoTask("verify", ["ana", at("a1.wav"), ...shared]),
      /people\.db": there is no such file; enrol somebody first$/m,
    );
    refused(
      await runDenoTask("enroll", ["ana", at("a1.wav"), ...shared, "--model", at("no")]),
      /Cannot load model ".*no"/,
    );
    refused(
      await runDenoTask("enroll", ["ana", at("a1.wav"), ...shared]),
      /^error: Cannot go without --model: nobody is/m,
      2,
    );
    const isThere = await Deno.stat(at("people.db")).then(() => true, () => false);
    ok(!isThere, "a model that is mistyped or missing leaves no database behind");
    refused(await runDenoTask("enroll", ["a\nb", at("a1.wav"), ...shared]), /Cannot use the name "a·b"/, 2);
    refused(await runDenoTask("verify", ["a\nb", at("a1.wav"), ...shared]), /Cannot use the name "a·b"/, 2);
    refused(await runDenoTask("speakers", ["--forget", "a\nb", ...shared.slice(0, 2)]), /Cannot use the name "a·b"/, 2);
    refused(await runDenoTask("enroll", ["ana", ...shared]), /^error: Cannot go without WORD/m, 2);
    strictEqual((await runDenoTask("enroll", ["ana", at("a1.wav"), ...shared, "--model", other])).code, 0);
    refused(
      await runDenoTask("enroll", ["bo", at("b1.wav"), ...shared, "--model", model]),
      /^error: Cannot use ".*people\.db" with the model ".*tiny\.safetensors" \(\w{12}\): its voices were enrolled with ".*other\.safetensors" \(\w{12}\)/m,
    );
    refused(
      await runDenoTask("verify", ["ana", at("a1.wav"), ...shared]),
      /^error: Cannot judge by ".*other\.safetensors": its threshold is not known, .* run deno task evaluate/m,
    );
    const judged = await runDenoTask("verify", ["ana", at("a1.wav"), "--threshold", "0.5", ...shared]);
    match(judged.out, /same: "ana", score 1\.0000 ≥ threshold 0\.5000/);
    await Deno.writeTextFile(at("other.calibration.json"), "{}");
    refused(
      await runDenoTask("verify", ["ana", at("a1.wav"), "--threshold", "0.5", ...shared]),
      /it is no calibration/,
    );
  });
});
