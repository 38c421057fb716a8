/** The mean of several checkpoints' weights. @module */
import type { ArrayDict } from "../data/files/mod.ts";
import { weightsOf } from "./checkpoint.ts";
import type { Checkpoint } from "./run_folder.ts";

/**
 * Weights averaged over checkpoints of one run ("Polyak averaging", over checkpoints as in Vaswani et al. 2017): often better than those of
 * any one step. Counters (integers) are the newest checkpoint's.
 *
 * @param checkpoints at least one, newest first
 */
export function averageWeights(checkpoints: readonly Checkpoint[]): ArrayDict {
  const all = checkpoints.map(weightsOf);
  return Object.fromEntries(
    Object.entries(all[0]).map(([name, newest]) => {
      if (!(newest.data instanceof Float32Array)) return [name, newest];
      const data = newest.data.map((_, i) => all.reduce((sum, weights) => sum + weights[name].data[i], 0) / all.length);
      return [name, { ...newest, data }];
    }),
  );
}
