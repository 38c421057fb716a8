/** `deno task serve` on an ECAPA-TDNN that tells the sample data's voices apart. @module */
import { deepStrictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { TrainConfig } from "../../../train/train_config.ts";
import { writeVerifier } from "../../train/verification/tiny_verifier.ts";
import { startServer } from "./server_process.ts";

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
  const args = ["--model", model, "--db", join(folder, "people.db"), "--rate", "0"];
  const { url, child, ended } = await startServer(args, { VOXGRAD_TOKEN: token });
  return {
    address: url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const { status, err } = await ended();
      deepStrictEqual({ code: status.code, err }, { code: 0, err: "" });
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
