/** What an exporter makes of a model. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import type { Origin } from "../import/origin.ts";
import type { ModelFacts } from "../model_facts.ts";

/** Toolkits for which models can be written, as `--to` takes them. */
export const exportTargets = ["huggingface", "speechbrain", "torch", "voxgrad"] as const;

/** One of them. */
export type ExportTarget = (typeof exportTargets)[number];

/** A model of ours as its file has it. */
export interface StoredModel {
  /** Path of the file, for messages. */
  readonly path: string;
  readonly facts: ModelFacts;
  readonly arrays: ArrayDict;
  /** Where it was imported from; null where it was trained here. */
  readonly origin: Origin | null;
}

/** A file to write. */
export type ExportedFile =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly torch: ArrayDict }
  | {
    readonly name: string;
    readonly safetensors: ArrayDict;
    readonly metadata: Readonly<Record<string, string>>;
  };

/** What to write, and what to say. */
export interface Exported {
  /** What the files are, for messages: "WavLMForXVector". */
  readonly what: string;
  /** The first one has the weights. */
  readonly files: readonly ExportedFile[];
  /** Lines for the user: what the files do not say, how they are loaded. */
  readonly said: readonly string[];
}

/** A toolkit to write for. */
export interface Exporter {
  readonly target: ExportTarget;
  /** Its name in messages. */
  readonly toolkit: string;
  /** Endings of a single file that it may be, without the files beside it; none: it is always a folder. */
  readonly endings: readonly string[];
  /**
   * Converts.
   *
   * @throws {RangeError} The toolkit has no such model; the message is the fact alone.
   */
  convert(model: StoredModel): Exported;
}

/** The names of all scores, those of classes at other speeds after the others. */
export function scoresOf({ classes, speedClasses = [] }: ModelFacts): readonly string[] {
  return [...classes, ...speedClasses];
}
