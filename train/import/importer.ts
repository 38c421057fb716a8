/** What a toolkit's importer does, and what it makes. @module */
import type { ArrayDict } from "../../data/files/mod.ts";
import type { ModelFacts } from "../model_facts.ts";
import type { ImportSource } from "./source.ts";
import type { Toolkit } from "./toolkits.ts";

/** What a user says about a model because its files do not. */
export interface ImportHints {
  /** Features that it takes: a preset's name or settings as JSON. */
  readonly features?: string;
  /** File with the classes' names in the order of the scores, one a line. */
  readonly labels?: string;
  /** Heads of attention. */
  readonly heads?: number;
}

/** A model of another toolkit as one of ours. */
export interface Imported {
  /** What the model's file will say besides its weights. */
  readonly facts: Omit<ModelFacts, "step" | "accuracy" | "validDigest">;
  /** Weights by the names of our model. */
  readonly arrays: ArrayDict;
  /** Lines for the user: what was left out, what was assumed. */
  readonly said: readonly string[];
  /** Names in the toolkit's files by our names, as far as they differ. */
  readonly names: ReadonlyMap<string, string>;
  /** The toolkit's name of a weight of ours that its files lack, for errors; default: ours. */
  readonly nameOf?: (name: string) => string;
  /** The weight file that errors name; the whole source unless told. */
  readonly file?: string;
}

/** A toolkit whose models can be imported. */
export interface Importer {
  /** Its name for `--from`. */
  readonly id: Toolkit;
  /** Its name in messages. */
  readonly toolkit: string;
  /** What its folders hold, in a few words, for the message that nothing was recognised. */
  readonly looksFor: string;
  /**
   * What a source holds, as "ECAPA-TDNN" or "WavLMForXVector, 12 layers of 768"; undefined where it is no model of this toolkit. Looks at
   * names of files and at small files.
   */
  recognise(source: ImportSource): Promise<string | undefined>;
  /**
   * Reads and converts.
   *
   * @throws {Error} A part is missing, damaged or of a kind that our models do not have; the message names file and key.
   */
  convert(source: ImportSource, hints: ImportHints): Promise<Imported>;
}
