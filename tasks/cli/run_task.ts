/** The frame around every task: exit codes, error texts, Ctrl-C. @module */
import { HelpRequest } from "./command.ts";
import { errorText, UsageError } from "./errors.ts";

/**
 * What a task ends with: 0 all done, 1 failed or done only in part, 2 bad usage, 3 done and the answer is no (`verify`), 130 stopped by
 * Ctrl-C after saving.
 */
export const exitCodes = { done: 0, failed: 1, usage: 2, notSame: 3, interrupted: 130 } as const;

/**
 * Runs a task and exits: with the code that `main` returns, 0 unless it returns one; 2 on a `UsageError`, 1 on another error.
 * A user's mistake is shown without a stack, unless DEBUG is set.
 */
export async function runTask(main: () => Promise<number | void> | number | void): Promise<never> {
  let code: number;
  try {
    code = await main() ?? exitCodes.done;
  } catch (error) {
    code = report(error);
  }
  Deno.exit(code);
}

function report(error: unknown): number {
  if (error instanceof HelpRequest) {
    console.log(error.message);
    return exitCodes.done;
  }
  console.error(errorText(error, debugging()));
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}

function debugging(): boolean {
  try {
    return Number(Deno.env.get("DEBUG") ?? 0) >= 1;
  } catch {
    return false; // no permission to read it: the short form
  }
}

/**
 * From here on the first Ctrl-C (or SIGTERM) asks the task to save and stop, by aborting the signal returned; another one
 * ends it at once. Tasks with nothing to save leave this out and end at the first.
 *
 * @param say takes the line that tells the user so
 * @param settleMs signals this soon after the first count as the same key press: `deno task` passes on to its command what
 * the terminal has sent it already, so that one press arrives twice
 */
export function stopOnInterrupt(say: (line: string) => void = console.error, settleMs = 1000): AbortSignal {
  const asked = new AbortController();
  let settled = false;
  const onSignal = () => {
    if (settled) Deno.exit(exitCodes.interrupted);
    if (asked.signal.aborted) return;
    asked.abort();
    say("Stopping after this step: press Ctrl-C again to stop at once without saving");
    // Two timers in a row: if a long step holds up the first, the doubled signal still comes before the second.
    setTimeout(() => setTimeout(() => settled = true, settleMs / 10), settleMs);
  };
  Deno.addSignalListener("SIGINT", onSignal);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onSignal);
  return asked.signal;
}
