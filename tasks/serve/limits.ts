/** How much the server takes. @module */

/** Limits of requests; all have defaults in {@linkcode defaultLimits}. */
export interface Limits {
  /** Longest body, in bytes. */
  readonly maxBytes: number;
  /** Longest JSON body, in bytes. */
  readonly maxJsonBytes: number;
  /** Audio of a request, all recordings together, in seconds. */
  readonly maxSeconds: number;
  /** Recordings of a request. */
  readonly maxFiles: number;
  /** Bodies that are being received at a time; slow clients take only this, never a place in the queue. */
  readonly maxUploads: number;
  /** Bytes of all bodies in memory together. */
  readonly maxHeldBytes: number;
  /** Seconds that sending a body may take. */
  readonly uploadSeconds: number;
  /** Seconds that a client may be silent in the middle of it. */
  readonly idleSeconds: number;
  /** Recordings that wait for the model. */
  readonly maxQueued: number;
  /** Requests a second of a client, in the long run; Infinity for no limit. */
  readonly rate: number;
  /** Requests of a client at once. */
  readonly burst: number;
}

/** What holds unless told otherwise. */
export const defaultLimits: Limits = {
  maxBytes: 16 * 2 ** 20,
  maxJsonBytes: 2 ** 18,
  maxSeconds: 60,
  maxFiles: 10,
  maxUploads: 256,
  maxHeldBytes: 128 * 2 ** 20,
  uploadSeconds: 30,
  idleSeconds: 10,
  maxQueued: 64,
  rate: 20,
  burst: 40,
};

/** The limits for recordings of so many seconds: bodies may be as long as in stereo at 48 kHz, or a little more. */
export function limitsFor(maxSeconds: number): Limits {
  const maxBytes = Math.max(defaultLimits.maxBytes, Math.ceil(maxSeconds) * 2 ** 18);
  return { ...defaultLimits, maxSeconds, maxBytes, maxHeldBytes: Math.max(defaultLimits.maxHeldBytes, 4 * maxBytes) };
}

/** Largest model file that browsers are sent, in bytes: what a visitor waits for and a phone has memory for. */
export const MAX_SHARED_BYTES = 64 * 2 ** 20;

/** Samples of a recording, all channels together: as many as 96 kHz in stereo have. */
export function maxSamplesOf(seconds: number): number {
  return seconds * 192_000;
}

/** Sample rates that are taken; resampling from others costs more than the recording is worth. */
export const sampleRates = { least: 4000, most: 192_000 };
