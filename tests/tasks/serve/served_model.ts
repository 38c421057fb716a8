/** `deno task serve` as a process of its own, on an ECAPA-TDNN that tells the sample data's voices apart. @module */
import { join } from "node:path";
import type { TrainConfig } from "../../../train/train_config.ts";
import { writeVerifier } from "../../train/verification/tiny_verifier.ts";
import { startDenoTask } from "../run.ts";

/** Scores from here on say "the same"; those of two people stay below 0.96. */
const threshold = 0.97;

const config: Partial<TrainConfig> = {
  ...{ model: "ecapa", head: "linear", channels: [32, 32, 32, 96], embeddingDim: 32, res2netScale: 4 },
};

/** A server that runs until it is disposed of. */
export interface Served extends AsyncDisposable {
  /** "http://127.0.0.1:…" */
  readonly address: string;
}

/** Starts a server without anybody enrolled; its files are in `folder`. */
export async function serveModel(folder: string, { token = "" } = {}): Promise<Served> {
  const model = await writeVerifier(folder, { seed: 3, threshold, config });
  const place = ["--port", "0", "--device", "cpu", "--rate", "0", "--db", join(folder, "people.db")];
  const server = startDenoTask("serve", ["--model", model, ...place], { VOXGRAD_TOKEN: token });
  const errors = new Response(server.stderr).text();
  const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "", address: string | undefined;
  while (address === undefined) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The server has ended: ${said}${await errors}`);
    address = /http:\/\/127\.0\.0\.1:\d+/.exec(said += value)?.[0];
  }
  return {
    address,
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      while (!(await reader.read()).done);
      const { code } = await server.status;
      const complaints = await errors;
      if (code !== 0 || complaints !== "") throw new Error(`The server ended with ${code}: ${complaints}`);
    },
  };
}

/** Forgets everybody. */
export async function forgetAll({ address }: Served): Promise<void> {
  const { speakers } = await (await fetch(`${address}/api/speakers`)).json() as { speakers: { name: string }[] };
  for (const { name } of speakers) {
    await fetch(`${address}/api/speakers/${encodeURIComponent(name)}`, { method: "DELETE" });
  }
}
