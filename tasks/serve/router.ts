/** Which route a request means. @module */
import { ApiError } from "./api_error.ts";
import type { Operation } from "./openapi.ts";

/** What a route gets. */
export interface Call {
  readonly request: Request;
  /** The values of a path's placeholders, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** One method of one path. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** Such as "/api/speakers/:name". */
  readonly path: string;
  /** Whether it answers without a token, and whatever the client's rate. */
  readonly isOpen: boolean;
  /** What the description of the API says. */
  readonly operation: Operation;
  readonly answer: (call: Call) => Response | Promise<Response>;
}

/** A route and the values of its placeholders. */
export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Routes by method and path. */
export class Router {
  readonly #routes: readonly { readonly route: Route; readonly segments: readonly string[] }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, segments: route.path.split("/") }));
  }

  /**
   * The route for a request; HEAD is answered as GET.
   *
   * @throws {ApiError} 404, 405, or 400 where the path is not UTF-8
   */
  match(method: string, pathname: string): Match {
    const given = pathname.split("/");
    const found = this.#routes.filter(({ segments }) =>
      segments.length === given.length && segments.every((s, i) => s.startsWith(":") ? given[i] !== "" : s === given[i])
    );
    if (found.length === 0) throw new ApiError(404, "not_found", "Cannot answer: there is nothing at this address");
    const wanted = method === "HEAD" ? "GET" : method, one = found.find(({ route }) => route.method === wanted);
    if (one === undefined) {
      const allow = found.map(({ route }) => route.method).join(", ");
      throw new ApiError(405, "wrong_method", `Cannot answer: this address takes ${allow}`, { allow });
    }
    const names = one.segments.flatMap((s, i) => s.startsWith(":") ? [[s.slice(1), decoded(given[i])] as const] : []);
    return { route: one.route, params: Object.fromEntries(names) };
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ApiError(400, "bad_address", "Cannot read the address: it is not percent-encoded UTF-8");
  }
}
