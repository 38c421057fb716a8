/** What a browser may fetch. @module */
import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { StaticFiles } from "../../../tasks/serve/static_files.ts";

const files = await StaticFiles.open();
const ask = (path: string, init?: RequestInit) => files.respond(new Request(`http://127.0.0.1${path}`, init));

Deno.test("the page comes with its type, and once only", async () => {
  const page = ask("/")!;
  strictEqual(page.headers.get("content-type"), "text/html; charset=utf-8");
  match(await page.text(), /^<!doctype html>/);
  const etag = page.headers.get("etag")!;
  match(etag, /^"[0-9a-f]{32}"$/);
  const again = ask("/", { headers: { "if-none-match": etag } })!;
  deepStrictEqual([again.status, await again.text()], [304, ""]);
  strictEqual(ask("/", { headers: { "if-none-match": '"another"' } })!.status, 200);
  const head = ask("/", { method: "HEAD" })!;
  deepStrictEqual([head.status, head.headers.get("etag"), await head.text()], [200, etag, ""]);
  strictEqual(head.headers.get("content-length"), String((await ask("/")!.arrayBuffer()).byteLength));
});

Deno.test("modules are JavaScript, on the lines of their source", async () => {
  const module = ask("/engine/tensor/shape.ts")!;
  strictEqual(module.headers.get("content-type"), "text/javascript; charset=utf-8");
  const [code, source] = [
    await module.text(),
    await Deno.readTextFile(new URL("../../../tensor/shape.ts", import.meta.url)),
  ];
  doesNotMatch(code, /: number\b|import type/);
  const lines = (text: string) => text.split("\n").map((line) => line.length);
  deepStrictEqual(lines(code), lines(source));
});

Deno.test("everything that the page names is there", async () => {
  const page = await ask("/")!.text();
  const named = [...page.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path]) => path);
  ok(named.length >= 4);
  for (const path of named) ok(files.paths.includes(path), path);
  ok(files.paths.includes("/engine/tasks/serve/page/engine_worker.ts"));
});

Deno.test("nothing else is there, whatever a path looks like", () => {
  const outside = [
    "/deno.json",
    "/engine/deno.json",
    "/engine/../deno.json",
    "/engine/tasks/train.ts",
    "/page/index.html",
  ];
  const tricks = [
    "/engine/%2e%2e/deno.json",
    "/engine//etc/passwd",
    "/page/..%2fserve/static_files.ts",
    "/engine/tensor",
    "/constructor",
  ];
  for (const path of [...outside, ...tricks]) strictEqual(ask(path), null, path);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) strictEqual(ask("/", { method }), null, method);
});

Deno.test("only the engine and the page are served, and nothing that some browsers cannot read", async () => {
  for (const path of files.paths.filter((path) => path.startsWith("/engine/"))) {
    match(path, /^\/engine\/(tensor|nn|data|train|tasks\/serve\/page)\/[\w./]+\.ts$/);
    const code = await ask(path)!.text();
    doesNotMatch(code, /^\s*(await )?using \w+ =|^import [^;]*"(node|npm|jsr):/m, path);
  }
});
