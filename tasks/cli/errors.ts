/** Which errors are the user's to mend, and how they are shown. @module */

import { printable } from "../../train/printable.ts";

/** A mistake on the command line or in a config file: the task exits with 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Turns an error that is meant for the user into a `UsageError`; others pass unchanged. */
export function asUsageError(error: unknown): unknown {
  return isForUser(error) ? new UsageError((error as Error).message, { cause: error }) : error;
}

/**
 * Whether an error is about what the user gave, and not a bug of ours. This project's messages read "Cannot …: the fact";
 * V8's own ("Cannot read properties of undefined") have no colon.
 */
export function isForUser(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof Error && /^Cannot [^:]*: /s.test(error.message));
}

/** The text for stderr: the message alone where the user can mend it, else (and with `debug`) the stack as well. */
export function errorText(error: unknown, debug: boolean): string {
  return printable(plainText(error, debug));
}

function plainText(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  if (isForUser(error) && !debug) return `error: ${error.message}`;
  const stack = error.stack?.includes(error.message) ? error.stack : `${error.message}\n${error.stack ?? ""}`;
  const note = isForUser(error) ? "" : "\n(this is an error in voxgrad itself: please report it with the lines above)";
  return `error: ${stack}${causeText(error)}${note}`;
}

function causeText(error: Error): string {
  return error.cause instanceof Error && error.cause.stack ? `\ncaused by ${error.cause.stack}` : "";
}
