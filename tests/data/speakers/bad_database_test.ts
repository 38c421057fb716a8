/** Files that are no good databases of speakers, and disks that are full. @module */
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { SpeakerStore } from "../../../data/speakers/speaker_store.ts";
import { model, recording, withFastFolder } from "./voices.ts";

/** Opening a file that was made by SQL. */
const opening = (path: string, sql: string) => () => {
  const raw = new DatabaseSync(path);
  raw.exec(sql);
  raw.close();
  new SpeakerStore(path).close();
};

Deno.test("what is no database of speakers is refused, and left as it is", async () => {
  await withFastFolder(async (folder) => {
    const path = (name: string) => join(folder, name);
    throws(
      () => new SpeakerStore(path("no.db")),
      /^Error: Cannot open ".*no\.db": there is no such file; enrol somebody first$/,
    );
    ok(!await Deno.stat(path("no.db")).then(() => true, () => false));
    throws(
      () => new SpeakerStore(path("no/a.db"), { create: true }),
      /its folder is missing, or may not be written to$/,
    );
    await Deno.writeTextFile(path("file"), "");
    throws(() => new SpeakerStore(path("file/a.db"), { create: true }), /: a part of its path is a file$/);
    throws(() => new SpeakerStore(folder), /^Error: Cannot open ".*": it is not a file$/);

    await Deno.writeTextFile(path("text"), "no database, but text ".repeat(99));
    throws(
      () => new SpeakerStore(path("text"), { create: true }),
      /^DatabaseError: Cannot open ".*text": it is not a SQLite database$/,
    );
    strictEqual(await Deno.readTextFile(path("text")), "no database, but text ".repeat(99));

    throws(
      opening(path("foreign"), "CREATE TABLE cookies (x)"),
      /it is a SQLite database of another program; give another file$/,
    );
    new SpeakerStore(path("newer"), { create: true }).close();
    throws(
      opening(path("newer"), "PRAGMA user_version = 2"),
      /a newer version of voxgrad wrote it \(schema 2, this one reads 1\)$/,
    );
    for (
      const sql of ["DROP TABLE erasure", "CREATE TRIGGER t AFTER INSERT ON speakers BEGIN DELETE FROM model; END"]
    ) {
      new SpeakerStore(path("changed"), { create: true }).close();
      throws(opening(path("changed"), sql), /its tables are not those of voxgrad's schema 1$/);
      await Deno.remove(path("changed"));
    }
  });
});

Deno.test("a damaged database is an error that says so, wherever the damage is", async () => {
  await withFastFolder(async (folder) => {
    const path = join(folder, "speakers.db");
    const store = new SpeakerStore(path, { create: true });
    for (let serial = 0; serial < 200; serial++) store.enroll(`p${serial % 9}`, [recording(serial)], { model });
    store.close();
    const whole = await Deno.readFile(path);
    for (let page = 0; page < whole.length / 4096; page++) {
      await Deno.writeFile(path, whole.slice().fill(0x5a, page * 4096, page * 4096 + 200));
      throws(
        () => new SpeakerStore(path),
        /^(Database)?Error: Cannot open ".*speakers\.db": it is (damaged|not a SQLite database)$/,
        `${page}`,
      );
    }
    await Deno.writeFile(path, whole.subarray(0, whole.length - 5000));
    throws(() => new SpeakerStore(path), /: it is damaged$/);
    await Deno.writeFile(path, whole);
    using again = new SpeakerStore(path);
    strictEqual(again.speakers().length, 9);
  });
});

/** Enrols until it fails; what was acknowledged by then has to be there, and nothing else. */
function fill(store: SpeakerStore): void {
  let serial = 0, message = "";
  for (; serial < 100_000 && message === ""; serial++) {
    try {
      store.enroll(`p${serial}`, [recording(serial), recording(-serial - 1)], { model });
    } catch (error) {
      message = (error as Error).message;
    }
  }
  match(
    message,
    /^Cannot enrol "p\d+" in ".*": the disk is full, or the database has reached its limit; nothing was changed$/,
  );
  const kept = store.speakers();
  deepStrictEqual([kept.length, kept.every(({ recordings }) => recordings === 2)], [serial - 1, true]);
  ok(serial > 10);
}

Deno.test("a database that has reached its limit says so and stays good; forgetting makes room", async () => {
  await withFastFolder((folder) => {
    const path = join(folder, "speakers.db");
    const store = new SpeakerStore(path, { create: true, maxBytes: 100_000 });
    fill(store);
    strictEqual(store.forget("p3"), 2);
    store.enroll("new", [recording(1e6)], { model });
    store.close();
    using again = new SpeakerStore(path);
    ok(again.speakers().some(({ name }) => name === "new"));
  });
});

/** A file system of 1 MB; null where this user may not mount one. */
async function smallDisk(folder: string): Promise<AsyncDisposable | null> {
  const run = async (command: string, ...args: string[]) =>
    (await new Deno.Command(command, { args, stderr: "null" }).output().catch(() => ({ success: false }))).success;
  if (!await run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)) return null;
  return { [Symbol.asyncDispose]: async () => void await run("umount", folder) };
}

const mountable = await (async () => {
  let can = false;
  await withFastFolder(async (folder) => {
    await using disk = await smallDisk(folder);
    can = disk !== null;
  });
  return can;
})();

Deno.test({
  name: "a full disk (a file system that is mounted for it)",
  ignore: !mountable,
  async fn() {
    await withFastFolder(async (folder) => {
      await using _disk = await smallDisk(folder);
      const path = join(folder, "speakers.db");
      let count = 0;
      {
        using store = new SpeakerStore(path, { create: true });
        fill(store);
        count = store.speakers().length;
      }
      using again = new SpeakerStore(path);
      strictEqual(again.speakers().length, count);
      strictEqual(again.voices().length, count);
    });
  },
});
