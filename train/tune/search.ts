/** A search: its trials one after the other, each in its run folder, each recorded when it has ended. @module */
import { clock } from "../progress_text.ts";
import type { Screen } from "../progress.ts";
import { axisText, valueText } from "./axis.ts";
import { survivors } from "./halving.ts";
import { countsEpochs, rungsOf, type SearchPlan, trialsOf } from "./plan.ts";
import type { SearchFolder } from "./search_folder.ts";
import { keysOf, type Point } from "./space.ts";
import type { TrialRow } from "./trial_log.ts";

/** A trial to make. */
export interface Trial {
  /** From 1. */
  readonly number: number;
  readonly values: Point;
  /** Its run folder; an earlier run in it goes on. */
  readonly out: string;
  /** Step (or epoch) to stop at, short of those in the config. */
  readonly stopAt?: number;
}

/** How a trial ended. */
export type Outcome =
  | { readonly status: "done"; readonly accuracy: number; readonly loss: number; readonly step: number }
  | { readonly status: "failed"; readonly reason: string }
  | { readonly status: "stopped" };

/** Makes a trial. What it throws ends the search; what is wrong with the trial alone it returns. */
export type Objective = (trial: Trial, signal: AbortSignal | undefined) => Promise<Outcome>;

/** Options of {@linkcode search}. */
export interface SearchOptions {
  /** The search's folder, open. */
  readonly folder: SearchFolder;
  readonly objective: Objective;
  /** Gets a line for each trial. */
  readonly screen: Screen;
  /** Aborting it saves and stops. */
  readonly signal?: AbortSignal;
  /** Make trials that failed once more; default false. */
  readonly retryFailed?: boolean;
  /** Milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/** What a trial gave in all. */
export interface TrialResult extends TrialRow {
  /** Steps (or epochs) that it was allowed in its last rung; `undefined` where they are its config's. */
  readonly budget?: number;
}

/** What a search gave. */
export interface SearchResult {
  /** Trials that have ended, in their order, each as it stands in the last rung that it came to. */
  readonly trials: TrialResult[];
  /** Whether the signal stopped it. */
  readonly interrupted: boolean;
}

/**
 * Makes all trials of a plan; those that the folder has already are not repeated, and one that was interrupted goes on.
 */
export async function search(plan: SearchPlan, options: SearchOptions): Promise<SearchResult> {
  const points = trialsOf(plan);
  const rungs = rungsOf(plan, points.length);
  return await new Search(plan, options, { points, rungs }).run();
}

class Search {
  readonly #plan: SearchPlan;
  readonly #options: SearchOptions;
  readonly #folder: SearchFolder;
  readonly #points: readonly Point[];
  readonly #rungs: readonly (number | undefined)[];
  /** By trial, where it stands now. */
  readonly #results = new Map<number, TrialResult>();

  constructor(
    plan: SearchPlan,
    options: SearchOptions,
    { points, rungs }: { points: Point[]; rungs: (number | undefined)[] },
  ) {
    [this.#plan, this.#options] = [plan, options];
    [this.#folder, this.#points, this.#rungs] = [options.folder, points, rungs];
  }

  async run(): Promise<SearchResult> {
    this.#announce();
    let entrants = this.#points.map((_, i) => i + 1);
    for (const [i, stopAt] of this.#rungs.entries()) {
      if (entrants.length === 0) break; // all have failed
      if (i > 0) this.#announceRung(i, entrants.length);
      const rows: TrialRow[] = [];
      for (const trial of entrants) {
        const row = await this.#ended(trial, { rung: i + 1, stopAt });
        if (row === undefined) return { trials: this.#trials(), interrupted: true };
        rows.push(row);
        this.#results.set(trial, { ...row, seconds: this.#folder.log.secondsOf(trial), budget: stopAt });
      }
      entrants = survivors(rows, this.#plan.metric).map(({ trial }) => trial).toSorted((a, b) => a - b);
    }
    return { trials: this.#trials(), interrupted: false };
  }

  #trials(): TrialResult[] {
    return [...this.#results.values()].toSorted((a, b) => a.trial - b.trial);
  }

  #announce(): void {
    const { screen, folder } = this.#options;
    const { config, metric, space } = this.#plan;
    const axes = [...space.grid, ...space.random].map(axisText).join(" ");
    screen.info(
      `Search in ${folder.path}: ${counted(this.#points.length)} of ${config.recipe}, best by ${metric}: ${axes}`,
    );
    const unit = this.#unit();
    if (this.#rungs.length > 1) screen.info(`Halving: rungs end at ${unit} ${this.#rungs.join(`, ${unit} `)}`);
    const count = new Set(this.#folder.log.rows.filter((row) => row.status !== "stopped").map((row) => row.trial)).size;
    if (count > 0) screen.info(`${counted(count)} made already`);
  }

  #announceRung(i: number, entrants: number): void {
    const rung = `Rung ${i + 1} of ${this.#rungs.length}`;
    this.#options.screen.log(`${rung}: ${counted(entrants)} to ${this.#unit()} ${this.#rungs[i]}`);
  }

  #unit(): string {
    return countsEpochs(this.#plan) ? "epoch" : "step";
  }

  /** The row of a trial in a rung, from the log or made now; `undefined` where the signal stopped it. */
  async #ended(trial: number, at: { rung: number; stopAt?: number }): Promise<TrialRow | undefined> {
    const { signal, retryFailed = false } = this.#options;
    const known = this.#folder.log.ended(trial, at.rung);
    if (known !== undefined && !(retryFailed && known.status === "failed")) return known;
    if (signal?.aborted) return undefined;
    const row = await this.#make(trial, at);
    this.#folder.log.append(row);
    if (row.status === "stopped") return undefined;
    this.#options.screen.log(this.#lineOf(row));
    return row;
  }

  async #make(number: number, { rung, stopAt }: { rung: number; stopAt?: number }): Promise<TrialRow> {
    const { objective, signal, now = () => performance.now() } = this.#options;
    const values = this.#points[number - 1];
    const began = now();
    const outcome = await objective({ number, values, stopAt, out: this.#folder.trialPath(number) }, signal);
    const seconds = Math.round(now() - began) / 1000;
    const nothing = { accuracy: null, loss: null, step: null };
    return { trial: number, rung, values, ...nothing, ...outcome, seconds };
  }

  /** `Trial 3 of 20: lr 0.001, dModel 80: accuracy 0.8125, loss 0.5321 at step 400, 00:12`. */
  #lineOf({ trial, values, status, accuracy, loss, step, seconds, reason }: TrialRow): string {
    const keys = keysOf(this.#plan.space).map((key) => `${key} ${valueText(values[key])}`).join(", ");
    const what = status === "failed"
      ? `failed: ${reason}`
      : `accuracy ${accuracy?.toFixed(4)}, loss ${loss?.toFixed(4)} at step ${step}, ${clock(seconds)}`;
    return `Trial ${trial} of ${this.#points.length}: ${keys}: ${what}`;
  }
}

function counted(trials: number): string {
  return trials === 1 ? "1 trial" : `${trials} trials`;
}
