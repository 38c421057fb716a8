/** `deno task serve` as a process of its own. @module */
import { doesNotMatch } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The command of deno.json, without the `deno task` around it, which would take the signals. */
async function commandOfTask(args: string[], env: Record<string, string>): Promise<Deno.Command> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const [, ...words] = tasks.serve.command.split(" ");
  doesNotMatch(tasks.serve.command, /-A|--allow-(all|run|sys|ffi|import)|--allow-net(?!=)/, "the least permissions");
  const options = {
    args: [...words, ...args],
    cwd: root,
    env: { NO_COLOR: "1", DEBUG: "", VOXGRAD_TOKEN: "", ...env },
  };
  return new Deno.Command(Deno.execPath(), { ...options, stdin: "null", stdout: "piped", stderr: "piped" });
}

/** A process that serves. */
export interface ServerProcess {
  readonly url: string;
  readonly child: Deno.ChildProcess;
  /** Waits for its end: how it ended, and all it said. */
  readonly ended: () => Promise<{ status: Deno.CommandStatus; out: string; err: string }>;
}

/** Starts a server and waits until it says where. */
export async function startServer(args: string[], env: Record<string, string> = {}): Promise<ServerProcess> {
  const command = await commandOfTask(["--port", "0", "--device", "cpu", ...args], env), child = command.spawn();
  const decoder = new TextDecoder(), reader = child.stdout.getReader(), err = new Response(child.stderr).text();
  let out = "";
  const read = async () => {
    const { done, value } = await reader.read();
    out += decoder.decode(value, { stream: !done });
    return !done;
  };
  while (!/Serve now!.*\n/.test(out) && await read());
  const url = /Serve now! (http:\S+?)\/( |\n)/.exec(out)?.[1];
  if (url === undefined) throw new Error(`it did not start: ${out}${await err}`);
  const ended = async () => {
    while (await read());
    return { status: await child.status, out, err: await err };
  };
  return { url, child, ended };
}
