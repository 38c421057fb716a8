import { readAudio } from "../audio/mod.ts";
import { augment } from "../augment/augment.ts";
import type { AugmentPlan } from "../augment/plan.ts";
import { createFeatures } from "../features/create.ts";
import { parseFeatureSettings } from "../features/settings.ts";
import { isSilent } from "../features/silence.ts";
import { ownBuffer } from "../threads/own_buffer.ts";
import { cutWave, type StoredWave, storeWave, type WaveCut } from "./stored_wave.ts";

/** What can be asked about a recording; `path` names it in errors. */
export type WaveJob = ReadJob | FeatureJob;

/** Reads it. */
export interface ReadJob {
  readonly kind: "read";
  readonly path: string;
}

/** A part of a recording in memory. */
export interface StoredCut {
  readonly wave: StoredWave;
  /** Default: all of it. */
  readonly cut?: WaveCut;
}

/** Computes features of a part of it. */
export interface FeatureJob extends StoredCut {
  readonly kind: "features";
  readonly path: string;
  /** What is done to it before. */
  readonly augment?: AugmentJob;
}

/** What is done to a chunk before its features are computed. */
export interface AugmentJob {
  readonly plan: AugmentPlan;
  /** Samples of the chunk afterwards. */
  readonly length: number;
  /** The impulse response of the plan. */
  readonly room?: StoredWave;
  /** The plan's recording of noise, or its voices. */
  readonly noises?: readonly StoredCut[];
}

/** What is answered to a {@linkcode ReadJob}. */
export interface ReadReply {
  readonly kind: "read";
  readonly wave: StoredWave;
  /** Whether no sample is further from 0 than one step of 16 bits. */
  readonly silent: boolean;
}

/** What is answered to a {@linkcode FeatureJob}. */
export interface FeatureReply {
  readonly kind: "features";
  /** frames × channels values. */
  readonly data: Float32Array<ArrayBuffer>;
  readonly frames: number;
}

/** The answer to a job. */
export type WaveReply = ReadReply | FeatureReply;

/**
 * A function that does jobs; it throws an error that names the recording.
 *
 * @param settings feature settings, checked again
 */
export function waveJobs(settings: unknown): (job: WaveJob) => Promise<WaveReply> {
  const parsed = parseFeatureSettings(settings), features = createFeatures(parsed);
  const read = async ({ path }: ReadJob): Promise<ReadReply> => {
    const { samples } = await readAudio(path, { sampleRate: parsed.sampleRate });
    const at = samples.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) throw new Error(`sample ${at} of ${samples.length} is ${samples[at]}`);
    if (samples.length === 0) throw new Error("it is empty");
    return { kind: "read", wave: storeWave(samples), silent: isSilent(samples) };
  };
  const compute = ({ wave, cut, augment: job }: FeatureJob): FeatureReply => {
    const chunk = cutWave(wave, cut), { sampleRate } = parsed;
    const { data, frames } = features.apply(job ? augment(chunk, job.plan, { sampleRate, ...soundsOf(job) }) : chunk);
    return { kind: "features", data: ownBuffer(data), frames };
  };
  return async (job) => {
    try {
      return job.kind === "read" ? await read(job) : compute(job);
    } catch (error) {
      throw new Error(explain(job.path, error), { cause: error });
    }
  };
}

function soundsOf({ length, room, noises }: AugmentJob) {
  return { length, room: room && cutWave(room), noises: noises?.map(({ wave, cut }) => cutWave(wave, cut)) };
}

/** Every error names the recording; those of `readAudio` do already. */
function explain(path: string, error: unknown): string {
  const fact = error instanceof Error ? error.message : String(error);
  return fact.includes(path) ? fact : `Cannot use ${JSON.stringify(path)}: ${fact}`;
}
