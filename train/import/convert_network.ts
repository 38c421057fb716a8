/** Making a model of a state dict. @module */
import { createFeatures, type FeatureSettings, framesOf, parseFeatureSettings } from "../../data/features/mod.ts";
import type { Viewing } from "../viewing.ts";
import type { Imported, ImportHints } from "./importer.ts";
import { labelsOf } from "./labels.ts";
import type { ImportSource } from "./source.ts";
import type { NetworkFile } from "./torch_file_source.ts";
import { below, type FoundNetwork } from "./torch_networks.ts";

/** What is known beside the state dict. */
export interface NetworkRequest {
  readonly file: NetworkFile;
  readonly hints: ImportHints;
  /** Names of the classes, where a file beside it has them and the user gives none. */
  readonly classes?: (count: number) => Promise<readonly string[] | undefined>;
  /** Features, where the file says something of them and the user gives none. */
  readonly features?: FeatureSettings;
  /** Seconds of a clip, for networks that look at such; default 5. */
  readonly clipSeconds?: number;
  /** Lines for the user. */
  readonly said?: readonly string[];
}

/** Frames of a clip where nothing says how long one is: five seconds of the sound write-up's features. */
const CLIP_FRAMES = 501, CLIP_SECONDS = 5;

/**
 * Reads and converts a network.
 *
 * @throws {Error} It holds two of them, or one that our models do not have; the features are not those of its width.
 */
export async function convertNetwork(source: ImportSource, request: NetworkRequest): Promise<Imported> {
  const { file: { name, outline, networks }, hints, said = [] } = request;
  const path = source.pathOf(name), { kind, prefix } = networks[0];
  if (networks.length > 1) {
    const list = networks.map(({ prefix }) => `"${prefix}"`).join(" and ");
    throw new RangeError(
      `Cannot import "${path}": it holds more than one network, behind ${list}; save one of them alone`,
    );
  }
  const network = findIn(path, () => kind.find(below(outline.shapes, prefix), hints)!);
  const { featureSettings, channels, line } = featuresOf(network, { path, request });
  const { classes, said: classLines } = await classesOf(network, request);
  const { arrays } = await source.weights(name, { wanted: (weight) => weight.startsWith(prefix) });
  const names = new Map<string, string>();
  const ours = Object.entries(arrays).flatMap(([theirs, array]): [string, typeof array][] => {
    const renamed = network.ours(theirs.slice(prefix.length));
    if (renamed === null) return [];
    if (renamed !== theirs) names.set(renamed, theirs);
    return [[renamed, array]];
  });
  return {
    facts: {
      architecture: network.architecture,
      options: network.options,
      channels,
      viewing: viewingOf(network, { featureSettings, clipSeconds: request.clipSeconds }),
      classes,
      featureSettings,
    },
    arrays: Object.fromEntries(ours),
    said: [...network.said, ...said, ...line, ...classLines],
    names,
    file: path,
  };
}

/** Puts the file before what a kind has to say. */
function findIn(path: string, find: () => FoundNetwork): FoundNetwork {
  try {
    return find();
  } catch (error) {
    throw new RangeError(`Cannot import "${path}": ${(error as Error).message}`, { cause: error });
  }
}

/** What a network listens to, as far as anybody says. */
function featuresOf(network: FoundNetwork, { path, request: { hints, features } }: {
  path: string;
  request: NetworkRequest;
}): { featureSettings: FeatureSettings | null; channels: number; line: string[] } {
  const given = hints.features ?? (features === undefined ? network.usualFeatures ?? undefined : undefined);
  const featureSettings = given === undefined ? features ?? null : parseFeatureSettings(given);
  if (featureSettings === null) {
    const line =
      `It does not say which features it takes: without --features PRESET it takes ready ones, and no recordings`;
    return { featureSettings, channels: network.channels ?? 64, line: [line] };
  }
  const { channels } = createFeatures(featureSettings);
  if (network.channels !== null && channels !== network.channels) {
    throw new RangeError(
      `Cannot import "${path}": it takes frames of ${network.channels} channels, and ` +
        `${hints.features === undefined ? "its features" : `--features ${hints.features}`} have ${channels}`,
    );
  }
  const isAssumed = hints.features === undefined && features === undefined;
  const line = `Features are ${given}, those of the homework: the file does not say; --features PRESET says otherwise`;
  return { featureSettings, channels, line: isAssumed ? [line] : [] };
}

async function classesOf(
  { classes: count, noun }: FoundNetwork,
  { hints, classes }: NetworkRequest,
): Promise<{ classes: readonly string[]; said: readonly string[] }> {
  const known = hints.labels === undefined ? await classes?.(count) : undefined;
  return known === undefined ? await labelsOf({ count, file: hints.labels, noun }) : { classes: known, said: [] };
}

function viewingOf({ fixedClips }: FoundNetwork, { featureSettings, clipSeconds = CLIP_SECONDS }: {
  featureSettings: FeatureSettings | null;
  clipSeconds?: number;
}): Viewing {
  if (!fixedClips) return { mode: "whole", frames: 128, crops: 1, fixed: false };
  const frames = featureSettings === null ? CLIP_FRAMES : framesOf(clipSeconds, featureSettings);
  return { mode: "crops", frames, crops: 1, fixed: true };
}
