/** Which part of the data is evaluated. @module */
import { readSplitTable, type Split } from "../../data/sets/mod.ts";
import { digestOfNames } from "../digest_of_names.ts";
import { splitOf } from "../split_of.ts";
import type { TrainConfig } from "../train_config.ts";
import type { LabelledData } from "./labelled_data.ts";
import { counted } from "./numbers.ts";

/** What to evaluate of data. */
export interface PartRequest {
  /**
   * "auto": what the run kept for validation, if these are the data that it was trained on, else all; "valid": that or an
   * error; "test": the run's test fold; "all": everything, whatever the model was trained on.
   */
  readonly part: "auto" | "valid" | "test" | "all";
  /** CSV file with the columns `file` and `fold` (or `split`): only `fold` of it is evaluated, instead of a `part`. */
  readonly folds?: string;
  /** A fold of that file. */
  readonly fold?: string;
}

/** The part that was chosen. */
export interface ChosenPart {
  /** Places of its utterances, ascending. */
  readonly indices: readonly number[];
  /** What it is, in words. */
  readonly description: string;
  /** A few letters for the name of a folder. */
  readonly name: string;
}

/**
 * Chooses.
 *
 * @param data labelled utterances
 * @param request what is wanted
 * @param run config of the run if these are its data, else null; and the digest of what it kept for validation, if known
 * @throws {Error} Where there is no such part, or the data have changed so that it would not be the run's.
 */
export async function choosePart(
  data: Pick<LabelledData, "utterances" | "classes">,
  { part, folds, fold, config, validDigest }: PartRequest & { config: TrainConfig | null; validDigest?: number },
): Promise<ChosenPart> {
  if (folds !== undefined && fold !== undefined) return await foldOf(data, { folds, fold });
  if (part === "test") {
    if (config === null) throw new Error("Cannot evaluate the run's test fold: these are not the data of the run");
    if (config.folds === "" || config.testFold === "") {
      throw new Error(
        "Cannot evaluate the run's test fold: it kept none; give --folds FILE and --fold X " +
          "(a test part without labels is for deno task infer)",
      );
    }
    await splitOfRun(data, { config, validDigest });
    return await foldOf(data, { folds: config.folds, fold: config.testFold });
  }
  if (part === "valid" && config === null) {
    throw new Error("Cannot evaluate the run's validation split: these are not the data of the run; give --all");
  }
  const { length } = data.utterances;
  if (config === null) return { ...all(length), description: `all ${counted(length, "utterance")}` };
  if (part === "all") {
    const { train } = await splitOf(config, data);
    return { ...all(length), description: `all ${counted(length, "utterance")}, ${train.length} of them trained on` };
  }
  const { valid } = await splitOfRun(data, { config, validDigest });
  const count = (n: number) => `${n} of ${counted(length, "utterance")}`;
  if (valid.length === 0) throw new Error("Cannot evaluate the run's validation split: it kept none; give --all");
  return { indices: valid, description: `validation split of the run, ${count(valid.length)}`, name: "valid" };
}

/** The run's split, unless utterances that it trained on could be in another part of it by now. */
async function splitOfRun(
  data: Pick<LabelledData, "utterances" | "classes">,
  { config, validDigest }: { config: TrainConfig; validDigest?: number },
): Promise<Split> {
  const split = await splitOf(config, data);
  const digest = digestOfNames(split.valid.map((i) => data.utterances[i].id));
  if (validDigest === undefined || digest === validDigest) return split;
  throw new Error(
    "Cannot evaluate a part of the run's split: the data have changed since, and what it trained on may be in it; " +
      "give --folds FILE and --fold X, or --all",
  );
}

function all(length: number): Pick<ChosenPart, "indices" | "name"> {
  return { indices: Array.from({ length }, (_, i) => i), name: "all" };
}

async function foldOf(
  { utterances }: Pick<LabelledData, "utterances">,
  { folds, fold }: { folds: string; fold: string },
): Promise<ChosenPart> {
  const table = await readSplitTable(folds);
  if (!table.folds.includes(fold)) {
    throw new Error(
      `Cannot evaluate fold "${fold}" of "${folds}": its folds are ${table.folds.slice(0, 20).join(", ")}`,
    );
  }
  const own = table.foldsOf(utterances.map(({ id }) => id));
  const indices = [...own.keys()].filter((i) => own[i] === fold);
  if (indices.length === 0) throw new Error(`Cannot evaluate fold "${fold}" of "${folds}": no utterance is in it`);
  const description = `fold ${fold} of ${folds}, ${indices.length} of ${counted(utterances.length, "utterance")}`;
  return { indices, description, name: `fold-${fold}` };
}
