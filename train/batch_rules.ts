/** What a model and its kind of input ask of batches. @module */
import type { FeatureSettings } from "../data/features/mod.ts";
import type { Classifier } from "../nn/mod.ts";

/** Frames of a batch of whole utterances are rounded up to this, so that few shapes occur. */
const TIME_MULTIPLE = 16;

/**
 * Most samples a batch of waveforms, and in a window of one: 20 s at 16 kHz. The first convolution of WavLM makes of each sample 102 numbers (512
 * for every fifth), so that its output still fits into 128 MiB, the largest array that every GPU can bind.
 */
const MOST_SAMPLES = 320_000;

/** How utterances go through a model together. */
export interface BatchRules {
  /** Frames of a batch of whole utterances are rounded up to a multiple of this. */
  readonly timeMultiple: number;
  /** Whether only utterances of one length share a batch, without padding: see `Classifier.mixesPadding`. */
  readonly equalLengths: boolean;
  /** Most frames a batch, padding included; undefined for what is usual with features. */
  readonly maxFrames: number | undefined;
  /** Most frames of an utterance that go through at once; longer ones are cut into equal windows whose results are averaged. */
  readonly windowFrames: number;
}

/**
 * The rules for a model.
 *
 * @param settings of its features; null where they are not known
 */
export function batchRulesOf(
  { mixesPadding = false }: Pick<Classifier, "mixesPadding">,
  settings: FeatureSettings | null,
): BatchRules {
  const listens = settings?.kind === "waveform";
  return {
    timeMultiple: mixesPadding ? 1 : TIME_MULTIPLE,
    equalLengths: mixesPadding,
    maxFrames: listens ? MOST_SAMPLES : undefined,
    windowFrames: listens ? MOST_SAMPLES : Infinity,
  };
}
