/**
 * Starts the worker threads: through `node:worker_threads` where that exists, since such a thread does not keep the process alive, and
 * as a Worker of a blob elsewhere.
 * @module
 */
import { WORKER_SOURCE } from "./worker_source.ts";

/** Most threads, the main one included. */
const MAX_THREADS = 8;

/** What every worker is given. */
export interface WorkerStart {
  readonly memory: WebAssembly.Memory;
  /** Names of exports, so that a job names one by number. */
  readonly exportNames: readonly string[];
  /** Looks at the signal before a worker goes to sleep. */
  readonly spins: number;
}

interface NodeWorker {
  unref(): void;
  on(event: "error", listener: () => void): void;
}

type NodeWorkerClass = new (
  source: string,
  options: { eval: true; workerData: unknown; env: Record<string, string> },
) => NodeWorker;

/** Threads to use on this machine, the main one included. */
export function threadCount(): number {
  return Math.max(1, Math.min(MAX_THREADS, globalThis.navigator?.hardwareConcurrency ?? 1));
}

/**
 * Starts `count` workers, numbered from 1. A worker that cannot start is no error: the others, at least the main thread, do its work.
 */
export function startWorkers(count: number, start: WorkerStart): void {
  const each = (launch: (data: unknown) => void): void => {
    try {
      for (let thread = 1; thread <= count; thread++) launch({ ...start, thread });
    } catch {
      // no permission, or no threads in this engine
    }
  };
  const node = nodeWorkerClass();
  if (node === null) return each(launchBlob);
  each((data) => launchNode(node, data));
}

/** `node:worker_threads`, without an import statement that a browser would have to resolve. */
function nodeWorkerClass(): NodeWorkerClass | null {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  const module = host?.getBuiltinModule?.("node:worker_threads") as { Worker?: NodeWorkerClass } | undefined;
  return module?.Worker ?? null;
}

function launchNode(Class: NodeWorkerClass, workerData: unknown): void {
  // an environment of its own: by default it copies the process', for which Deno asks whoever sits at the terminal
  const worker = new Class(WORKER_SOURCE, { eval: true, workerData, env: {} });
  worker.on("error", () => {});
  worker.unref();
}

function launchBlob(data: unknown): void {
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  worker.onerror = (event) => event.preventDefault();
  worker.postMessage(data);
}
