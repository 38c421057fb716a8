/**
 * A search's folder: `search.json` (the plan), `trials.jsonl`, a run folder `trial-0001` for each trial, and at the end
 * `results.md`, `results.csv` and pictures.
 * @module
 */
import { join } from "node:path";
import { writeAtomic } from "../../data/files/atomic_write.ts";
import { readConfigFile } from "../config.ts";
import { lockFolder } from "../folder_lock.ts";
import { ioFact } from "../io_fact.ts";
import { differences, type SearchPlan } from "./plan.ts";
import { planFrom } from "./plan_file.ts";
import { TrialLog } from "./trial_log.ts";

/** A search's folder, kept from other processes while it is open. */
export class SearchFolder implements Disposable {
  /** Where it is. */
  readonly path: string;
  /** What the trials gave. */
  readonly log: TrialLog;
  readonly #lock: Disposable;

  private constructor(path: string, log: TrialLog, lock: Disposable) {
    [this.path, this.log, this.#lock] = [path, log, lock];
  }

  /**
   * Opens the folder of a search that was begun before, or makes one.
   *
   * @throws {Error} Where another process is at work there, where it holds a run, or cannot be written to.
   * @throws {RangeError} Where the search was begun with another plan and has trials; the message says what differs.
   */
  static async open(path: string, plan: SearchPlan): Promise<SearchFolder> {
    try {
      await Deno.mkdir(path, { recursive: true });
    } catch (error) {
      throw new Error(`Cannot write to "${path}": ${ioFact(error)}; give another folder with --out`, { cause: error });
    }
    const lock = await lockFolder(path, `Cannot search in "${path}": another search is at work there`);
    try {
      if (await isUsed(path)) await checkPlan(path, plan);
      await writeAtomic(join(path, "search.json"), JSON.stringify(plan, null, 2) + "\n");
      return new SearchFolder(path, await TrialLog.open(join(path, "trials.jsonl")), lock);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** The run folder of a trial. */
  trialPath(trial: number): string {
    return join(this.path, `trial-${String(trial).padStart(4, "0")}`);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.log[Symbol.dispose]();
    this.#lock[Symbol.dispose]();
  }
}

/**
 * The plan of the search in a folder.
 *
 * @throws {Error} Where there is none.
 */
export async function readPlan(path: string): Promise<SearchPlan> {
  const plan = await planIn(path);
  if (plan === undefined) throw new Error(`Cannot resume "${path}": it holds no search`);
  return plan;
}

/** Whether something would be lost or mixed up if another search began there. */
async function isUsed(path: string): Promise<boolean> {
  const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  return names.some((name) => name === "config.json" || /^trial-\d+$/.test(name));
}

async function checkPlan(path: string, plan: SearchPlan): Promise<void> {
  const before = await planIn(path);
  if (before === undefined) {
    throw new Error(`Cannot search in "${path}": it holds runs of another kind; give another folder with --out`);
  }
  const differing = differences(before, plan);
  if (differing.length === 0) return;
  const what = `it was begun otherwise: ${differing.join("; ")}`;
  throw new RangeError(`Cannot go on with the search in "${path}": ${what}; give another folder with --out`);
}

async function planIn(path: string): Promise<SearchPlan | undefined> {
  const file = join(path, "search.json");
  if (!await exists(file)) return undefined;
  return planFrom(file, (await readConfigFile(file)).values);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
