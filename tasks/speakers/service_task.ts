/** What the tasks about speakers have in common: options, and a database with the model that it was written with. @module */
import { resolve } from "node:path";
import { speakerName } from "../../data/speakers/speaker_name.ts";
import { SpeakerStore } from "../../data/speakers/speaker_store.ts";
import { choice, flag, number, text } from "../../train/fields.ts";
import { loadModel, modelFileOf } from "../../train/model_file.ts";
import type { LoadedModel } from "../../train/model_from_bytes.ts";
import { onDevice } from "../../train/on_device.ts";
import { Screen } from "../../train/progress.ts";
import { Embedder } from "../../train/verification/embedder.ts";
import { isCalibrated, type Judge, judgeOf } from "../../train/verification/judge.ts";
import { SpeakerService } from "../../train/verification/speaker_service.ts";
import { withDefault } from "../cli/command.ts";
import { asUsageError, UsageError } from "../cli/errors.ts";

/** Options of every task about speakers. */
export const dbOption = {
  db: withDefault(text("Database of speakers", { placeholder: "FILE" }), "speakers.db"),
};

/** Options of those that embed. */
export const modelOptions = {
  model: text("Run folder (its best model is taken), or a .safetensors file; default: the database's", {
    placeholder: "RUN|FILE",
  }),
  ...dbOption,
  device: withDefault(
    choice("Where to compute; auto: a real GPU, else the CPU", ["auto", "webgpu", "cpu"]),
    "auto",
  ),
};

/** Options of those that judge. */
export const judgeOptions = {
  threshold: number("Scores from here on are the same speaker; default: as the model was calibrated"),
};

/** Option of those whose answer may be read by a program. */
export const jsonOption = { json: flag("Print the answer as JSON, and everything else on stderr") };

/**
 * A name as it is stored.
 *
 * @throws {UsageError} where it cannot be one
 */
export function nameArgument(given: string): string {
  try {
    return speakerName(given);
  } catch (error) {
    throw asUsageError(error);
  }
}

/** A screen that leaves stdout alone where an answer in JSON goes there. */
export function screenFor({ json }: { readonly json: boolean | undefined }): Screen {
  const encoder = new TextEncoder();
  return json ? new Screen({ writeOut: (line) => void Deno.stderr.writeSync(encoder.encode(line)) }) : new Screen();
}

/** What a task works with. */
export interface OpenService {
  readonly service: SpeakerService;
  readonly embedder: Embedder;
  readonly loaded: LoadedModel;
  /** Where the model lies, as given or remembered. */
  readonly modelPath: string;
  readonly judge: Judge | null;
}

/** How to open. */
export interface OpenRequest {
  readonly model?: string;
  readonly db: string;
  readonly device: "auto" | "webgpu" | "cpu";
  readonly threshold?: number;
  /** Whether the task makes a database where there is none. */
  readonly create: boolean;
  /** "needed": without a calibration or threshold there is an error. "if calibrated": for the record only. */
  readonly judge: "needed" | "if calibrated";
  /** Largest size of the database in bytes. */
  readonly maxBytes?: number;
}

/** Opens database, device and model, works, and closes them again. */
export async function withService<T>(
  request: OpenRequest,
  { screen, work }: { screen: Screen; work: (open: OpenService) => Promise<T> },
): Promise<T> {
  const { db, create, maxBytes, device } = request;
  // Before the database is made: a mistyped model, or none, shall leave none behind.
  if (request.model !== undefined) await modelFileOf(request.model);
  else if (create && !await isThere(db)) throw needsModel(db);
  using store = new SpeakerStore(db, { create, maxBytes });
  const modelPath = request.model ?? store.model?.name;
  if (modelPath === undefined) throw needsModel(db);
  return await onDevice(device, {
    screen,
    work: async () => {
      const loaded = await loadModel(modelPath), embedder = new Embedder(loaded);
      const judge = await judgeFor(modelPath, { ...request, id: loaded.id });
      const model = { id: loaded.id, name: resolve(modelPath), dim: embedder.dim };
      return await work({ service: new SpeakerService(store, { model, judge }), embedder, loaded, modelPath, judge });
    },
  });
}

function isThere(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, (error) => !(error instanceof Deno.errors.NotFound));
}

function needsModel(db: string): UsageError {
  return new UsageError(
    `Cannot go without --model: nobody is enrolled in "${db}" yet, so that it knows of no model`,
  );
}

async function judgeFor(model: string, { id, judge, threshold }: OpenRequest & { id: string }): Promise<Judge | null> {
  const isWanted = judge === "needed" || await isCalibrated(model);
  return isWanted ? await judgeOf(model, { id, threshold }) : null;
}
