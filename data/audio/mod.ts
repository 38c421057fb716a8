/**
 * Recordings to mono waveforms.
 *
 * @module
 */
export { decodeAudio, type DecodeOptions } from "./decode.ts";
export { readAudio, type ReadAudioOptions } from "./read.ts";
export { type Recording, type UnreadableKind, UnreadableRecording } from "./recording.ts";
export { encodeWav } from "./wav.ts";
