/**
 * What is done to one chunk: drawn by plain numbers first, so that it can be looked at, sent to a thread, and repeated.
 */
import type { Random } from "../random.ts";
import { type NoiseColor, noiseColors } from "./make_noise.ts";

/** Which augmentation there is, and how much of it. */
export interface AugmentOptions {
  /** Where noise comes from; default none. */
  readonly noise?: "recordings" | "generated";
  /** Between which ratios in dB one is drawn; default 0 to 15. */
  readonly noiseSnr?: readonly [number, number];
  /** Part of the draws that get noise; default 1. */
  readonly noiseProbability?: number;
  /** Where rooms come from; default none. */
  readonly reverb?: "recordings" | "generated";
  /** Part of the draws that get a room; default 1. */
  readonly reverbProbability?: number;
  /** Factors of which one is drawn; default none. */
  readonly speeds?: readonly number[];
  /** Between which gains in dB one is drawn; default 0. */
  readonly volume?: readonly [number, number];
}

/** How many recordings there are to choose from. */
export interface AugmentStock {
  /** Recordings of noise. */
  readonly noises: number;
  /** Impulse responses. */
  readonly rooms: number;
  /** Other recordings that are trained on, of which babble is mixed. */
  readonly voices: number;
}

/** A part of a recording of the stock: its place, and where in it from [0, 1) to begin. */
export interface StockCut {
  readonly index: number;
  readonly at: number;
}

/** Noise to add. */
export type NoisePlan =
  & { /** Ratio in dB. */ readonly snr: number }
  & (
    | { readonly kind: "recording"; readonly cut: StockCut }
    | { readonly kind: "babble"; readonly voices: readonly StockCut[] }
    | { readonly kind: NoiseColor; readonly seed: number }
  );

/** A room to be heard in. */
export type RoomPlan =
  | { readonly kind: "recording"; readonly index: number }
  | { readonly kind: "generated"; readonly rt60: number; readonly direct: number; readonly seed: number };

/** What is done to a chunk, in this order. */
export interface AugmentPlan {
  /** Factor of the speed. */
  readonly speed: number;
  /** The room, or null. */
  readonly room: RoomPlan | null;
  /** The noise, or null. */
  readonly noise: NoisePlan | null;
  /** Gain in dB. */
  readonly gain: number;
}

/** Between which numbers rooms are drawn: seconds of reverberation, and direct sound in dB. */
const RT60 = [0.1, 0.8] as const, DIRECT = [-3, 9] as const;
/** How many people babble. */
const VOICES = [3, 7] as const;

/** Draws what is done to a chunk. */
export function planAugment(options: AugmentOptions, stock: AugmentStock, random: Random): AugmentPlan {
  const { speeds = [], volume = [0, 0], reverbProbability = 1, noiseProbability = 1 } = options;
  return {
    speed: speeds.length > 0 ? speeds[random.below(speeds.length)] : 1,
    room: options.reverb !== undefined && random.uniform() < reverbProbability
      ? planRoom(options, stock, random)
      : null,
    noise: options.noise !== undefined && random.uniform() < noiseProbability
      ? planNoise(options, stock, random)
      : null,
    gain: between(volume, random),
  };
}

function planRoom({ reverb }: AugmentOptions, { rooms }: AugmentStock, random: Random): RoomPlan {
  if (reverb === "recordings") return { kind: "recording", index: random.below(rooms) };
  return { kind: "generated", rt60: between(RT60, random), direct: between(DIRECT, random), seed: random.bits() };
}

function planNoise({ noise, noiseSnr = [0, 15] }: AugmentOptions, stock: AugmentStock, random: Random): NoisePlan {
  const snr = between(noiseSnr, random);
  const cut = (count: number): StockCut => ({ index: random.below(count), at: random.uniform() });
  if (noise === "recordings") return { snr, kind: "recording", cut: cut(stock.noises) };
  const kinds = [...noiseColors, ...stock.voices > 0 ? ["babble" as const] : []];
  const kind = kinds[random.below(kinds.length)];
  if (kind !== "babble") return { snr, kind, seed: random.bits() };
  const count = VOICES[0] + random.below(VOICES[1] - VOICES[0] + 1);
  return { snr, kind, voices: Array.from({ length: count }, () => cut(stock.voices)) };
}

function between([low, high]: readonly [number, number], random: Random): number {
  return low + (high - low) * random.uniform();
}
