/** `deno task serve` as a process: with the permissions of deno.json, stopped by signals, killed. @module */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { SpeakerStore } from "../../../data/speakers/speaker_store.ts";
import { voiceWav, writeVerifier } from "../../train/verification/tiny_verifier.ts";
import { runDenoTask, withFolder } from "../run.ts";
import { root, startServer } from "./server_process.ts";
import { ask, post, RawClient } from "./serving.ts";

Deno.test("serve: the page and the API with the permissions of deno.json; SIGTERM finishes what is under way", async () => {
  await withFolder(async (folder) => {
    const model = await writeVerifier(folder), db = join(folder, "speakers.db");
    const { url, child, ended } = await startServer(["--model", model, "--db", db, "--rate", "0"]);
    const page = await ask(url);
    match(page.body, /^<!doctype html>/);
    match(page.headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self'/);
    match((await ask(`${url}/engine/mod.ts`)).headers.get("content-type") ?? "", /javascript|json/);
    strictEqual((await post(`${url}/api/enroll?name=ana`, voiceWav(100))).status, 201);
    for (const name of ["digit.mp3", "digit.flac", "digit_vorbis.ogg", "digit_opus.ogg"]) {
      const audio = await Deno.readFile(join(root, "tests/fixtures/audio", name));
      strictEqual((await post(`${url}/api/identify`, audio)).status, 200, `the decoder of ${name} loads, too`);
    }
    strictEqual((await ask(`${url}/api/speakers/ana`, { method: "DELETE" })).status, 204, "wiping, too");

    const under = Array.from({ length: 12 }, (_, i) => post(`${url}/api/enroll?name=p${i}`, voiceWav(100 + i)));
    using slow = await RawClient.to(Number(new URL(url).port)); // one that never sends all of its body
    await slow.send("POST /api/identify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nRIFF");
    await under[0];
    const start = performance.now();
    child.kill("SIGTERM");
    const answers = await Promise.allSettled(under);
    const { status, out, err } = await ended();
    deepStrictEqual([status.code, status.signal, err], [0, null, ""]);
    ok(performance.now() - start < 8000, "the slow one is not waited for");
    match(await slow.answer(), /^HTTP\/1\.1 503 /);
    match(out, /Stopping: what is under way is finished/);
    deepStrictEqual(
      await Array.fromAsync(Deno.readDir(folder), ({ name }) => name).then((all) =>
        all.filter((name) => name.endsWith("-wal"))
      ),
      [],
      "the database was closed",
    );
    using store = new SpeakerStore(db);
    const names = store.speakers().map(({ name }) => name);
    for (const [i, answer] of answers.entries()) {
      if (answer.status === "fulfilled" && answer.value.status === 201) ok(names.includes(`p${i}`), `p${i}`);
    }
    ok(names.length >= 2, "not the first alone");
  });
});

Deno.test("serve: killed in mid-write, everything that was acknowledged is there", async () => {
  await withFolder(async (folder) => {
    const model = await writeVerifier(folder), db = join(folder, "speakers.db");
    const acknowledged = new Set<string>();
    for (let life = 0; life < 2; life++) {
      const { url, child, ended } = await startServer(["--model", model, "--db", db, "--rate", "0"]);
      let isAlive = true;
      const client = async (id: number) => {
        for (let i = 0; isAlive; i++) {
          const name = `${life}-${id}-${i}`, wav = voiceWav(100, { seed: 1 + life * 1e6 + id * 1e4 + i, seconds: 0.1 });
          const answer = await post(`${url}/api/enroll?name=${name}`, wav).catch(() => null);
          if (answer?.status === 201) acknowledged.add(name);
          else isAlive = false;
        }
      };
      const clients = [0, 1, 2, 3].map(client);
      setTimeout(() => child.kill("SIGKILL"), 300 + Math.random() * 200);
      await Promise.all(clients);
      strictEqual((await ended()).status.signal, "SIGKILL");
    }
    using store = new SpeakerStore(db);
    const found = new Set(store.speakers().map(({ name }) => name));
    deepStrictEqual([...acknowledged.difference(found)], []);
    ok(acknowledged.size > 4, `${acknowledged.size} acknowledged`);
    ok(found.size - acknowledged.size <= 8, "at most what was under way");
  });
});

Deno.test("serve: usage", async () => {
  await withFolder(async (folder) => {
    const model = await writeVerifier(folder), db = join(folder, "speakers.db"), token = join(folder, "token");
    const common = ["--db", db, "--device", "cpu", "--port", "0"];
    const refused = async (args: string[], message: RegExp, code: number, env: Record<string, string> = {}) => {
      const { code: found, err } = await runDenoTask("serve", [...common, ...args], { VOXGRAD_TOKEN: "", ...env });
      match(err, message);
      doesNotMatch(err, /\n\s+at /);
      strictEqual(found, code);
    };
    await refused(
      ["--model", model, "--host", "0.0.0.0"],
      /^error: Cannot serve on "0\.0\.0\.0": other machines reach it, and there is no token; /m,
      2,
    );
    await refused(["--model", model], /^error: Cannot use the token: wanted at least 16 characters/m, 2, {
      VOXGRAD_TOKEN: "short",
    });
    await refused(
      ["--model", model, "--token-file", token],
      /^error: Cannot read the token from ".*token": no such file/m,
      2,
    );
    await Deno.writeTextFile(token, "\n");
    await refused(
      ["--model", model, "--token-file", token],
      /^error: Cannot use the token in ".*": the file is empty/m,
      2,
    );
    await refused(["--port", "99999"], /^error: Cannot set --port to "99999"/m, 2);
    await refused([], /^error: Cannot go without --model: nobody is enrolled/m, 2);
    const other = await writeVerifier(folder, { name: "raw.safetensors", seed: 3, threshold: null });
    await refused(["--model", other], /^error: Cannot judge by ".*": its threshold is not known/m, 1);
    await refused(["--model", model, "--host", "10.1.2.3", "--token-file", model], /^error: Cannot use the token/m, 2);

    await Deno.writeTextFile(token, "0123456789abcdef\n");
    const { url, child, ended } = await startServer([
      "--model",
      model,
      "--db",
      db,
      "--host",
      "0.0.0.0",
      "--token-file",
      token,
    ]);
    const here = url.replace("0.0.0.0", "127.0.0.1");
    strictEqual((await ask(`${here}/api/speakers`)).status, 401);
    const authorization = "Bearer 0123456789abcdef";
    strictEqual((await ask(`${here}/api/speakers`, { headers: { authorization } })).status, 200);
    strictEqual((await ask(`${here}/api/model/weights`, { headers: { authorization } })).status, 404, "not shared");
    const port = new URL(url).port;
    await refused(
      ["--model", model, "--port", port],
      /^error: Cannot listen on 127\.0\.0\.1, port \d+: the port is in use/m,
      1,
    );
    child.kill("SIGINT");
    strictEqual((await ended()).status.code, 0);
  });
});
