/** Finding the weight file of a source that is a state dict and no more. @module */
import { networksIn, type PlacedNetwork } from "./torch_networks.ts";
import type { ImportSource, PlainValue, WeightsOutline } from "./source.ts";
import { weightEndings } from "./source.ts";

/** A file with a network in it. */
export interface NetworkFile {
  readonly name: string;
  readonly outline: WeightsOutline;
  readonly networks: readonly PlacedNetwork[];
}

/** Files of a folder that are looked into: one with more is a data set. */
const MOST_FILES = 50;

/** Whether a file is a checkpoint of PyTorch Lightning, which has the weights below `state_dict`. */
export function isLightning(values: ReadonlyMap<string, PlainValue>, networks: readonly PlacedNetwork[]): boolean {
  return values.has("pytorch-lightning_version") || networks.some(({ prefix }) => prefix.startsWith("state_dict."));
}

/**
 * The files of a source, not those in folders inside, that hold a known network.
 *
 * @throws {Error} A file that stands alone cannot be read.
 */
export async function networkFiles(source: ImportSource): Promise<NetworkFile[]> {
  const names = [...source.files.keys()].filter((name) => {
    const ending = weightEndings.find((ending) => name.toLowerCase().endsWith(ending));
    return !name.includes("/") && ending !== undefined && ending !== ".onnx";
  });
  if (names.length > MOST_FILES) return [];
  const isAlone = source.files.size === 1;
  const found = await Promise.all(names.map(async (name) => {
    const outline = await source.outline(name).catch((error) => {
      if (isAlone) throw error;
      return undefined; // in a folder it may be anything, and whoever knows the folder says what is wrong with it
    });
    const networks = outline === undefined ? [] : networksIn(outline.shapes);
    return outline === undefined || networks.length === 0 ? [] : [{ name, outline, networks }];
  }));
  return found.flat();
}
