/**
 * Training on waveforms: chunks of recordings drawn anew in each epoch.
 * @module
 */
export type { ChunkAugment } from "./chunk_augment.ts";
export { type LabelledRecording, type WaveformOptions, WaveformSource } from "./waveform_source.ts";
