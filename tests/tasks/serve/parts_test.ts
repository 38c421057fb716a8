/** Parts of the server by themselves: the rate of clients, the queue, forms. @module */
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import type { FeatureWindows } from "../../../train/verification/feature_embedder.ts";
import { EmbeddingQueue } from "../../../tasks/serve/embedding_queue.ts";
import { parseMultipart } from "../../../tasks/serve/multipart.ts";
import { clientOf, RateLimiter } from "../../../tasks/serve/rate_limit.ts";

Deno.test("a client's bucket fills at its rate, up to the burst; clients do not share one", () => {
  let now = 0;
  const limiter = new RateLimiter({ rate: 2, burst: 3, now: () => now });
  const allowed = (client: string) => {
    try {
      limiter.count(client);
      return true;
    } catch {
      return false;
    }
  };
  deepStrictEqual([1, 2, 3, 4].map(() => allowed("a")), [true, true, true, false]);
  ok(allowed("b"));
  now = 400;
  ok(!allowed("a"), "0.8 of a token");
  now = 500;
  ok(allowed("a") && !allowed("a"));
  now = 1e6;
  deepStrictEqual([1, 2, 3, 4].map(() => allowed("a")), [true, true, true, false], "no more than the burst");
  for (let i = 0; i < 20_000; i++) allowed(`c${i}`);
  strictEqual(limiter.clients, 10_000, "the memory of clients is bounded");
});

Deno.test("one client is an address, of IPv6 a network", () => {
  strictEqual(clientOf("10.0.0.1"), "10.0.0.1");
  strictEqual(clientOf("::ffff:10.0.0.1"), "10.0.0.1");
  strictEqual(clientOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2");
  strictEqual(clientOf("2001:db8:1:2::9"), "2001:db8:1:2");
  strictEqual(clientOf("2001:db8::9"), "2001:db8:0:0");
  strictEqual(clientOf("::1"), clientOf("::2"));
});

/** A recording whose embedding is its number; 13 fails. */
const windows = (value: number): FeatureWindows => [{ data: Float32Array.of(value), frames: 1, channels: 1 }];
const embed = (all: readonly FeatureWindows[]) => {
  const values = all.map(([{ data }]) => data);
  if (values.some(([value]) => value === 13)) return Promise.reject(new Error("Cannot embed: 13"));
  return Promise.resolve(values);
};
const alive = new AbortController().signal;

Deno.test("requests at the same time share a batch; each gets its own answers, and a bad one fails alone", async () => {
  const sizes: number[] = [];
  const queue = new EmbeddingQueue(embed, { capacity: 100, maxBatch: 4, onBatch: (size) => sizes.push(size) });
  const answers = await Promise.all([1, 2, 3, 4, 5].map((i) => queue.embed([windows(i), windows(10 * i)], alive)));
  deepStrictEqual(answers.map((pair) => pair.map(([value]) => value)), [1, 2, 3, 4, 5].map((i) => [i, 10 * i]));
  deepStrictEqual(sizes, [4, 4, 2]);
  const mixed = await Promise.allSettled([12, 13, 14].map((i) => queue.embed([windows(i)], alive)));
  deepStrictEqual(mixed.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  await queue.idle();
  strictEqual(queue.length, 0);
});

Deno.test("a full queue takes nothing; nobody computes for those who have gone", async () => {
  const sizes: number[] = [];
  const queue = new EmbeddingQueue(embed, { capacity: 3, onBatch: (size) => sizes.push(size) });
  const leaving = new AbortController(), gone = queue.embed([windows(1)], leaving.signal);
  const stays = queue.embed([windows(2), windows(3)], alive);
  await rejects(queue.embed([windows(4)], alive), { code: "overloaded", status: 503 });
  leaving.abort();
  await rejects(gone, { name: "AbortError" });
  strictEqual((await stays).length, 2);
  deepStrictEqual(sizes, [2]);
  strictEqual((await queue.embed([windows(4)], alive)).length, 1, "afterwards there is room");
});

Deno.test("forms: what browsers send, bytes that look like boundaries, and what is malformed", async () => {
  const binary = new Uint8Array(70_000).map((_, i) => i * 31);
  binary.set(new TextEncoder().encode("\r\n--"), 100);
  const form = new FormData();
  form.set("name", "Zoë");
  form.append("audio", new Blob([binary]), 'a";x="y.wav');
  form.append("audio", new Blob([]), "empty");
  const request = new Request("http://x", { method: "POST", body: form });
  const contentType = request.headers.get("content-type")!, body = new Uint8Array(await request.arrayBuffer());
  const parts = parseMultipart(body, { contentType, maxParts: 3 });
  deepStrictEqual(parts.map(({ name }) => name), ["name", "audio", "audio"]);
  strictEqual(new TextDecoder().decode(parts[0].bytes), "Zoë");
  deepStrictEqual([parts[1].bytes, parts[2].bytes.length], [binary, 0]);
  throws(() => parseMultipart(body, { contentType, maxParts: 2 }), { code: "too_many_parts", status: 413 });
  for (const cut of [1, 10, 100, 500, body.length - 60_000, body.length - 10]) {
    throws(() => parseMultipart(body.subarray(0, cut), { contentType, maxParts: 3 }), { code: "bad_form" }, `${cut}`);
  }
  const quoted = new TextEncoder().encode('--a b\r\nContent-Disposition: form-data; name="n"\r\n\r\nv\r\n--a b--\r\n');
  const options = { contentType: 'multipart/form-data; boundary="a b"', maxParts: 1 };
  strictEqual(new TextDecoder().decode(parseMultipart(quoted, options)[0].bytes), "v");
});
