/** Embeddings that PLDA is trained on: of recordings, or of windows of them where no speaker has two recordings. @module */
import { embedWindows } from "./embed_windows.ts";
import { Embedder } from "./embedder.ts";
import { matrixOf, type VectorMatrix } from "./vector_matrix.ts";
import { type DataOptions, listRecordings, openEmbedded } from "./verification_data.ts";
import { join } from "node:path";

/** Windows of this many seconds are taken where no speaker has two recordings. */
const USUAL_WINDOW = 3;

/** Embeddings with their speakers. */
export interface PldaData {
  /** Speaker of each. */
  readonly labels: readonly string[];
  readonly embeddings: VectorMatrix;
  /** Longest window; null where recordings are taken whole. */
  readonly windowSeconds: number | null;
}

/**
 * Embeds what PLDA shall learn from. Windows of one recording differ less than recordings do: a PLDA of windows alone takes the room and the
 * microphone for the speaker's.
 *
 * @param path folders named by the speakers, a list of recordings, or a data set
 * @throws {Error} Where nothing says who speaks, or nothing can be used.
 */
export async function openForPlda(
  path: string,
  { pldaWindow, ...given }: DataOptions & { readonly pldaWindow?: number },
): Promise<PldaData> {
  const options = { ...given, label: undefined, labelColumn: undefined, mustSayWho: true };
  if (await Deno.stat(join(path, "metadata.json")).then(() => true, () => false)) {
    if (pldaWindow !== undefined) {
      throw new Error(`Cannot train PLDA: --plda-window is for recordings, and "${path}" is a data set`);
    }
    const { labels, embeddings } = await openEmbedded(path, options);
    return { labels: labels!, embeddings, windowSeconds: null };
  }
  const { recordings, labels } = await listRecordings(path, options);
  if (labels === null) throw new Error("internal: recordings without speakers were listed");
  const isSingle = new Set(labels).size === labels.length;
  const windowSeconds = pldaWindow ?? (isSingle ? USUAL_WINDOW : null);
  const found = await embedWindows(new Embedder(options.loaded, options), recordings, {
    ...options,
    windowSeconds: windowSeconds ?? Infinity,
  });
  if (found.length === 0) throw new Error(`Cannot train PLDA: none of the recordings in "${path}" can be used`);
  return {
    labels: found.map(({ place }) => labels[place]),
    embeddings: matrixOf(found.map(({ embedding }) => embedding)),
    windowSeconds,
  };
}
