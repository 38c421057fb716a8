/** The API: each route as clients use it, and the description of it. @module */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { modelFromBytes } from "../../../train/model_from_bytes.ts";
import { Embedder } from "../../../train/verification/embedder.ts";
import { voice } from "../../train/verification/tiny_model.ts";
import { voiceWav } from "../../train/verification/tiny_verifier.ts";
import { ask, form, post, type Serving, withServer } from "./serving.ts";

const json = "application/json";

/** Enrols two people. */
async function enrollTwo({ url }: Serving): Promise<void> {
  strictEqual((await post(`${url}/api/enroll?name=ana`, voiceWav(100))).status, 201);
  strictEqual((await post(`${url}/api/enroll?name=bo`, voiceWav(220))).status, 201);
}

Deno.test("enrol, verify, identify, list and forget: by plain audio and by forms", async () => {
  await withServer(async (serving) => {
    const { url, modelId } = serving;
    await enrollTwo(serving);
    const enrollZoe = () =>
      ask(`${url}/api/enroll`, {
        method: "POST",
        body: form("Zoe\u0308", [voiceWav(800), voiceWav(800, { seed: 2 })]),
      });
    const enrolled = await enrollZoe();
    const expected = { name: "Zoë", added: 2, repeated: 0, recordings: 2, seconds: 1.2, model: modelId };
    deepStrictEqual([enrolled.status, enrolled.body], [201, expected]);
    const again = await enrollZoe();
    deepStrictEqual([again.status, again.body.repeated, again.body.recordings], [200, 2, 2]);
    const anew = await post(`${url}/api/enroll?name=Zo%C3%AB&replace=true`, voiceWav(800, { seed: 3 }));
    deepStrictEqual([anew.status, anew.body.recordings], [201, 1]);

    const same = await post(`${url}/api/verify?name=ana`, voiceWav(100, { seed: 5 }), "application/octet-stream");
    strictEqual(same.status, 200);
    deepStrictEqual([same.body.name, same.body.threshold, same.body.same], ["ana", 0.97, true]);
    const other = await ask(`${url}/api/verify`, { method: "POST", body: form("ana", [voiceWav(220, { seed: 5 })]) });
    deepStrictEqual([other.status, other.body.same], [200, false]);
    ok(other.body.score < 0.97 && same.body.score >= 0.97);

    const who = await post(`${url}/api/identify`, voiceWav(220, { seed: 9 }));
    deepStrictEqual([who.body.best, who.body.ranking[0].name, who.body.ranking.length], ["bo", "bo", 3]);
    const nobody = await post(`${url}/api/identify`, voiceWav(1600));
    deepStrictEqual([nobody.status, nobody.body.best], [200, null]);

    const { body: { speakers } } = await ask(`${url}/api/speakers`);
    deepStrictEqual(speakers.map((one: { name: string }) => one.name), ["Zoë", "ana", "bo"]);
    match(speakers[1].enrolled, /^\d{4}-.*Z$/);
    const zoe = `${url}/api/speakers/${encodeURIComponent("Zoë")}`;
    strictEqual((await ask(zoe, { method: "DELETE" })).status, 204);
    strictEqual((await ask(zoe, { method: "DELETE" })).status, 404);
    strictEqual((await ask(`${url}/api/speakers`)).body.speakers.length, 2);
    deepStrictEqual(serving.faults, []);
  });
});

Deno.test("an embedding computed elsewhere counts like the recording itself, if the same model made it", async () => {
  await withServer(async (serving) => {
    const { url, modelId, dim } = serving;
    await enrollTwo(serving);
    const { body: facts } = await ask(`${url}/api/model`);
    deepStrictEqual([facts.id, facts.dim, facts.sampleRate, facts.threshold], [modelId, dim, 8000, 0.97]);
    deepStrictEqual([facts.eer, facts.architecture, facts.featureSettings.nMels], [0.05, "transformer", 8]);
    const weights = new Uint8Array(await (await fetch(`${url}/api/model/weights`)).arrayBuffer());
    const [embedding] = await new Embedder(await modelFromBytes(weights, "served")).embed([voice(100, 0.6, 7)]);
    const body = (changes = {}) =>
      JSON.stringify({ name: "ana", embedding: [...embedding], model: modelId, ...changes });
    const here = await post(`${url}/api/verify`, body(), json);
    const there = await post(`${url}/api/verify?name=ana`, voiceWav(100, { seed: 7 }));
    ok(Math.abs(here.body.score - there.body.score) < 1e-3 && here.body.same);
    strictEqual((await post(`${url}/api/enroll`, body({ seconds: 0.6 }), json)).body.recordings, 2);
    strictEqual((await post(`${url}/api/identify`, body({ name: undefined }), json)).body.best, "ana");

    const refused = async (text: string) => {
      const { status, body } = await post(`${url}/api/verify`, text, json);
      return [status, body.error.code];
    };
    deepStrictEqual(await refused(body({ model: "00".repeat(32) })), [409, "model_mismatch"]);
    const zeros = [...embedding].map(() => 0), nulls = zeros.map(() => null), huge = zeros.map(() => 1e30);
    for (const wrong of [[1, 2], null, "x", zeros, nulls, huge, { length: dim }]) {
      deepStrictEqual(await refused(body({ embedding: wrong })), [400, "bad_json"]);
    }
    for (const text of ["", "{", "[]", "null", "7", body({ name: 7 }), body({ seconds: -1 }), body({ replace: 1 })]) {
      deepStrictEqual(await refused(text), [400, "bad_json"]);
    }
  });
});

Deno.test("the description lists every route, and every route answers as it says", async () => {
  await withServer(async (serving) => {
    const { url } = serving;
    await enrollTwo(serving);
    const { body: api } = await ask(`${url}/openapi.json`);
    match(api.openapi, /^3\.1/);
    const calls: Record<string, () => ReturnType<typeof ask>> = {
      "post /api/enroll": () => post(`${url}/api/enroll?name=carl`, voiceWav(800)),
      "post /api/verify": () => post(`${url}/api/verify?name=ana`, voiceWav(100)),
      "post /api/identify": () => post(`${url}/api/identify`, voiceWav(100)),
      "get /api/speakers": () => ask(`${url}/api/speakers`),
      "delete /api/speakers/{name}": () => ask(`${url}/api/speakers/carl`, { method: "DELETE" }),
      "get /api/model": () => ask(`${url}/api/model`),
      "get /api/model/weights": () => ask(`${url}/api/model/weights`),
      "get /healthz": () => ask(`${url}/healthz`),
      "get /metrics": () => ask(`${url}/metrics`),
      "get /openapi.json": () => ask(`${url}/openapi.json`),
    };
    const described = Object.entries<object>(api.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`)
    );
    deepStrictEqual(described.sort(), Object.keys(calls).sort());
    for (const [route, call] of Object.entries(calls)) {
      const [method, path] = route.split(" "), { responses } = api.paths[path][method];
      const { status, body, headers } = await call();
      ok(status < 300 && responses[status] !== undefined, `${route} gives ${status}`);
      const [type] = Object.keys(responses[status].content ?? {});
      if (type) ok(headers.get("content-type")?.startsWith(type), `${route}: ${headers.get("content-type")}`);
      const reference = responses[status].content?.[type].schema?.$ref;
      if (reference) conforms(body, api.components.schemas[reference.split("/").at(-1)], route);
      for (const status of Object.keys(responses)) ok(responses[status].description, `${route}, ${status}`);
    }
  });
});

interface Schema {
  readonly type: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

/** Checks a value by the part of JSON Schema that the description uses; what it does not list must not be there. */
function conforms(value: unknown, { type, properties, required, items }: Schema, where: string): void {
  const isWhole = Number.isInteger(value);
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : isWhole ? "integer" : typeof value;
  ok([type].flat().some((one) => one === kind || (one === "number" && isWhole)), `${where} is ${kind}`);
  if (items) (value as unknown[]).forEach((one, i) => conforms(one, items, `${where}[${i}]`));
  if (!properties) return;
  for (const key of required ?? []) ok(Object.hasOwn(value as object, key), `${where}.${key}`);
  for (const [key, one] of Object.entries(value as object)) {
    ok(properties[key], `${where}.${key} is not described`);
    conforms(one, properties[key], `${where}.${key}`);
  }
}

Deno.test("metrics count requests by route and status, batches and people", async () => {
  await withServer(async (serving) => {
    const { url } = serving;
    await enrollTwo(serving);
    await ask(`${url}/nowhere/${crypto.randomUUID()}`);
    await ask(`${url}/api/speakers/nobody`, { method: "DELETE" });
    await Promise.all(Array.from({ length: 8 }, (_, i) => post(`${url}/api/identify`, voiceWav(100 + i))));
    const { body: text } = await ask(`${url}/metrics`);
    for (
      const line of [
        'voxgrad_http_requests_total{route="POST /api/enroll",status="201"} 2',
        'voxgrad_http_requests_total{route="none",status="404"} 1',
        'voxgrad_http_requests_total{route="DELETE /api/speakers/:name",status="404"} 1',
        'voxgrad_http_request_seconds_count{route="POST /api/identify"} 8',
        'voxgrad_http_request_seconds_bucket{route="POST /api/identify",le="+Inf"} 8',
        "voxgrad_batch_recordings_sum 10",
        "voxgrad_queue_length 0",
        "voxgrad_upload_bytes 0",
        "voxgrad_speakers 2",
        "voxgrad_recordings 2",
      ]
    ) ok(text.includes(`\n${line}\n`), `${line} in:\n${text}`);
    const [, batches] = /voxgrad_batch_recordings_count (\d+)/.exec(text)!;
    ok(Number(batches) < 10, `${batches} batches for 10 recordings: requests at the same time share some`);
    for (const line of text.trimEnd().split("\n")) match(line, /^(# (HELP|TYPE) |[a-z_]+(\{[^{}]*\})? [\d.e+-]+$)/);
  });
});

Deno.test("the model is shared where the server wants it; browsers keep it by its digest", async () => {
  await withServer(async ({ url, modelId }) => {
    const { status, headers } = await ask(`${url}/api/model/weights`, { headers: { "if-none-match": `"${modelId}"` } });
    deepStrictEqual([status, headers.get("etag")], [304, `"${modelId}"`]);
    const head = await ask(`${url}/api/model/weights`, { method: "HEAD" });
    deepStrictEqual([head.status, head.body], [200, ""]);
    const { length } = new Uint8Array(await (await fetch(`${url}/api/model/weights`)).arrayBuffer());
    strictEqual(head.headers.get("content-length"), String(length), "as GET has it");
    const short = await fetch(`${url}/healthz`, { method: "HEAD" });
    strictEqual(short.headers.get("content-length"), String('{"status":"ok"}'.length));
  });
  await withServer(async ({ url }) => {
    deepStrictEqual((await ask(`${url}/api/model/weights`)).body.error.code, "not_shared");
    strictEqual((await ask(`${url}/api/model`)).body.isShared, false);
  }, { weights: null });
  await withServer(async ({ url }) => { // as for a model file of 405 MB, and where a larger one is handed over all the same
    deepStrictEqual((await ask(`${url}/api/model/weights`)).body.error.code, "not_shared");
    const { isShared, oversize, maxSharedBytes } = (await ask(`${url}/api/model`)).body;
    deepStrictEqual([isShared, oversize, maxSharedBytes], [false, 67_108_865, 67_108_864]);
  }, { weights: new Uint8Array(2 ** 26 + 1) });
});

Deno.test("two enrolments of one name at once, and verifying in between: all are kept, none is seen by half", async () => {
  await withServer(async (serving) => {
    const { url, store } = serving;
    await enrollTwo(serving);
    const enroll = (i: number) => {
      const takes = [10 + i, 20 + i].map((seed) => voiceWav(100, { seed }));
      return ask(`${url}/api/enroll`, { method: "POST", body: form("ana", takes) });
    };
    const verify = (i: number) => post(`${url}/api/verify?name=ana`, voiceWav(100, { seed: 30 + i }));
    const six = [0, 1, 2, 3, 4, 5], enrolling = six.map(enroll), verifying = six.map(verify);
    for (const { status, body } of await Promise.all(enrolling)) {
      deepStrictEqual([status, body.added], [201, 2]);
      strictEqual(body.recordings % 2, 1, "one at first, then two at a time");
    }
    for (const { status, body } of await Promise.all(verifying)) deepStrictEqual([status, body.same], [200, true]);
    strictEqual(store.speakers()[0].recordings, 13);
  });
});
