/** Answers of the API. @module */
import type { ApiError } from "./api_error.ts";

/** JSON, which nobody may keep. */
export function json(value: unknown, { status = 200, headers = {} }: { status?: number; headers?: HeadersInit } = {}) {
  const response = Response.json(value, { status, headers });
  response.headers.set("cache-control", "no-store");
  return response;
}

/** An error as the API tells it. */
export function errorAnswer({ status, code, message, headers }: ApiError): Response {
  return json({ error: { code, message } }, { status, headers });
}
