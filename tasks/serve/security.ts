/** Who may ask, from where, and what a browser may do with the answers. @module */
import { createHash, timingSafeEqual } from "node:crypto";
import { ApiError } from "./api_error.ts";

/** Headers of every answer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "microphone=(self), camera=(), geolocation=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Whether only this machine reaches a server that is bound to an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Which names of the server are right, against pages that make their own name point here (DNS rebinding). */
export class HostCheck {
  readonly #names: ReadonlySet<string>;
  readonly #isLoopback: boolean;

  /**
   * @param bound the address that the server listens on
   * @param names further names by which it is reached, such as behind a proxy
   */
  constructor(bound: string, names: readonly string[] = []) {
    this.#names = new Set(names.map((name) => name.toLowerCase()));
    this.#isLoopback = isLoopback(bound);
  }

  /**
   * Checks a Host header. A server for this machine alone is reached by loopback names; another one also by any address of digits,
   * which no DNS can turn into something else.
   *
   * @throws {ApiError} 400 or 421
   */
  check(header: string | null): void {
    const host = header !== null && /^[\w.:[\]-]+$/.test(header) ? URL.parse(`http://${header}`)?.hostname : undefined;
    if (host === undefined) {
      throw new ApiError(400, "bad_host", "Cannot take the request: its Host header is missing or wrong");
    }
    const isAddress = /^\[[0-9a-f:.]+\]$|^\d+\.\d+\.\d+\.\d+$/.test(host);
    if (isLoopback(host) || this.#names.has(host) || (isAddress && !this.#isLoopback)) return;
    throw new ApiError(421, "unknown_host", "Cannot take the request: this server does not go by that name");
  }
}

/**
 * Lets a browser change something from the server's own page only. Programs send neither header.
 *
 * @throws {ApiError} 403
 */
export function checkOrigin(headers: Headers): void {
  const site = headers.get("sec-fetch-site"), origin = headers.get("origin");
  const isOwn = origin === null || URL.parse(origin)?.host === headers.get("host")?.toLowerCase();
  if (isOwn && (site === null || site === "same-origin" || site === "none")) return;
  throw new ApiError(403, "cross_origin", "Cannot take the request: it comes from another site's page");
}

/** The token that clients have to know. */
export class TokenCheck {
  readonly #digest: Uint8Array;

  constructor(token: string) {
    this.#digest = digest(token);
  }

  /**
   * Checks an Authorization header, in a time that does not depend on how much of it is right.
   *
   * @throws {ApiError} 401
   */
  check(header: string | null): void {
    const given = /^bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? "";
    if (timingSafeEqual(digest(given), this.#digest)) return;
    const message = "Cannot take the request: a token is needed, Authorization: Bearer TOKEN";
    throw new ApiError(401, "unauthorized", message, { "www-authenticate": "Bearer" });
  }
}

/** Of one length whatever the text's. */
function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
