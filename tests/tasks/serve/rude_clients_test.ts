/** Clients that do not do as they say: slow, endless, lying about lengths, under false names. @module */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { voiceWav } from "../../train/verification/tiny_verifier.ts";
import { ask, post, RawClient, withServer } from "./serving.ts";

/** A request's head. */
const head = (...lines: string[]) =>
  ["POST /api/enroll?name=ana HTTP/1.1", "Content-Type: audio/wav", ...lines, "", ""].join("\r\n");

Deno.test("a body that does not come in time is given up, and nobody has to wait for it", async () => {
  await withServer(async ({ url, port, store }) => {
    const wav = voiceWav(100), slow: RawClient[] = [];
    for (let i = 0; i < 20; i++) {
      const client = await RawClient.to(port);
      await client.send(head("Host: localhost", `Content-Length: ${wav.length}`));
      await client.send(wav.subarray(0, 100));
      slow.push(client);
    }
    const start = performance.now();
    strictEqual((await post(`${url}/api/enroll?name=bo`, voiceWav(220))).status, 201);
    ok(performance.now() - start < 800, "before the slow ones are given up");
    // One goes on byte by byte: never silent for long, but too slow all the same.
    const dripping = (async () => {
      for (let at = 100; at < 130; at++) {
        await slow[0].send(wav.subarray(at, at + 1)).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    for (const client of slow) match(await client.answer(), /^HTTP\/1\.1 408 .*"too_slow"/s);
    ok(performance.now() - start < 6000);
    slow.forEach((client) => client[Symbol.dispose]());
    await dripping;
    deepStrictEqual(store.speakers().map(({ name }) => name), ["bo"]);
    match((await ask(`${url}/metrics`)).body, /voxgrad_upload_bytes 0\n/);
  }, { limits: { uploadSeconds: 2, idleSeconds: 1 } });
});

Deno.test("lengths that are not true", async () => {
  await withServer(async ({ url, port, store, faults }) => {
    const wav = voiceWav(100);
    const exchange = async (...parts: (string | Uint8Array)[]) => {
      using client = await RawClient.to(port);
      for (const part of parts) await client.send(part).catch(() => {}); // the server may have hung up
      return await client.answer();
    };
    const host = "Host: localhost";
    match(await exchange(head(host, "Content-Length: 99999999999")), /^HTTP\/1\.1 413 .*"too_large"/s);
    match(await exchange(head(host, "Content-Length: -1")), /^HTTP\/1\.1 400 /);
    match(await exchange(head(host, "Content-Length: 7", "Content-Length: 9"), wav), /^HTTP\/1\.1 400 /);
    match(
      await exchange(head(host, "Content-Length: 44"), wav.subarray(0, 44)),
      /^HTTP\/1\.1 422 .*"not_a_recording"/s,
    );
    const endless = async () => {
      using client = await RawClient.to(port);
      await client.send(head(host, "Transfer-Encoding: chunked"));
      const chunk = "8000\r\n" + "x".repeat(0x8000) + "\r\n";
      for (let i = 0; i < 100; i++) await client.send(chunk).catch(() => {});
      return await client.answer();
    };
    match(await endless(), /^HTTP\/1\.1 413 .*"too_large"/s);
    {
      using client = await RawClient.to(port);
      await client.send(head(host, "Content-Length: 5000"));
      await client.send(wav.subarray(0, 1000)); // and hangs up
    }
    deepStrictEqual([store.speakers(), faults], [[], []]);
    strictEqual((await post(`${url}/api/enroll?name=ana`, wav)).status, 201, "still at work");
  }, { limits: { maxBytes: 1e6 } });
});

Deno.test("a body in crumbs is refused before it costs much; one in small parts is taken", async () => {
  await withServer(async ({ url, port }) => {
    const chunked = async (body: Uint8Array, size: number) => {
      using client = await RawClient.to(port);
      await client.send(head("Host: localhost", "Transfer-Encoding: chunked"));
      for (let at = 0, block = ""; at < body.length; at += size) {
        const part = body.subarray(at, at + size);
        block += `${part.length.toString(16)}\r\n${"x".repeat(part.length)}\r\n`;
        if (block.length < 32_000 && at + size < body.length) continue;
        await client.send(block).catch(() => {}); // the server may have hung up
        block = "";
      }
      await client.send("0\r\n\r\n").catch(() => {});
      return await client.answer();
    };
    match(await chunked(new Uint8Array(100_000), 1), /^HTTP\/1\.1 413 .*"too_many_parts"/s);
    match(await chunked(new Uint8Array(2_000_000), 320), /^HTTP\/1\.1 422 .*"not_a_recording"/s);
    match((await ask(`${url}/metrics`)).body, /voxgrad_upload_bytes 0\n/);
  });
});

Deno.test("too many uploads at a time, and too many bytes of them", async () => {
  await withServer(async ({ url, port }) => {
    using waiting = await RawClient.to(port);
    await waiting.send(head("Host: localhost", "Content-Length: 9000"));
    await waiting.send(new Uint8Array(10));
    await new Promise((resolve) => setTimeout(resolve, 50));
    deepStrictEqual((await post(`${url}/api/identify`, voiceWav(100))).body.error.code, "overloaded");
    strictEqual((await ask(`${url}/api/speakers`)).status, 200);
  }, { limits: { maxUploads: 1 } });
  await withServer(async ({ url }) => {
    deepStrictEqual((await post(`${url}/api/identify`, voiceWav(100))).body.error.code, "overloaded");
    strictEqual((await post(`${url}/api/identify`, voiceWav(100, { seconds: 0.1 }))).status, 200);
  }, { limits: { maxHeldBytes: 5000 } });
});

Deno.test("names of the server: a page cannot make its own name point here", async () => {
  const status = async (port: number, host: string) => {
    using client = await RawClient.to(port);
    await client.send(`GET /openapi.json HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
    return Number(/^HTTP\/1\.1 (\d+)/.exec(await client.answer())?.[1]);
  };
  await withServer(async ({ port }) => {
    for (const good of ["localhost", `127.0.0.1:${port}`, "[::1]:80", "LOCALHOST:8080"]) {
      strictEqual(await status(port, `Host: ${good}\r\n`), 200, good);
    }
    for (
      const bad of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "192.168.1.7", "localhost.evil"]
    ) {
      strictEqual(await status(port, `Host: ${bad}\r\n`), 421, bad);
    }
    for (const broken of ["", "Host: \r\n", "Host: a b\r\n", "Host: a@localhost\r\n", "Host: localhost/x\r\n"]) {
      strictEqual(await status(port, broken), 400, broken);
    }
  });
  await withServer(async ({ port }) => {
    for (const good of ["192.168.1.7:80", "Voices.example.org", "localhost"]) {
      strictEqual(await status(port, `Host: ${good}\r\n`), 200, good);
    }
    strictEqual(await status(port, "Host: evil.example\r\n"), 421);
  }, { host: "0.0.0.0", token: "0123456789abcdef", names: ["voices.example.org"] });
});
