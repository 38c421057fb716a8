/** Everything a run continues from, as one file. @module */
import type { TrainingBatchState } from "../data/batches/mod.ts";
import type { ArrayDict } from "../data/files/mod.ts";
import type { Classifier } from "../nn/mod.ts";
import { type RandomState, randomState, setRandomState } from "../tensor/mod.ts";
import type { Optimizer } from "./optim/mod.ts";
import type { Checkpoint, Saved } from "./run_folder.ts";
import type { Unlogged } from "./step_log.ts";
import { type MetricSchedule, type Schedule, watchesMetric } from "./schedules/schedule.ts";

/** How far a run has come. */
export interface Progress {
  /** Steps done. */
  step: number;
  /** Best validation accuracy so far; −1 before the first. */
  bestAccuracy: number;
  /** Validation loss at that step: of equal accuracies the one with the lower loss is better. */
  bestLoss: number;
  bestStep: number;
  /** Validations since then. */
  stale: number;
  /** Step of the last validation; 0 before the first. */
  validatedStep: number;
  /** Step up to which checkpoints were averaged; 0 before. */
  averagedStep: number;
  /** Results that no row of metrics holds yet. */
  unlogged: Unlogged;
}

/** Where a run begins. */
export function freshProgress(): Progress {
  const unlogged = { steps: 0, loss: 0, correct: 0 };
  return { step: 0, bestAccuracy: -1, bestLoss: 0, bestStep: 0, stale: 0, validatedStep: 0, averagedStep: 0, unlogged };
}

/** The parts whose state a checkpoint holds. */
export interface RunParts {
  readonly model: Classifier;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly batches: { readonly state: TrainingBatchState; restore(state: TrainingBatchState): void };
  readonly progress: Progress;
  /** Class names, so that a checkpoint is not continued on other data. */
  readonly classes: readonly string[];
}

interface State {
  readonly progress: Progress;
  readonly batches: TrainingBatchState;
  readonly random: RandomState;
  readonly optimizerSteps: number[];
  readonly schedule: Record<string, number> | null;
  readonly classes: readonly string[];
}

const [MODEL, OPTIMIZER] = ["model.", "optimizer."];

/** Reads every part's state. */
export async function makeCheckpoint(
  { model, optimizer, schedule, batches, progress, classes }: RunParts,
): Promise<Saved> {
  const { arrays: moments, steps } = await optimizer.state();
  const weights = await model.stateArrays();
  const state: State = {
    progress,
    batches: batches.state,
    random: randomState(),
    optimizerSteps: steps,
    schedule: watchesMetric(schedule) ? schedule.stateDict() : null,
    classes,
  };
  const arrays = Object.fromEntries([
    ...Object.entries(weights).map(([name, array]) => [MODEL + name, array]),
    ...Object.entries(moments).map(([name, array]) => [OPTIMIZER + name, array]),
  ]);
  return { arrays, metadata: { format: "voxgrad checkpoint 1", state: JSON.stringify(state) } };
}

/** Puts every part back to where the checkpoint was made. */
export function restoreCheckpoint({ arrays, metadata, path }: Checkpoint, parts: RunParts): void {
  if (metadata.format !== "voxgrad checkpoint 1") {
    throw new Error(`Cannot resume from "${path}": it is not a checkpoint`);
  }
  const state: State = JSON.parse(metadata.state);
  if (String(state.classes) !== String(parts.classes)) {
    throw new Error(
      `Cannot resume from "${path}": it was trained on ${state.classes.length} other classes than the ${parts.classes.length} of this data`,
    );
  }
  parts.model.loadStateDict(under(MODEL, arrays));
  const moments = under(OPTIMIZER, arrays) as Record<string, { shape: number[]; data: Float32Array<ArrayBuffer> }>;
  parts.optimizer.loadState({ arrays: moments, steps: state.optimizerSteps });
  if (watchesMetric(parts.schedule) && state.schedule !== null) {
    (parts.schedule as MetricSchedule).loadStateDict(state.schedule);
  }
  parts.batches.restore(state.batches);
  setRandomState(state.random);
  Object.assign(parts.progress, state.progress);
}

/** The arrays whose names begin with a prefix, without it. */
function under(prefix: string, arrays: Readonly<ArrayDict>): ArrayDict {
  const found = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(found.map(([name, array]) => [name.slice(prefix.length), array]));
}

/** The model's weights in a checkpoint, by their names in the model. */
export function weightsOf({ arrays }: Saved): ArrayDict {
  return under(MODEL, arrays);
}
