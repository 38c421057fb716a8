/**
 * A bounded load on `deno task serve` over loopback: how many requests a second, how long they take, and whether memory grows.
 *
 *     deno run -A tests/tasks/serve/load.ts --requests 10000 --connections 16 --model runs/ecapa-small --seconds 3
 *
 * Without --model the model is tiny, so that the server itself is measured.
 * @module
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { encodeWav } from "../../../data/audio/mod.ts";
import { Resampler } from "../../../data/features/resample.ts";
import { withFolder } from "../run.ts";
import { sampleRate as voiceRate, voice } from "../../train/verification/tiny_model.ts";
import { writeVerifier } from "../../train/verification/tiny_verifier.ts";
import { startServer } from "./server_process.ts";
import { ask, post } from "./serving.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "10000" },
    connections: { type: "string", default: "16" },
    model: { type: "string" },
    seconds: { type: "string", default: "1" },
    people: { type: "string", default: "50" },
    threshold: { type: "string" },
  },
});
const [requests, connections, seconds, people] = [values.requests, values.connections, values.seconds, values.people]
  .map(Number);

/** What came of all requests. */
interface Outcome {
  readonly milliseconds: Float64Array;
  readonly statuses: Map<number, number>;
  readonly wallSeconds: number;
  /** Resident memory of the server at every tenth of the requests, in MB. */
  readonly memory: number[];
}

/** Recordings of different voices at the model's rate. */
async function recordingsFor(url: string): Promise<Uint8Array<ArrayBuffer>[]> {
  const { body: { sampleRate } } = await ask(`${url}/api/model`), resampler = new Resampler(voiceRate, sampleRate);
  const one = (i: number) => encodeWav(resampler.apply(voice(80 + 7 * (i % people), seconds, i + 1)), sampleRate);
  return Array.from({ length: people }, (_, i) => one(i).slice());
}

/** 75 % verify, 15 % identify, 5 % enrol again (which is noticed), 5 % list. */
function send(url: string, i: number, recordings: readonly Uint8Array<ArrayBuffer>[]) {
  const wav = recordings[i * 31 % people], name = `person ${i % people}`;
  if (i % 20 < 15) return post(`${url}/api/verify?name=${name}`, wav);
  if (i % 20 < 18) return post(`${url}/api/identify`, wav);
  return i % 20 === 18 ? post(`${url}/api/enroll?name=person ${i * 31 % people}`, wav) : ask(`${url}/api/speakers`);
}

async function memoryOf(url: string): Promise<number> {
  const { body } = await ask(`${url}/metrics`);
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(body)?.[1]) / 1e6;
}

async function load(url: string, recordings: readonly Uint8Array<ArrayBuffer>[]): Promise<Outcome> {
  const milliseconds = new Float64Array(requests), statuses = new Map<number, number>(), memory: number[] = [];
  let next = 0;
  const client = async () => {
    for (let i = next++; i < requests; i = next++) {
      const start = performance.now(), { status } = await send(url, i, recordings);
      milliseconds[i] = performance.now() - start;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (i % Math.ceil(requests / 10) === 0) memory.push(await memoryOf(url));
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: connections }, client));
  const wallSeconds = (performance.now() - start) / 1000;
  return { milliseconds: milliseconds.sort(), statuses, wallSeconds, memory: [...memory, await memoryOf(url)] };
}

function report({ milliseconds, statuses, wallSeconds, memory }: Outcome): string {
  const at = (share: number) => milliseconds[Math.min(requests - 1, Math.floor(share * requests))].toFixed(1);
  const counts = [...statuses].map(([status, count]) => `${status}: ${count}`).join(", ");
  return `${requests} requests over ${connections} connections, recordings of ${seconds} s, ${people} people: ` +
    `${(requests / wallSeconds).toFixed(0)} requests/s; p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms\n` +
    `answers: ${counts}\nserver's memory, MB: ${memory.map((mb) => mb.toFixed(0)).join(" ")}`;
}

await withFolder(async (folder) => {
  const model = values.model ?? await writeVerifier(folder);
  const threshold = values.threshold === undefined ? [] : ["--threshold", values.threshold];
  const { url, child, ended } = await startServer([
    ...["--model", model, "--db", join(folder, "speakers.db"), "--rate", "0"],
    ...threshold,
  ]);
  const recordings = await recordingsFor(url);
  for (const [i, wav] of recordings.entries()) await post(`${url}/api/enroll?name=person ${i}`, wav);
  console.log(report(await load(url, recordings)));
  const { body } = await ask(`${url}/metrics`);
  const [batches, total] = ["count", "sum"].map((part) =>
    Number(new RegExp(`voxgrad_batch_recordings_${part} (\\d+)`).exec(body)?.[1])
  );
  console.log(`recordings a batch: ${(total / batches).toFixed(1)}`);
  child.kill("SIGTERM");
  console.log(`ended with ${(await ended()).status.code}`);
});
