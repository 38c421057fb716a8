/** A stranger's script imports mod.ts over http, from a loopback server, with the permissions that the README names. @module */
import assert from "node:assert/strict";
import { tone } from "./data/preprocess/recordings_folder.ts";
import { withFolder } from "./data/sets/make_data_set.ts";

const checkout = new URL("../", import.meta.url);

/** Serves the checkout's modules and counts what is asked for. */
function serveCheckout(): {
  readonly address: string;
  readonly asked: Set<string>;
  [Symbol.asyncDispose](): Promise<void>;
} {
  const asked = new Set<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async ({ url }) => {
    const { pathname } = new URL(url);
    asked.add(pathname);
    const file = await Deno.readTextFile(new URL(`.${pathname}`, checkout)).catch(() => null);
    return new Response(file, {
      status: file === null ? 404 : 200,
      headers: { "content-type": "application/typescript" },
    });
  });
  return { address: `127.0.0.1:${server.addr.port}`, asked, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** Copies a script out of the repository, turns its import into a URL, and runs it; its last line of output, as JSON. */
async function runScript(
  name: string,
  folder: string,
): Promise<{ found: Record<string, unknown>; asked: Set<string> }> {
  await using server = serveCheckout();
  const fixture = await Deno.readTextFile(new URL(`tests/fixtures/url_import/${name}`, checkout));
  const text = fixture.replace('"../../../mod.ts"', `"http://${server.address}/mod.ts"`);
  assert.notEqual(text, fixture);
  const script = `${folder}/${name}`;
  await Deno.writeTextFile(script, text);
  const permissions = [`--allow-import=${server.address}`, `--allow-read=${folder}`, `--allow-write=${folder}`];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-lock", "--quiet", ...permissions, script, folder],
    cwd: folder,
    // an empty cache: nothing comes from an earlier run; and no proxy between this machine and itself
    env: { NO_COLOR: "1", DENO_DIR: `${folder}/cache`, NO_PROXY: "127.0.0.1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(code, 0, err);
  await assert.rejects(
    Deno.stat(`${folder}/cache/npm/registry.npmjs.org`),
    Deno.errors.NotFound,
    "a package was fetched",
  );
  return { found: JSON.parse(out), asked: server.asked };
}

Deno.test("a script outside the repository trains, saves and loads through a URL", async () => {
  await withFolder({}, async (folder) => {
    const { found, asked } = await runScript("train_and_load.ts", folder);
    const { first, last, fresh, scores, ...rest } = found as Record<string, number> & Record<"fresh", number[]> & {
      scores: number[][];
    };
    assert.ok(first > 0.3 && last < 0.05, `loss ${first} -> ${last}`);
    assert.deepEqual(scores[1], scores[0]);
    assert.notDeepEqual(fresh, scores[0]);
    assert.deepEqual(rest, { note: "exclusive or", names: ["0.weight", "0.bias", "2.weight", "2.bias"] });
    assert.ok(asked.has("/tensor/tensor.ts") && ![...asked].some((path) => path.startsWith("/tasks/")));
  });
});

Deno.test("recordings, worker threads, the trainer and a saved model work through a URL", async () => {
  const recordings = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i): [string, Uint8Array][] => [
    [`in/low/${i}.wav`, tone(0.5, 200 + 10 * i)],
    [`in/high/${i}.wav`, tone(0.5, 2000 + 10 * i)],
  ]);
  await withFolder(Object.fromEntries(recordings), async (folder) => {
    const { found, asked } = await runScript("recordings.ts", folder);
    const { predictions, featureSettings, ...rest } = found as Record<string, unknown> & {
      predictions: { id: string; classes: { name: string }[] }[];
      featureSettings: { kind: string };
    };
    assert.deepEqual(rest, { recordings: 16, step: 30, bestAccuracy: 1, classes: ["high", "low"] });
    assert.equal(featureSettings.kind, "logMel");
    assert.deepEqual(predictions.map(({ classes }) => classes[0].name), ["high", "low"]);
    assert.ok(asked.has("/data/preprocess/feature_worker.ts"));
  });
});
