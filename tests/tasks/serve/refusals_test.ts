/** What the server refuses, and what its refusals say. @module */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { encodeWav } from "../../../data/audio/mod.ts";
import { SpeakerStore } from "../../../data/speakers/speaker_store.ts";
import { securityHeaders } from "../../../tasks/serve/security.ts";
import { recording } from "../../data/speakers/voices.ts";
import { voice } from "../../train/verification/tiny_model.ts";
import { voiceWav } from "../../train/verification/tiny_verifier.ts";
import { type Answer, ask, form, post, withServer } from "./serving.ts";

/** Status and code of a refusal, which must not tell anything about the machine. */
function refusal({ status, body, headers }: Answer): [number, string] {
  const text = JSON.stringify(body);
  deepStrictEqual(Object.keys(body), ["error"], text);
  deepStrictEqual(Object.keys(body.error), ["code", "message"]);
  match(body.error.message, /^Cannot /);
  doesNotMatch(text, /\/tmp|\/work|file:|\.ts\b|\n\s+at |Deno|node:|npm:|SQL|internal:/, "nothing about the machine");
  for (const [name, value] of Object.entries(securityHeaders)) strictEqual(headers.get(name), value, name);
  return [status, body.error.code];
}

const fixture = (name: string) => Deno.readFile(new URL(`../../fixtures/audio/${name}`, import.meta.url));
const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("uploads that are no recordings: not audio, damaged, silent, short, too long, of odd rates", async () => {
  await withServer(async ({ url, store, faults }) => {
    const enroll = async (bytes: Uint8Array<ArrayBuffer>) => refusal(await post(`${url}/api/enroll?name=ana`, bytes));
    const whole = voiceWav(100);
    deepStrictEqual(await enroll(utf8("this is no audio at all")), [422, "not_a_recording"]);
    deepStrictEqual(await enroll(utf8("<script>alert(1)</script>")), [422, "not_a_recording"]);
    deepStrictEqual(await enroll(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0)), [422, "not_a_recording"]);
    deepStrictEqual(await enroll(crypto.getRandomValues(new Uint8Array(5000)).fill(7, 0, 4)), [422, "not_a_recording"]);
    deepStrictEqual(await enroll(whole.slice(0, 3000)), [422, "not_a_recording"]);
    deepStrictEqual(await enroll(new Uint8Array(0)), [400, "no_recording"]);
    deepStrictEqual(await enroll(encodeWav(new Float32Array(8000), 8000).slice()), [422, "recording_silent"]);
    deepStrictEqual(await enroll(encodeWav(voice(100, 0.01), 8000).slice()), [422, "recording_short"]);
    deepStrictEqual(await enroll((await fixture("silence_200s.flac")).slice()), [413, "recording_too_long"]);
    deepStrictEqual(await enroll(encodeWav(voice(100, 0.1), 1000).slice()), [422, "sample_rate"]);
    deepStrictEqual(await enroll(encodeWav(voice(100, 0.1), 767_999).slice()), [422, "sample_rate"]);
    const hour = encodeWav(new Float32Array(3600 * 1000).fill(0.1), 1000).slice();
    deepStrictEqual(await enroll(hour), [413, "recording_too_long"]);
    const tooMuch = await ask(`${url}/api/enroll`, {
      method: "POST",
      body: form("ana", [encodeWav(voice(100, 40), 8000).slice(), encodeWav(voice(100, 40, 2), 8000).slice()]),
    });
    deepStrictEqual(refusal(tooMuch), [413, "recording_too_long"], "60 s are for all of a request");
    deepStrictEqual([store.speakers(), faults], [[], []]);
    for (const name of ["digit.flac", "digit.mp3", "digit_vorbis.ogg", "digit_opus.ogg"]) {
      const { status, body } = await post(
        `${url}/api/enroll?name=${name}`,
        (await fixture(name)).slice(),
        "audio/x-lie",
      );
      strictEqual(status, 201, `${name}: ${JSON.stringify(body)}`);
    }
    const repacked = (await fixture("digit_flac.ogg")).slice();
    deepStrictEqual(await enroll(repacked), [409, "recording_taken"], "the same recording in another container");
  });
});

Deno.test("requests that are malformed", async () => {
  await withServer(async ({ url, faults }) => {
    const wav = voiceWav(100);
    const send = async (path: string, body: BodyInit, type = "audio/wav") =>
      refusal(await post(url + path, body, type));
    deepStrictEqual(await send("/api/enroll", wav), [400, "no_name"]);
    deepStrictEqual(await send("/api/enroll?name=%20", wav), [400, "bad_name"]);
    deepStrictEqual(await send("/api/enroll?name=a%0Ab", wav), [400, "bad_name"]);
    deepStrictEqual(await send(`/api/enroll?name=${"x".repeat(101)}`, wav), [400, "bad_name"]);
    deepStrictEqual(await send("/api/enroll?name=a&replace=perhaps", wav), [400, "bad_replace"]);
    deepStrictEqual(await send("/api/verify?name=nobody", wav), [404, "unknown_speaker"]);
    deepStrictEqual(await send("/api/enroll?name=a", wav, "text/html"), [415, "unsupported_type"]);
    deepStrictEqual(await send("/api/enroll?name=a", wav, "multipart/form-data"), [400, "bad_form"]);
    for (const body of ["", "--b", "--b\r\n", "--b\r\n\r\n", "--b\r\nX: y\r\n\r\nz\r\n--b--", "x".repeat(5000)]) {
      deepStrictEqual(await send("/api/enroll", body, "multipart/form-data; boundary=b"), [400, "bad_form"], body);
    }
    const parts = (count: number) => form("a", Array.from({ length: count }, () => wav));
    const many = (count: number) => ask(`${url}/api/enroll`, { method: "POST", body: parts(count) });
    deepStrictEqual(refusal(await many(11)), [413, "too_many_parts"]);
    deepStrictEqual(refusal(await many(100)), [413, "too_many_parts"]);
    const odd = form("a", [wav]);
    odd.set("path", "/etc/passwd");
    deepStrictEqual(refusal(await ask(`${url}/api/enroll`, { method: "POST", body: odd })), [400, "bad_form"]);

    for (const path of ["/nothing", "/api", "/api/speakers/", "//", "/..%2f..%2fetc%2fpasswd", "/engine/mod.ts"]) {
      deepStrictEqual(refusal(await ask(url + path)), [404, "not_found"], path);
    }
    const put = await ask(`${url}/api/speakers`, { method: "PUT" });
    deepStrictEqual([...refusal(put), put.headers.get("allow")], [405, "wrong_method", "GET"]);
    deepStrictEqual(refusal(await ask(`${url}/api/enroll`)), [405, "wrong_method"]);
    const gone = (name: string) => ask(`${url}/api/speakers/${name}`, { method: "DELETE" });
    deepStrictEqual(refusal(await gone("%ff")), [400, "bad_address"]);
    deepStrictEqual(refusal(await gone("..%2f..%2fspeakers.db")), [404, "unknown_speaker"]);
    deepStrictEqual(refusal(await gone("%00")), [400, "bad_name"]);
    deepStrictEqual(faults, []);
  });
});

Deno.test("the same recording under another name; text that would be SQL is a name like any other", async () => {
  await withServer(async ({ url, store }) => {
    const name = "'; DROP TABLE speakers; --";
    strictEqual((await post(`${url}/api/enroll?name=${encodeURIComponent(name)}`, voiceWav(100))).status, 201);
    deepStrictEqual(refusal(await post(`${url}/api/enroll?name=bo`, voiceWav(100))), [409, "recording_taken"]);
    deepStrictEqual(store.speakers().map((one) => one.name), [name]);
  });
});

Deno.test("a token, where one is wanted, is wanted for everything that tells or changes something", async () => {
  const token = "correct-horse-battery-staple";
  await withServer(async ({ url }) => {
    const get = (path: string, authorization?: string) =>
      ask(url + path, { headers: authorization === undefined ? {} : { authorization } });
    for (const path of ["/api/speakers", "/api/model", "/api/model/weights", "/metrics"]) {
      const refused = await get(path);
      deepStrictEqual([...refusal(refused), refused.headers.get("www-authenticate")], [401, "unauthorized", "Bearer"]);
      for (
        const wrong of ["", "Bearer", "Bearer x", `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token.slice(1)}`]
      ) {
        deepStrictEqual(refusal(await get(path, wrong)), [401, "unauthorized"], wrong);
      }
      strictEqual((await get(path, `Bearer ${token}`)).status, 200);
    }
    deepStrictEqual(refusal(await post(`${url}/api/enroll?name=a`, voiceWav(100))), [401, "unauthorized"]);
    deepStrictEqual(refusal(await ask(`${url}/api/speakers/a`, { method: "DELETE" })), [401, "unauthorized"]);
    for (const path of ["/healthz", "/openapi.json"]) strictEqual((await get(path)).status, 200, path);
  }, { token });
});

Deno.test("pages of other sites can neither ask nor change anything", async () => {
  await withServer(async ({ url, port, store }) => {
    strictEqual((await post(`${url}/api/enroll?name=ana`, voiceWav(100))).status, 201);
    const call = (headers: Record<string, string>, method = "DELETE") =>
      ask(`${url}/api/speakers/ana`, { method, headers });
    const foreign: readonly Record<string, string>[] = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: `http://127.0.0.1:${port + 1}` },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: url },
    ];
    for (const headers of foreign) {
      deepStrictEqual(refusal(await call(headers)), [403, "cross_origin"], JSON.stringify(headers));
    }
    strictEqual(store.speakers().length, 1);
    strictEqual((await call({ origin: url, "sec-fetch-site": "same-origin" })).status, 204);
    strictEqual((await ask(`${url}/api/speakers`)).headers.get("access-control-allow-origin"), null);
  });
});

Deno.test("each client has its rate; how long to wait is said", async () => {
  await withServer(async ({ url }) => {
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await ask(`${url}/api/speakers`));
    deepStrictEqual(answers.map(({ status }) => status), [200, 200, 200, 429, 429, 429]);
    deepStrictEqual(refusal(answers[3]), [429, "too_many_requests"]);
    strictEqual(answers[3].headers.get("retry-after"), "10");
    strictEqual((await ask(`${url}/healthz`)).status, 200);
  }, { limits: { rate: 0.1, burst: 3 } });
});

Deno.test("a full queue answers at once that there is no room", async () => {
  await withServer(async ({ url, faults }) => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => post(`${url}/api/identify`, voiceWav(100 + i))),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    ok(refused.length > 0 && refused.length < 30, `${refused.length} of 30`);
    for (const answer of refused) {
      deepStrictEqual(refusal(answer), [503, "overloaded"]);
      strictEqual(answer.headers.get("retry-after"), "1");
    }
    strictEqual((await post(`${url}/api/identify`, voiceWav(100))).status, 200, "afterwards there is");
    deepStrictEqual(faults, []);
  }, { limits: { maxQueued: 2 } });
});

Deno.test("a full database", async () => {
  await withServer(async ({ url, store, faults }) => {
    let answer: Answer | undefined;
    for (let i = 0; i < 200 && (answer === undefined || answer.status === 201); i++) {
      answer = await post(`${url}/api/enroll?name=p${i}`, voiceWav(100, { seed: i + 1, seconds: 0.1 }));
    }
    deepStrictEqual(refusal(answer!), [507, "storage_full"]);
    const { length } = store.speakers();
    ok(length > 10);
    strictEqual((await post(`${url}/api/verify?name=p0`, voiceWav(100))).status, 200);
    strictEqual((await ask(`${url}/api/speakers/p0`, { method: "DELETE" })).status, 204);
    deepStrictEqual(faults, []);
  }, { maxDatabaseBytes: 80_000 });
});

Deno.test("a database that another process started anew with another model", async () => {
  await withServer(async ({ url, store, faults }) => {
    using other = new SpeakerStore(store.path);
    other.enroll("ana", [recording(1)], { model: { id: "ef".repeat(32), name: "/home/somebody/model", dim: 16 } });
    for (const path of ["/api/enroll?name=bo", "/api/verify?name=ana", "/api/identify"]) {
      deepStrictEqual(refusal(await post(url + path, voiceWav(100))), [409, "model_mismatch"], path);
    }
    deepStrictEqual(faults, []);
  });
});

Deno.test("a fault of ours goes to the log; the client learns that there was one", async () => {
  await withServer(async ({ url, store, faults }) => {
    store.close();
    deepStrictEqual(refusal(await ask(`${url}/api/speakers`)), [500, "internal"]);
    deepStrictEqual(refusal(await ask(`${url}/healthz`)), [500, "internal"]);
    strictEqual(faults.length, 2);
  });
});
