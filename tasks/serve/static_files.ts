/**
 * What a browser may fetch: the page, its pictures, and those modules of this repository that the page's scripts import, their types taken
 * out. The list is made when the server starts; a request only looks it up, so that no path of a request ever becomes a path of a file.
 * @module
 */
import { stripTypeScriptTypes } from "node:module";

const checkout = new URL("../../", import.meta.url);
const pageFolder = "tasks/serve/page/";

/** What the page starts: its own script, the engine's thread, and what takes the microphone's samples. */
const scripts = ["theme.ts", "main.ts", "engine_worker.ts", "microphone_worklet.ts"];

/** Files that are not scripts: address, place, type. */
const plainFiles: readonly (readonly [path: string, file: string, type: string])[] = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/page/icon.svg", "icon.svg", "image/svg+xml"],
  ...["base.css", "controls.css", "recording.css", "answers.css"].map((name) =>
    [`/page/${name}`, name, "text/css; charset=utf-8"] as const
  ),
];

/** Folders whose modules may be served; the page imports the engine, never the other way round. */
const servedFolders = ["tensor/", "nn/", "data/", "train/", pageFolder];

/** A file as it is sent. */
interface StaticFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
}

/** The files of the page, all in memory. */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, StaticFile>;

  private constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files;
  }

  /**
   * Reads the page and follows the imports of its scripts.
   *
   * @throws Error if a module that the page reaches cannot be loaded by a browser.
   */
  static async open(): Promise<StaticFiles> {
    const plain = plainFiles.map(async ([path, file, type]) =>
      [path, await staticFile(await read(pageFolder + file), type)] as const
    );
    const modules = [...await reachedModules(scripts.map((name) => pageFolder + name))].map(async ([path, code]) =>
      [`/engine/${path}`, await staticFile(code, "text/javascript; charset=utf-8")] as const
    );
    return new StaticFiles(new Map(await Promise.all([...plain, ...modules])));
  }

  /** Addresses, each a path from the server's root. */
  get paths(): string[] {
    return [...this.#files.keys()];
  }

  /** The answer to GET or HEAD of one of {@linkcode StaticFiles.paths}; null for everything else. */
  respond(request: Request): Response | null {
    const file = this.#files.get(new URL(request.url).pathname);
    if (file === undefined || !["GET", "HEAD"].includes(request.method)) return null;
    // the browser asks each time, and is told in a few bytes that nothing has changed
    const headers = { etag: file.etag, "cache-control": "no-cache", "content-type": file.type };
    if (request.headers.get("if-none-match") === file.etag) return new Response(null, { status: 304, headers });
    // GET has its length from Deno.
    if (request.method === "GET") return new Response(file.body, { headers });
    return new Response(null, { headers: { ...headers, "content-length": String(file.body.length) } });
  }
}

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, checkout));
}

async function staticFile(text: string, type: string): Promise<StaticFile> {
  const body = new TextEncoder().encode(text);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return { body, type, etag: `"${digest.toHex().slice(0, 32)}"` };
}

/** The scripts and everything that they import, as JavaScript by path. */
async function reachedModules(entries: readonly string[]): Promise<Map<string, string>> {
  const modules = new Map<string, string>();
  for (let open = entries; open.length > 0;) {
    const codes = await Promise.all(open.map(async (path) => withoutTypes(await read(path))));
    open.forEach((path, i) => modules.set(path, codes[i]));
    const found = open.flatMap((path, i) => importsOf(codes[i]).map((specifier) => targetOf(path, specifier)));
    open = [...new Set(found)].filter((path) => !modules.has(path));
  }
  return modules;
}

/** Types become spaces, which leaves line and column as they are in the source. */
function withoutTypes(source: string): string {
  return stripTypeScriptTypes(source, { mode: "strip" });
}

/** What a module imports when it is loaded; `deno fmt` puts every such statement at the beginning of a line. */
function importsOf(code: string): string[] {
  const statements = code.matchAll(/^(?:import|export)\b(?:[^;"'`]*?\bfrom)?\s*"([^"]+)"/gm);
  return [...statements].map(([, specifier]) => specifier);
}

function targetOf(from: string, specifier: string): string {
  const path = /^\.\.?\//.test(specifier) ? new URL(specifier, new URL(from, checkout)).href : specifier;
  const target = path.startsWith(checkout.href) ? path.slice(checkout.href.length) : path;
  if (servedFolders.some((folder) => target.startsWith(folder)) && target.endsWith(".ts")) return target;
  throw new Error(`internal: the page reaches ${from}, which imports "${specifier}": no browser can load that`);
}
