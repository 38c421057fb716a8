/** `deno task serve`: the speakers' HTTP API and page. @module */
import { flag, integer, number, text } from "../train/fields.ts";
import { ioFact } from "../train/io_fact.ts";
import { modelFileOf } from "../train/model_file.ts";
import { errorText } from "./cli/errors.ts";
import { type CommandSpec, parseCommand, repeated, type Values, withDefault } from "./cli/command.ts";
import { UsageError } from "./cli/errors.ts";
import { exitCodes, runTask, stopOnInterrupt } from "./cli/run_task.ts";
import { defaultLimits, limitsFor, MAX_SHARED_BYTES } from "./serve/limits.ts";
import { isLoopback } from "./serve/security.ts";
import { SpeakerServer } from "./serve/server.ts";
import { StaticFiles } from "./serve/static_files.ts";
import { judgeOptions, modelOptions, type OpenService, screenFor, withService } from "./speakers/service_task.ts";

const options = {
  port: withDefault(integer("Port; 0: any that is free", { min: 0, max: 65535 }), 8080),
  host: withDefault(
    text("Address to listen on; any other than this machine's own wants a token", {
      placeholder: "ADDRESS",
    }),
    "127.0.0.1",
  ),
  ...modelOptions,
  ...judgeOptions,
  tokenFile: text("File that holds the token which clients send (or the variable VOXGRAD_TOKEN)", {
    placeholder: "FILE",
  }),
  allowedHost: repeated(text("A name by which the server is reached, such as behind a proxy", { placeholder: "NAME" })),
  shareModel: flag("Let browsers have the model, to embed on the visitor's machine; default: only on 127.0.0.1"),
  maxSeconds: withDefault(
    number("Longest recordings of a request together, in seconds", { above: 0, max: 3600 }),
    defaultLimits.maxSeconds,
  ),
  rate: withDefault(
    number("Requests a second of each client; 0: any number", { min: 0 }),
    defaultLimits.rate,
  ),
  maxMegabytes: withDefault(number("Largest size of the database, in MB", { above: 0 }), 1024),
};

const spec: CommandSpec<typeof options> = {
  name: "serve",
  about: "Serves speaker verification over HTTP: a page to try it on, and an API that /openapi.json describes.",
  options,
  notes: "Ctrl-C (or SIGTERM) finishes what is under way, then ends with 0.",
  examples: [
    "deno task serve --model runs/ecapa-small",
    "deno task serve --host 0.0.0.0 --token-file token.txt --allowed-host voices.example.org",
  ],
};

/** Shorter tokens can be guessed. */
const LEAST_TOKEN = 16;

await runTask(async () => {
  const { options } = parseCommand(spec, Deno.args);
  const token = await tokenFrom(options), screen = screenFor({ json: false });
  const stopped = stopOnInterrupt(() =>
    screen.info("Stopping: what is under way is finished; press Ctrl-C again to stop at once")
  );
  const maxBytes = Math.round(options.maxMegabytes * 1e6);
  return await withService({ ...options, create: true, judge: "needed", maxBytes }, {
    screen,
    work: async (open) => {
      const server = await start(options, { open, token });
      await dropPermissions();
      const shown = options.host.includes(":") ? `[${options.host.replace(/^\[|\]$/g, "")}]` : options.host;
      screen.info(`Serve now! http://${shown}:${server.port}/${token === null ? "" : " (with a token)"}`);
      await new Promise<void>((resolve) => {
        if (stopped.aborted) resolve();
        stopped.addEventListener("abort", () => resolve());
      });
      await server.stop();
      screen.info("Stopped");
      return exitCodes.done;
    },
  });
});

/** From here on no file is opened: the database is, and everything else has been read. A fault could not open any, either. */
async function dropPermissions(): Promise<void> {
  for (const name of ["read", "write", "env"] as const) await Deno.permissions.revoke({ name });
}

type Options = Values<typeof options>;

async function start(options: Options, { open, token }: { open: OpenService; token: string | null }) {
  const { host, port, allowedHost: names, maxSeconds, rate } = options;
  const { modelPath, loaded, judge } = open;
  const isShared = options.shareModel ?? isLoopback(host);
  const { size } = await Deno.stat(await modelFileOf(modelPath));
  const oversize = isShared && size > MAX_SHARED_BYTES ? size : null;
  const weights = isShared && oversize === null ? await weightsOf(modelPath, loaded.id) : null;
  const statics = await StaticFiles.open();
  const onFault = (error: unknown) => console.error(errorText(error, true));
  const limits = { ...limitsFor(maxSeconds), rate: rate === 0 ? Infinity : rate };
  try {
    return new SpeakerServer({
      ...open,
      judge: judge!,
      weights,
      oversize,
      statics,
      host,
      port,
      names,
      token,
      limits,
      onFault,
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isTaken = error instanceof Deno.errors.AddrInUse;
    const fact = isTaken ? "the port is in use; give another one with --port" : ioFact(error);
    throw new Error(`Cannot listen on ${host}, port ${port}: ${fact}`, { cause: error });
  }
}

/** The model's file as it was loaded; it may have been replaced since. */
async function weightsOf(model: string, id: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await Deno.readFile(await modelFileOf(model));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  if (digest !== id) throw new Error(`Cannot share "${model}": it was replaced a moment ago; start again`);
  return bytes;
}

/**
 * The token, from a file or the environment; null where there is none and only this machine can ask.
 *
 * @throws {UsageError} Where other machines could ask without one, or it is too short.
 */
async function tokenFrom({ host, tokenFile }: Options): Promise<string | null> {
  const token = tokenFile === undefined ? Deno.env.get("VOXGRAD_TOKEN")?.trim() : (await readToken(tokenFile)).trim();
  if (token === undefined || token === "") {
    if (tokenFile === undefined && isLoopback(host)) return null;
    if (tokenFile !== undefined) throw new UsageError(`Cannot use the token in "${tokenFile}": the file is empty`);
    const remedy =
      `write at least ${LEAST_TOKEN} random characters into a file and give --token-file, or set VOXGRAD_TOKEN`;
    throw new UsageError(`Cannot serve on "${host}": other machines reach it, and there is no token; ${remedy}`);
  }
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < LEAST_TOKEN) {
    throw new UsageError(`Cannot use the token: wanted at least ${LEAST_TOKEN} characters, no spaces`);
  }
  return token;
}

async function readToken(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(`Cannot read the token from "${path}": ${ioFact(error)}`, { cause: error });
  }
}
