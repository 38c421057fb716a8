/** Serves the page's files on loopback, with headers as strict as the real server's, for tests of the engine alone. @module */
import { StaticFiles } from "../../../tasks/serve/static_files.ts";

const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; " +
  "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A server and where it is. */
export interface PageServer extends AsyncDisposable {
  /** "http://127.0.0.1:…" */
  readonly address: string;
}

/** Serves the page, and `more` under names of its own; `isolated` pages may share memory with threads. */
export async function servePage(
  more: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
  { isolated = true } = {},
): Promise<PageServer> {
  const files = await StaticFiles.open();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const extra = more[new URL(request.url).pathname.slice(1)];
    const response = files.respond(request) ?? (extra ? new Response(extra) : new Response(null, { status: 404 }));
    response.headers.set("content-security-policy", policy);
    if (isolated) {
      response.headers.set("cross-origin-opener-policy", "same-origin");
      response.headers.set("cross-origin-embedder-policy", "require-corp");
    }
    return response;
  });
  return { address: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}
