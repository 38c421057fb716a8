/**
 * A run's folder: `config.json`, `metrics.jsonl`, TensorBoard events, `best.safetensors`, and `last/` with the newest
 * checkpoint and the one before it.
 * @module
 */
import { join } from "node:path";
import { writeAtomic } from "../data/files/atomic_write.ts";
import { type ArrayDict, readSafetensors, writeSafetensors } from "../data/files/safetensors.ts";
import { resumeRemedy } from "./append_file.ts";
import { lockFolder } from "./folder_lock.ts";
import { ioFact } from "./io_fact.ts";
import { MetricsFile } from "./metrics_file.ts";
import { EventWriter } from "./tensorboard.ts";

/** What a checkpoint or a saved model holds: named arrays, and texts about them. */
export interface Saved {
  /** Weights and other numbers by name. */
  readonly arrays: Readonly<ArrayDict>;
  /** Texts by name, such as the config as JSON. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A checkpoint as found. */
export interface Checkpoint extends Saved {
  /** Steps done when it was written. */
  readonly step: number;
  /** Its file. */
  readonly path: string;
}

/** Which of the last checkpoints are wanted. */
export interface Recent {
  /** At most so many. */
  readonly count: number;
  /** Steps between those that a run saves by itself; what an interruption saved in between does not count. */
  readonly every: number;
}

/** Checkpoints kept at least: if the newest is cut short, there is one before it. */
const fewestKept = 2;

/** A run's folder. */
export class RunFolder {
  /** Where it is. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes a folder for a new run and saves the config in it.
   *
   * @param config anything JSON can hold
   * @throws {Error} Where it cannot be written to, or already holds a run.
   */
  static async create(path: string, config: object): Promise<RunFolder> {
    const run = new RunFolder(path);
    await run.#writing(() => Deno.mkdir(join(path, "last"), { recursive: true }));
    if (await exists(run.configPath)) {
      throw new Error(
        `Cannot train into "${path}": it already holds a run; go on with it by --resume, or give another folder with --out`,
      );
    }
    await run.saveConfig(config);
    return run;
  }

  /**
   * Opens the folder of an earlier run.
   *
   * @throws {Error} Where it holds no run.
   */
  static async open(path: string): Promise<RunFolder> {
    const run = new RunFolder(path);
    if (!await exists(run.configPath)) throw new Error(`Cannot open run "${path}": it holds no config.json`);
    await run.#writing(() => Deno.mkdir(join(path, "last"), { recursive: true }));
    return run;
  }

  /** Whether a folder holds a checkpoint to go on from. */
  static async holdsCheckpoint(path: string): Promise<boolean> {
    return await exists(join(path, "last")) && (await new RunFolder(path).#checkpoints()).length > 0;
  }

  /** The resolved config. */
  get configPath(): string {
    return join(this.path, "config.json");
  }

  /** The best model by the validation metric. */
  get bestPath(): string {
    return join(this.path, "best.safetensors");
  }

  /** The measurements, a JSON object a line. */
  get metricsPath(): string {
    return join(this.path, "metrics.jsonl");
  }

  /** Whether there is a best model. */
  hasBest(): Promise<boolean> {
    return exists(this.bestPath);
  }

  /**
   * Keeps other processes out of the folder until it is disposed of (or this process ends, in whatever way): two runs in
   * one folder would remove each other's checkpoints.
   *
   * @throws {Error} Where another run is at work in it.
   */
  lock(): Promise<Disposable> {
    return lockFolder(this.path, `Cannot train into "${this.path}": another run is at work there`);
  }

  /** Whether nothing in it would be missed: no checkpoint, no model, no measurement. */
  async isUnused(): Promise<boolean> {
    const measured = await Deno.stat(this.metricsPath).then(({ size }) => size > 0, () => false);
    return !measured && !await exists(this.bestPath) && (await this.#checkpoints()).length === 0;
  }

  /** Removes what a run has put there so far, and the folder unless other things are in it. */
  async discard(): Promise<void> {
    for (const name of (await Array.fromAsync(Deno.readDir(this.path))).map(({ name }) => name)) {
      const ours = ["config.json", "metrics.jsonl", "best.safetensors", "last"].includes(name) ||
        name.startsWith("events.out.tfevents.");
      if (ours) await Deno.remove(join(this.path, name), { recursive: true });
    }
    await Deno.remove(this.path).catch(() => {}); // not empty: there was something before the run
  }

  /** Saves the config, also over an earlier one. */
  async saveConfig(config: object): Promise<void> {
    await this.#writing(() => writeAtomic(this.configPath, JSON.stringify(config, null, 2) + "\n"));
  }

  /** Saves the best model; an earlier one is there until the new one is complete. */
  async saveBest({ arrays, metadata }: Saved): Promise<void> {
    await this.#writing(() => writeSafetensors(this.bestPath, arrays, metadata), resumeRemedy);
  }

  /** Saves a checkpoint and removes all but it, the one before it, and those that `recent` asks for. */
  async saveCheckpoint(step: number, { arrays, metadata, ...recent }: Saved & Partial<Recent>): Promise<void> {
    const path = join(this.path, "last", `step-${String(step).padStart(8, "0")}.safetensors`);
    await this.#writing(() => writeSafetensors(path, arrays, metadata), resumeRemedy);
    const found = await this.#checkpoints();
    const kept = new Set([...found.slice(0, fewestKept), ...recentOf(found, { count: 0, every: 1, ...recent })]);
    for (const old of found) if (!kept.has(old)) await Deno.remove(old.path);
  }

  /** The newest checkpoint and those before it that a run saves whether it is interrupted or not; newest first. */
  async recentCheckpoints(recent: Recent): Promise<Checkpoint[]> {
    const found = recentOf(await this.#checkpoints(), recent);
    return found.map((checkpoint) => ({ ...checkpoint, ...readSafetensors(checkpoint.path) }));
  }

  /**
   * The newest checkpoint that is whole; `undefined` where none was ever written.
   *
   * @param say is told of checkpoints that are not whole
   * @throws {Error} Where there are checkpoints and none is whole.
   */
  async loadCheckpoint(say: (line: string) => void): Promise<Checkpoint | undefined> {
    const found = await this.#checkpoints();
    for (const [i, { step, path }] of found.entries()) {
      let saved: Saved;
      try {
        saved = readSafetensors(path);
      } catch (error) {
        const next = i + 1 < found.length ? "; using the checkpoint before it" : "";
        say(`${error instanceof Error ? error.message : error}${next}`);
        continue;
      }
      for (const broken of found.slice(0, i)) await Deno.rename(broken.path, broken.path + ".broken"); // not to be kept
      return { step, path, ...saved };
    }
    if (found.length === 0) return undefined;
    throw new Error(`Cannot resume "${this.path}": none of its ${found.length} checkpoints is whole`);
  }

  /** Opens the measurements for appending; on resuming, rows after the checkpoint's step are cut away. */
  async openMetrics(upToStep?: number): Promise<MetricsFile> {
    return await this.#writing(() => MetricsFile.open(this.metricsPath, upToStep));
  }

  /** Opens a new TensorBoard file; on resuming, TensorBoard is told to drop what came after the checkpoint's step. */
  openEvents(upToStep?: number): EventWriter {
    return new EventWriter(this.path, { resumeStep: upToStep === undefined ? undefined : upToStep + 1 });
  }

  /** The checkpoints, newest first. */
  async #checkpoints(): Promise<{ step: number; path: string }[]> {
    const found = [];
    for await (const { name } of Deno.readDir(join(this.path, "last"))) {
      const match = /^step-(\d+)\.safetensors$/.exec(name);
      if (match) found.push({ step: Number(match[1]), path: join(this.path, "last", name) });
    }
    return found.sort((a, b) => b.step - a.step);
  }

  async #writing<T>(write: () => Promise<T>, remedy = "give another folder with --out"): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (!isIoError(error)) throw error;
      throw new Error(`Cannot write to "${this.path}": ${ioFact(error)}; ${remedy}`, { cause: error });
    }
  }
}

/** Of checkpoints, newest first, the newest and the last ones at every so many steps. */
function recentOf<T extends { readonly step: number }>(checkpoints: readonly T[], { count, every }: Recent): T[] {
  return checkpoints.filter(({ step }, i) => i === 0 || step % every === 0).slice(0, count);
}

/** Errors of the file system, ours ("Cannot …: …") and bugs aside. */
function isIoError(error: unknown): boolean {
  return Object.values(Deno.errors).some((kind) => error instanceof kind) || /os error/.test(String(error));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
