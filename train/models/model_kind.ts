/** What an architecture has to tell the trainer. @module */
import type { Classifier } from "../../nn/mod.ts";
import type { Field } from "../fields.ts";
import type { TrainConfig } from "../train_config.ts";
import { trainFields, trainGroups } from "../train_fields.ts";

/** What the data decide about a model. */
export interface DataSizes {
  /** Values a frame. */
  readonly channels: number;
  readonly classes: number;
}

/** Options of a model as a model file holds them: plain JSON. */
export type ModelOptions = Readonly<Record<string, unknown>>;

/** A part that several architectures have. */
export interface SharedBody {
  /** Architectures with the same name have the same part. */
  readonly name: string;
  /** The model's field that holds it. */
  readonly field: string;
  /** Options of the model that concern it. */
  readonly options: readonly string[];
  /** Keys of a config that do. */
  readonly keys: readonly (keyof TrainConfig)[];
}

/** An architecture by name. */
export interface ModelKind {
  /**
   * Whether it looks at clips of one length, as networks on pictures do: a clip is then padded or cropped to it wherever the model is used.
   * Else it takes whole utterances and masks what is padding.
   */
  readonly fixedClips: boolean;
  /** Whether it listens to samples (features of kind "waveform") and to nothing else; undefined counts as false. */
  readonly takesWaveforms?: boolean;
  /** The part that other architectures have as well, so that one can start from another's weights; undefined where none has it. */
  readonly body?: SharedBody;
  /** The module's options for a config and the data. */
  optionsOf(config: TrainConfig, sizes: DataSizes): ModelOptions;
  /** Keys of a config that give such options, as far as there are keys for them; `dropout` and what heads have aside. */
  keysOf(options: ModelOptions): Partial<TrainConfig>;
  /** How many classes a model with such options has scores for. */
  classesOf(options: ModelOptions): number;
  /**
   * Its layers from the lowest to the highest, for rates that fall from layer to layer: beginnings of weights' names, several of one layer
   * with spaces between them. `#` is a number, and each of its values a layer. What none fits, such as the head, lies above them all.
   */
  layersOf(options: ModelOptions): readonly string[];
  /** A model with fresh weights on the current device. */
  build(options: ModelOptions): Classifier;
  /**
   * Looks at the keys of a config that only this architecture has.
   *
   * @throws {RangeError} Where no model can be made of them.
   */
  check(config: TrainConfig): void;
}

/** A kind from functions that know their own options. */
export function modelKind<O extends object>(kind: {
  readonly fixedClips: boolean;
  readonly takesWaveforms?: boolean;
  readonly body?: SharedBody;
  readonly optionsOf: (config: TrainConfig, sizes: DataSizes) => O;
  /** Keys with another name or meaning than the option that they give. */
  readonly keysOf?: (options: O) => Partial<TrainConfig>;
  readonly classesOf: (options: O) => number;
  readonly layersOf: (options: O) => readonly string[];
  readonly build: (options: O) => Classifier;
  readonly check?: (config: TrainConfig) => void;
}): ModelKind {
  return {
    fixedClips: kind.fixedClips,
    takesWaveforms: kind.takesWaveforms ?? false,
    body: kind.body,
    optionsOf: (config, sizes) => Object.fromEntries(Object.entries(kind.optionsOf(config, sizes))),
    // what optionsOf made, maybe by way of a file
    keysOf: (options) => ({ ...namesakes(options), ...kind.keysOf?.(options as O) }),
    classesOf: (options) => kind.classesOf(options as O),
    layersOf: (options) => kind.layersOf(options as O),
    build: (options) => kind.build(options as O),
    check: (config) => kind.check?.(config),
  };
}

/** Options that are keys of the same name, with values that such a key may have. */
function namesakes(options: ModelOptions): Partial<TrainConfig> {
  const fields = new Map<string, Field<unknown>>(trainGroups.Model.map((key) => [key, trainFields[key]]));
  const found = Object.entries(options).filter(([key, value]) => fields.get(key)?.check(value) !== undefined);
  return Object.fromEntries(found.filter(([key]) => key !== "dropout"));
}

/** The options that all models' heads have: a margin on angles needs a head of cosines. */
export function headOf({ head, loss, scale }: TrainConfig) {
  return { head, cosineHead: loss !== "cross-entropy", scale };
}

/** The options that attention has in all models that have any. */
export function attentionOf({ attention, attentionWindow, linformerRank, maxTime }: TrainConfig) {
  return { attention, attentionWindow, linformerRank, maxTime };
}
