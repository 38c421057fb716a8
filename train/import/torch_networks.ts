/** Networks that people keep as a state dict and no more: which one it is, and how large, is seen by its names and shapes. @module */
import type { ModelName } from "../train_config.ts";
import type { ModelOptions } from "../models/mod.ts";
import { classifierOfHomework } from "./homework_network.ts";
import type { ImportHints } from "./importer.ts";
import { residualNetwork } from "./resnet_network.ts";
import { soundCnn } from "./sound_cnn_network.ts";

/** Shapes of a network's weights by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** A network, as far as its weights tell. */
export interface FoundNetwork {
  /** In a few words: "ResNet18, 1 input channel". */
  readonly what: string;
  readonly architecture: ModelName;
  /** How many classes its head has scores for. */
  readonly classes: number;
  /** What such a class is: "speaker". */
  readonly noun: string;
  /** The model's options. */
  readonly options: ModelOptions;
  /** Values a frame where the weights say; null where any number of them will do. */
  readonly channels: number | null;
  /** Whether it looks at clips of one length. */
  readonly fixedClips: boolean;
  /** Preset of the features that it was made for; null where nobody can say. */
  readonly usualFeatures: string | null;
  /** The name of a weight in our model; null for one that it has no use for. */
  ours(name: string): string | null;
  /** Lines for the user: what was assumed. */
  readonly said: readonly string[];
}

/** A kind of network. */
export interface NetworkKind {
  /** Where its importer finds it: see {@linkcode Importer.id}. */
  readonly toolkit: "torchvision" | "homework";
  /** A weight by which it is known; what stands before it in a file stands before all. */
  readonly marks: readonly string[];
  /**
   * Looks at names and shapes, without anything that stands before the names.
   *
   * @returns undefined where it is another network
   * @throws {RangeError} It is one that our models do not have; the message is the fact alone.
   */
  find(shapes: Shapes, hints: ImportHints): FoundNetwork | undefined;
}

const kinds: readonly NetworkKind[] = [residualNetwork, soundCnn, classifierOfHomework];

/** A network in a file, and what stands before its names there. */
export interface PlacedNetwork {
  readonly kind: NetworkKind;
  /** `state_dict.model.`, `module.` or nothing. */
  readonly prefix: string;
}

/** The networks that a file may hold. Looks for their marks alone, so that what is wrong with one is said when it is converted. */
export function networksIn(shapes: Shapes): PlacedNetwork[] {
  return kinds.flatMap((kind) => {
    const places = [...shapes.keys()].flatMap((name) => {
      const mark = kind.marks.find((mark) => name === mark || name.endsWith(`.${mark}`));
      return mark === undefined ? [] : [name.slice(0, name.length - mark.length)];
    });
    return [...new Set(places)].filter((prefix) => isKind(kind, below(shapes, prefix))).map((prefix) => ({
      kind,
      prefix,
    }));
  });
}

function isKind(kind: NetworkKind, shapes: Shapes): boolean {
  try {
    return kind.find(shapes, {}) !== undefined;
  } catch {
    return true; // of the kind, with something about it that has to be said
  }
}

/** The shapes of what begins with a prefix, without it. */
export function below(shapes: Shapes, prefix: string): Map<string, readonly number[]> {
  const found = [...shapes].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, shape]) => [name.slice(prefix.length), shape]));
}
