/** Recordings as a trained model wants them. @module */
import type { UtteranceSource } from "../data/sets/mod.ts";
import { shortFault } from "./least_length.ts";
import type { LoadedModel } from "./model_from_bytes.ts";
import type { Screen } from "./progress.ts";
import { readRecordings, type RecordingToRead } from "./recordings_source.ts";

/** A recording left out. */
export interface Skipped {
  /** Its name in predictions. */
  readonly name: string;
  /** Why it cannot be used. */
  readonly reason: string;
}

/** Options of {@linkcode readForModel}. */
export interface ReadForModelOptions {
  /** Begins errors: "predict", "evaluate". */
  readonly verb: string;
  /** Told of recordings that are left out. */
  readonly screen: Screen;
  /** Gets them. */
  readonly skipped: Skipped[];
}

/**
 * Features of recordings by the model's own settings; one that cannot be read, or is too short for the model, is left out and named.
 *
 * @throws {Error} Where the model does not know its settings, or no recording can be used.
 */
export async function readForModel(
  { featureSettings, model, viewing }: Pick<LoadedModel, "featureSettings" | "model" | "viewing">,
  recordings: readonly RecordingToRead[],
  { verb, screen, skipped }: ReadForModelOptions,
): Promise<UtteranceSource & Disposable> {
  if (featureSettings === null) {
    throw new Error(
      `Cannot ${verb} recordings: the model was trained on features whose settings are not known; ` +
        "give a data set with --data DIR",
    );
  }
  const onBroken = ({ id: name }: RecordingToRead, reason: string) => {
    skipped.push({ name, reason });
    screen.log(`Skipped: ${reason}`);
  };
  const faultOf = (frames: number) => viewing.fixed ? null : shortFault(frames, model, featureSettings);
  const source = await readRecordings(recordings, featureSettings, { screen, onBroken, faultOf });
  if (source.utterances.length === 0) { // no earlier results shall be replaced by empty ones
    throw new Error(
      `Cannot ${verb}: none of ${recordings.length} recordings can be used (a folder of them is given with --data)`,
    );
  }
  return { ...source, [Symbol.dispose]() {} };
}
