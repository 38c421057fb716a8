/**
 * Training on waveforms: chunks of recordings drawn anew in each epoch.
 * @module
 */
export { type LabelledRecording, type WaveformOptions, WaveformSource } from "./waveform_source.ts";
