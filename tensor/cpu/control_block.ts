/**
 * The words at the heap's beginning through which the main thread and the workers hand over jobs.
 * @module
 */

/** Word numbers. */
export const Control = {
  /** Number of the current job; workers sleep on it. */
  signal: 16,
  /** (number of the job, 20 bits) · 4096 + the next chunk; apart from the others, since everybody writes it. */
  ticket: 32,
  /** Chunks done. */
  done: 48,
  /** Chunks of the job. */
  total: 64,
  /** The job's module: its number, and where its bytes stand. */
  module: 65,
  modulePtr: 66,
  moduleBytes: 67,
  /** Number of the module's export. */
  function: 68,
  /** 1 once a chunk has failed on a worker. */
  failed: 69,
  /** 1 when workers have to end. */
  stop: 70,
  /** Added to the ticket's chunk. */
  first: 72,
  /** Workers that are up. */
  ready: 71,
} as const;

/** Words of the control block. */
export const CONTROL_WORDS = 128;
/** Bits of the ticket that count chunks. */
export const CHUNK_BITS = 12;
/** The ticket's chunk while a job is written down: no job has so many. */
export const CLOSED = 2 ** CHUNK_BITS - 1;
/** Jobs are numbered modulo this. */
export const EPOCHS = 2 ** (32 - CHUNK_BITS);
/** Address of the block of arguments. */
export const ARGS = 4096;
