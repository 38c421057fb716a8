/**
 * Waveforms made harder for training: noise, rooms, speed and volume.
 * @module
 */
export { addNoise } from "./add_noise.ts";
export { mixBabble } from "./babble.ts";
export { changeSpeed } from "./change_speed.ts";
export { changeVolume } from "./level.ts";
export { makeNoise, type NoiseColor, noiseColors } from "./make_noise.ts";
export { makeRoom, reverberate, type RoomOptions } from "./reverberate.ts";
export type { AugmentOptions } from "./plan.ts";
