/** Runs command lines as a user types them. @module */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a finished command left behind. */
export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a script of the checkout (path from its top) with all permissions; output without colours. */
export async function runScript(
  path: string,
  args: string[],
  env: Record<string, string> = {},
  cwd = root,
): Promise<Finished> {
  return await run(["run", "-A", "--no-check", join(root, path), ...args], env, cwd);
}

/** Runs `deno task NAME …` in the checkout. */
export async function runDenoTask(name: string, args: string[], env: Record<string, string> = {}): Promise<Finished> {
  return await run(["task", "--quiet", name, ...args], env);
}

async function run(args: string[], env: Record<string, string>, cwd = root): Promise<Finished> {
  const output = await commandOf(args, env, cwd).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, out: text(output.stdout), err: text(output.stderr) };
}

/** Starts a script and leaves it running. */
export function startScript(path: string, args: string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return commandOf(["run", "-A", "--no-check", join(root, path), ...args], env).spawn();
}

function commandOf(args: string[], env: Record<string, string>, cwd = root): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", DEBUG: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** A new folder, gone after `use`. */
export async function withFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "voxgrad-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
