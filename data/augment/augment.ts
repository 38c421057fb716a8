import { addNoise } from "./add_noise.ts";
import { mixBabble } from "./babble.ts";
import { changeSpeed } from "./change_speed.ts";
import { changeVolume } from "./level.ts";
import { makeNoise } from "./make_noise.ts";
import type { AugmentPlan } from "./plan.ts";
import { makeRoom, reverberate } from "./reverberate.ts";

/** What a plan's recordings sound like; one that is not of recordings needs none. */
export interface AugmentSounds {
  /** The impulse response. */
  readonly room?: Float32Array;
  /** The noise, or the voices of babble. */
  readonly noises?: readonly Float32Array[];
}

/** The size of a chunk. */
export interface AugmentSize {
  readonly sampleRate: number;
  /** Samples that are wanted; where speed is changed the waveform has `lengthBefore` of it. */
  readonly length: number;
}

/** Does to a chunk what a plan says: speed, then room, noise and volume. */
export function augment(
  samples: Float32Array,
  { speed, room, noise, gain }: AugmentPlan,
  { sampleRate, length, ...sounds }: AugmentSize & AugmentSounds,
): Float32Array {
  let wave: Float32Array = speed === 1 ? samples : changeSpeed(samples, speed, { sampleRate }).subarray(0, length);
  if (room !== null) {
    const response = room.kind === "generated" ? makeRoom({ ...room, sampleRate }) : sounds.room;
    if (response === undefined) throw new Error("internal: an impulse response is missing");
    wave = reverberate(wave, response);
  }
  if (noise !== null) wave = addNoise(wave, noiseOf(noise, length, sounds), noise);
  return gain === 0 ? wave : changeVolume(wave, gain);
}

function noiseOf(
  noise: NonNullable<AugmentPlan["noise"]>,
  length: number,
  { noises = [] }: AugmentSounds,
): Float32Array {
  if (noise.kind !== "recording" && noise.kind !== "babble") return makeNoise(noise.kind, length, noise);
  if (noises.length === 0) throw new Error("internal: recordings of noise are missing");
  return noise.kind === "recording" ? noises[0] : mixBabble(noises);
}
