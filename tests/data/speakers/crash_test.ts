/** Crashes of the database of speakers: processes killed at any moment, and files as a crash between any two writes leaves them. @module */
import { deepStrictEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { SpeakerStore } from "../../../data/speakers/speaker_store.ts";
import { startScript } from "../../tasks/run.ts";
import { model, recording, withFastFolder } from "./voices.ts";

/** Runs the child until it has said something, then kills it after a while; gives the lines that it wrote whole. */
async function killed(path: string, { first, afterMs }: { first: number; afterMs: number }): Promise<string[]> {
  const child = startScript("tests/data/speakers/enroll_forever.ts", [path, String(first)]);
  const decoder = new TextDecoder();
  let said = "", isDoomed = false;
  for await (const bytes of child.stdout) {
    said += decoder.decode(bytes, { stream: true });
    if (!isDoomed) setTimeout(() => kill(child), afterMs);
    isDoomed = true;
  }
  const problem = await new Response(child.stderr).text();
  deepStrictEqual([(await child.status).signal, problem], ["SIGKILL", ""], "it did not end by itself");
  return said.split("\n").slice(0, -1);
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself, which its status will tell.
  }
}

Deno.test("a process killed in mid-write loses nothing that it acknowledged", async () => {
  await withFastFolder(async (folder) => {
    const path = join(folder, "speakers.db");
    const expected = new Set<number>();
    let next = 0, acknowledged = 0;
    for (let round = 0; round < 8; round++) {
      const lines = await killed(path, { first: next, afterMs: Math.random() * 100 });
      acknowledged += lines.length;
      for (const line of lines) {
        const serial = Number(line.slice(1));
        if (line.startsWith("+")) expected.add(serial);
        else expected.delete(serial);
        next = Math.max(next, serial + 1);
      }
      using store = new SpeakerStore(path); // which checks the whole file
      const found = new Set(store.speakers().map(({ name }) => Number(name.slice(1))));
      // One more operation may have been done and not said: an enrolment, or the forgetting of one.
      const extra = [...found.difference(expected)], missing = [...expected.difference(found)];
      ok(extra.every((serial) => serial === next) && extra.length + missing.length <= 1, `${extra} and ${missing}`);
      ok(missing.every((serial) => serial === next - 3), `only what was being forgotten: ${missing}`);
      for (const { name, embeddings } of store.voices()) {
        deepStrictEqual(embeddings, [recording(Number(name.slice(1))).embedding]);
      }
      extra.forEach((serial) => expected.add(serial));
      missing.forEach((serial) => expected.delete(serial));
      next = Math.max(-1, ...found, next - 1) + 1;
      next += (4 - next % 4) % 4; // so that the child never forgets what an earlier one enrolled
    }
    ok(acknowledged > 10, `${acknowledged} operations in 8 lives`);
  });
});

Deno.test("a log that ends anywhere, as a power cut leaves it, gives the enrolments up to there", async () => {
  await withFastFolder((folder) => {
    const path = join(folder, "speakers.db"), copy = join(folder, "copy.db");
    const store = new SpeakerStore(path, { create: true });
    /** After how many bytes of the log each enrolment was acknowledged. */
    const ends: number[] = [];
    for (let serial = 0; serial < 12; serial++) {
      store.enroll(`p${serial % 5}`, [recording(2 * serial), recording(2 * serial + 1)], { model });
      ends.push(Deno.statSync(`${path}-wal`).size);
    }
    const main = Deno.readFileSync(path), log = Deno.readFileSync(`${path}-wal`);
    store.close();
    for (let size = 0; size <= log.length; size += 1 + Math.floor(Math.random() * 3000)) {
      Deno.writeFileSync(copy, main);
      Deno.writeFileSync(`${copy}-wal`, log.subarray(0, size));
      const done = ends.filter((end) => end <= size).length;
      if (done === 0) continue; // before that the tables themselves are not there
      using cut = new SpeakerStore(copy);
      const total = cut.speakers().reduce((sum, { recordings }) => sum + recordings, 0);
      ok(total === 2 * done, `${size} of ${log.length} bytes: ${total} recordings, ${done} enrolments`);
    }
  });
});

Deno.test("two processes that make the database at once share it", async () => {
  await withFastFolder(async (folder) => {
    const path = join(folder, "speakers.db");
    const lives = await Promise.all([0, 100_000, 200_000].map((first) => killed(path, { first, afterMs: 150 })));
    using store = new SpeakerStore(path);
    const found = new Set(store.speakers().map(({ name }) => name.slice(1)));
    for (const lines of lives) {
      ok(lines.length > 0);
      const gone = new Set(lines.filter((line) => line.startsWith("-")).map((line) => line.slice(1)));
      for (const line of lines.filter((line) => line.startsWith("+")).slice(0, -3)) {
        const serial = line.slice(1);
        if (!gone.has(serial)) ok(found.has(serial), serial);
      }
    }
  });
});
