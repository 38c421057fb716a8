/** The database of speakers: what it keeps, what it refuses, what it forgets. @module */
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { ModelMismatch, RecordingTaken, SpeakerStore } from "../../../data/speakers/speaker_store.ts";
import { model, otherModel, recording, withFastFolder } from "./voices.ts";

/** A new database in a folder of its own. */
async function withStore(use: (store: SpeakerStore, path: string) => void | Promise<void>): Promise<void> {
  await withFastFolder(async (folder) => {
    const path = join(folder, "speakers.db");
    using store = new SpeakerStore(path, { create: true });
    await use(store, path);
  });
}

Deno.test("what is enrolled comes back, also from the file opened anew", async () => {
  await withStore((store, path) => {
    strictEqual(store.model, null);
    deepStrictEqual(store.speakers(), []);
    const before = new Date().toISOString();
    const calibration = { scoring: "cosine", threshold: 0.4 };
    deepStrictEqual(store.enroll("Zoë", [recording(1), recording(2)], { model, calibration }), {
      ...{ name: "Zoë", added: 2, repeated: 0, recordings: 2, seconds: 3 },
    });
    deepStrictEqual(store.enroll("ana", [recording(3)], { model }).recordings, 1);
    strictEqual(store.enroll("Zoe\u0308", [recording(4)], { model }).recordings, 3, "the same name, typed otherwise");
    store.close();
    using again = new SpeakerStore(path);
    deepStrictEqual(again.model, model);
    const [zoe, ana] = again.speakers();
    deepStrictEqual([zoe.name, zoe.recordings, zoe.seconds, ana.name, ana.recordings], ["Zoë", 3, 4.5, "ana", 1]);
    ok(zoe.enrolled >= before && zoe.enrolled <= new Date().toISOString(), zoe.enrolled);
    deepStrictEqual(again.voices()[0].embeddings, [1, 2, 4].map((serial) => recording(serial).embedding));
  });
});

Deno.test("model, calibration and date stand with each embedding; the file is its owner's alone", async () => {
  await withStore((store, path) => {
    store.enroll("ana", [recording(1)], { model, calibration: { scoring: "s-norm", threshold: 0.25 } });
    store.enroll("ana", [recording(2)], { model });
    using raw = new DatabaseSync(path);
    const rows = raw.prepare("SELECT model, scoring, threshold, enrolled FROM recordings ORDER BY id").all();
    deepStrictEqual(rows.map((r) => [r.model, r.scoring, r.threshold]), [[model.id, "s-norm", 0.25], [
      model.id,
      null,
      null,
    ]]);
    match(String(rows[0].enrolled), /^\d{4}-\d\d-\d\dT.*Z$/);
    if (Deno.build.os === "windows") return;
    for (const file of [path, `${path}-wal`, `${path}-shm`]) {
      strictEqual(Deno.statSync(file).mode! & 0o777, 0o600, file);
    }
  });
});

Deno.test("the same recording twice is noticed", async () => {
  await withStore((store) => {
    store.enroll("ana", [recording(1)], { model });
    const { added, repeated, recordings } = store.enroll("ana", [recording(1), recording(2), recording(2)], { model });
    deepStrictEqual({ added, repeated, recordings }, { added: 1, repeated: 2, recordings: 2 });
    throws(
      () => store.enroll("bo", [recording(3), recording(1)], { model }),
      (error) =>
        error instanceof RecordingTaken &&
        error.message === 'Cannot enrol "bo": the same recording is enrolled as "ana" already',
    );
    deepStrictEqual(store.speakers().map(({ name }) => name), ["ana"], "all or none");
  });
});

Deno.test("replacing starts anew", async () => {
  await withStore((store, path) => {
    store.enroll("ana", [recording(1), recording(2)], { model });
    const { added, recordings } = store.enroll("ana", [recording(2)], { model, replace: true });
    deepStrictEqual([added, recordings], [1, 1]);
    deepStrictEqual(store.voices()[0].embeddings, [recording(2).embedding]);
    ok(!bytesHold(path, recording(1).embedding), "the earlier one is wiped");
    strictEqual(store.enroll("ana", [recording(2)], { model: otherModel, replace: true }).recordings, 1);
    deepStrictEqual(store.model, otherModel, "the only person may come back with another model");
  });
});

Deno.test("models are not mixed: both are named, nothing is changed", async () => {
  await withStore((store) => {
    store.enroll("ana", [recording(1)], { model });
    store.enroll("bo", [recording(2)], { model });
    const both =
      /^ModelMismatch: Cannot use ".*speakers\.db" with the model "runs\/b" \(cdcdcdcdcdcd\): its voices were enrolled with "runs\/a" \(abab/;
    for (const replace of [false, true]) {
      throws(
        () => store.enroll("bo", [recording(3)], { model: otherModel, replace }),
        (error) => error instanceof ModelMismatch && both.test(String(error)),
      );
    }
    throws(() => store.checkModel(otherModel), both);
    strictEqual(store.speakers().length, 2, "a refused replacement has deleted nothing");
    store.forget("ana");
    throws(() => store.checkModel(otherModel), both);
    store.forget("bo");
    store.checkModel(otherModel);
    store.enroll("bo", [recording(3)], { model: otherModel });
    deepStrictEqual(store.model, otherModel, "an empty database takes any model");
  });
});

Deno.test("names and embeddings that cannot be are refused", async () => {
  await withStore((store) => {
    const enroll = (name: string, changes = {}) => () =>
      store.enroll(name, [{ ...recording(1), ...changes }], { model });
    throws(enroll(""), /^RangeError: Cannot use the name: it has no visible character$/);
    throws(enroll(" \u200b\u0301"), /no visible character/);
    throws(enroll("x".repeat(101)), /it has 101 characters, wanted at most 100/);
    throws(enroll("a\u202eb"), /Cannot use the name "a·b": it holds characters that cannot be printed/);
    throws(enroll("a\nb"), /cannot be printed/);
    throws(enroll("a\ud800"), /cannot be printed/);
    for (const hidden of ["an\u200ba", "an\u00ada", "\u3164", "ana\u2060", "ana\u{e0061}"]) {
      throws(enroll(hidden), /cannot be printed/, "or two people could look the same");
    }
    throws(enroll("\ufffd"), /cannot be printed/, "what is left of bytes that are no UTF-8");
    throws(enroll(".."), /Cannot use the name "\.\.": an address cannot hold it/);
    throws(enroll("a", { embedding: new Float32Array(15) }), /an embedding has 15 values, the model gives 16/);
    throws(enroll("a", { embedding: new Float32Array(16) }), /all zeros/);
    throws(enroll("a", { embedding: new Float32Array(16).fill(NaN) }), /not finite/);
    throws(enroll("a", { seconds: -1 }), /a recording is -1 s long/);
    throws(() => store.enroll("a", [], { model }), /Cannot enrol "a": there are no recordings/);
    store.enroll(` ${"😀".repeat(100)} `, [recording(1)], { model });
    store.enroll("\u0645\u06cc\u200c\u0646\u0627 \u2764\ufe0f", [recording(3)], { model }); // a joiner that Persian needs
    store.enroll("Robert'); DROP TABLE speakers;--", [recording(2)], { model });
    deepStrictEqual(store.speakers().map(({ name }) => name), [
      "Robert'); DROP TABLE speakers;--",
      "\u0645\u06cc\u200c\u0646\u0627 \u2764\ufe0f",
      "😀".repeat(100),
    ]);
  });
});

/** Whether any file of a database holds an embedding, or the greater part of it. */
function bytesHold(path: string, embedding: Float32Array): boolean {
  const part = new Uint8Array(embedding.buffer).subarray(0, 24);
  const needle = String.fromCharCode(...part);
  return ["", "-wal", "-journal"].some((ending) => {
    try {
      return new TextDecoder("latin1").decode(Deno.readFileSync(path + ending)).includes(latin1(needle));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}

/** A text of bytes as {@linkcode TextDecoder} shows them. */
const latin1 = (bytes: string) => new TextDecoder("latin1").decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));

Deno.test("a person who is forgotten leaves no bytes behind", async () => {
  await withStore((store, path) => {
    // Enough of them that pages split and cells move, which leaves copies that deleting alone does not reach.
    for (let serial = 0; serial < 300; serial++) {
      store.enroll(`person ${serial * 37 % 50}`, [recording(serial)], { model });
    }
    const mine = [0, 50, 100, 150, 200, 250].map(recording);
    for (const { embedding } of mine) ok(bytesHold(path, embedding), "the search finds what is there");
    strictEqual(store.forget("person 0"), 6);
    for (const { embedding } of mine) ok(!bytesHold(path, embedding));
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    ok(!/person 0(?!\d)/.test(text), "nor the name");
    strictEqual(Deno.statSync(`${path}-wal`).size < 10000, true, "the log is cut");
    strictEqual(store.speakers().length, 49);
    ok(bytesHold(path, recording(1).embedding), "the others are there");
    strictEqual(store.forget("person 0"), 0, "again: nobody");
    const { size } = Deno.statSync(path);
    for (let person = 1; person < 45; person++) store.forget(`person ${person}`);
    ok(Deno.statSync(path).size < size / 2, "the file shrinks");
  });
});

Deno.test("nor do copies stay that SQLite left where it moved rows between pages", async () => {
  await withStore((store, path) => {
    const people = Array.from({ length: 600 }, (_, person) => ({
      name: `somebody called ${hex(person).slice(0, 12)}`,
      recordings: [0, 1, 2].map((i) => ({ ...recording(3 * person + i), digest: hex(3 * person + i) })),
    }));
    const enroll = ({ name, recordings }: (typeof people)[number]) => store.enroll(name, recordings, { model });
    people.slice(0, 500).forEach(enroll);
    for (let i = 0; i < 100; i++) {
      strictEqual(store.forget(people[i].name), 3);
      enroll(people[500 + i]);
    }
    store.forget(people[100].name);
    const file = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    for (const { name, recordings } of people.slice(0, 101)) {
      for (const { digest } of recordings) ok(!file.includes(digest.slice(0, 16)), `a digest of "${name}"`);
      ok(!file.includes(name));
    }
    const [, { name, embeddings }] = store.voices();
    strictEqual(store.voices().length, 499);
    deepStrictEqual(embeddings, people.find((one) => one.name === name)?.recordings.map((one) => one.embedding));
  });
});

/** Digests that lie anywhere in the order, as real ones do. */
function hex(serial: number): string {
  return createHash("sha256").update(String(serial)).digest("hex");
}

Deno.test("what another program's reading kept from being wiped is wiped at the next opening", async () => {
  await withStore((store, path) => {
    store.enroll("ana", [recording(1)], { model });
    store.enroll("bo", [recording(2)], { model });
    const reader = new DatabaseSync(path);
    reader.exec("BEGIN; SELECT count(*) FROM speakers");
    throws(
      () => store.forget("ana"),
      /^DatabaseError: Cannot wipe what was deleted from ".*": another program is (reading|writing)/,
    );
    deepStrictEqual(store.speakers().map(({ name }) => name), ["bo"], "forgotten all the same");
    ok(bytesHold(path, recording(1).embedding), "still in the log");
    reader.close();
    new SpeakerStore(path).close();
    ok(!bytesHold(path, recording(1).embedding));
  });
});

Deno.test("two processes see each other's changes", async () => {
  await withStore((store, path) => {
    using other = new SpeakerStore(path);
    store.enroll("ana", [recording(1)], { model });
    strictEqual(other.voices().length, 1);
    strictEqual(other.voices(), other.voices(), "read once");
    other.enroll("ana", [recording(2)], { model });
    strictEqual(store.voices()[0].embeddings.length, 2);
    other.forget("ana");
    deepStrictEqual([...store.voices()], []);
  });
});
