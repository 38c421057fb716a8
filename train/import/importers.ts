/** All toolkits whose models can be imported, and how a source finds its own. @module */
import { homework } from "./homework.ts";
import { huggingface } from "./huggingface.ts";
import type { Importer } from "./importer.ts";
import { lightning } from "./lightning.ts";
import { olderRuns } from "./older_runs.ts";
import { onnx } from "./onnx.ts";
import type { ImportSource } from "./source.ts";
import { speechbrain } from "./speechbrain.ts";
import { threedSpeaker } from "./threed_speaker.ts";
import { torchvision } from "./torchvision.ts";
import { wespeaker } from "./wespeaker.ts";

/** In the order in which they are asked. */
export const importers: readonly Importer[] = [
  huggingface,
  speechbrain,
  wespeaker,
  threedSpeaker,
  torchvision,
  homework,
  lightning,
  olderRuns,
  onnx,
];

/** A source's toolkit, and what it found. */
export interface Recognised {
  readonly importer: Importer;
  /** "Hugging Face WavLMForXVector, 12 layers of 768". */
  readonly what: string;
}

/** Every toolkit that knows a source. */
export async function recognise(source: ImportSource): Promise<Recognised[]> {
  const found = await Promise.all(importers.map(async (importer) => {
    const what = await importer.recognise(source);
    return what === undefined ? [] : [{ importer, what: `${importer.toolkit} ${what}` }];
  }));
  return found.flat();
}
