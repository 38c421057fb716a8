/** Forms with files (RFC 7578): strict, bounded, and quick to refuse. @module */
import { Buffer } from "node:buffer";
import { ApiError } from "./api_error.ts";

/** A field of a form, or a file of one. */
export interface FormPart {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Most bytes of a part's headers. */
const MAX_HEADER = 4096;

/**
 * The parts of a form.
 *
 * @param body the whole body
 * @param options the Content-Type header, and how many parts there may be
 * @throws {ApiError} 400 where it is malformed, 413 where it has too many parts.
 */
export function parseMultipart(
  body: Uint8Array,
  { contentType, maxParts }: { readonly contentType: string; readonly maxParts: number },
): FormPart[] {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)?.slice(1).find(Boolean);
  if (boundary === undefined) throw malformed("no boundary");
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength), line = `\r\n--${boundary}`;
  const parts: FormPart[] = [];
  let at = bytes.indexOf(`--${boundary}`);
  if (at < 0) throw malformed("its boundary does not occur");
  at += boundary.length + 2;
  while (!(bytes[at] === 45 && bytes[at + 1] === 45)) { // "--" ends it
    if (parts.length >= maxParts) {
      throw new ApiError(413, "too_many_parts", `Cannot read the form: more than ${maxParts} parts`);
    }
    const head = bytes.indexOf("\r\n\r\n", at);
    if (head < 0 || head - at > MAX_HEADER) throw malformed("a part has no headers, or too long ones");
    const end = bytes.indexOf(line, head + 2); // an empty part's line end is that of its headers
    if (end < 0) throw malformed("a part has no end");
    parts.push({
      name: nameOf(bytes.toString("utf8", at, head)),
      bytes: body.subarray(head + 4, Math.max(end, head + 4)),
    });
    at = end + line.length;
  }
  return parts;
}

function nameOf(headers: string): string {
  const disposition = headers.split("\r\n").find((header) => /^content-disposition:\s*form-data\b/i.test(header));
  const name = /;\s*name="([^"]*)"/i.exec(disposition ?? "")?.[1];
  if (name === undefined) throw malformed("a part has no name");
  return name;
}

function malformed(fact: string): ApiError {
  return new ApiError(400, "bad_form", `Cannot read the form: ${fact}`);
}
