import {
  amplitudeToDb,
  type FeatureExtractor,
  KaldiFbank,
  MelSpectrogram,
  Mfcc,
  resample,
  Spectrogram,
  toChannelsFirst,
} from "../data/features/mod.ts";

/** A plain array of a golden case. */
export interface GoldenArray {
  shape: readonly number[];
  data: Float32Array | Int32Array;
}

type Args = Readonly<Record<string, unknown>>;
type Case = (inputs: Readonly<Record<string, GoldenArray>>, args: Args) => Record<string, GoldenArray>;

/** One waveform (1, samples) to (1, channels, frames). */
function transform(make: (args: Args) => FeatureExtractor): Case {
  return ({ wave }, args) => {
    const frames = make(args).apply(Float32Array.from(wave.data));
    return { y: { shape: [1, frames.channels, frames.frames], data: toChannelsFirst(frames) } };
  };
}

/** The ops of the golden family `features`: inputs and arguments of a case to its outputs. */
export const featureCases: Readonly<Record<string, Case>> = {
  Spectrogram: transform((args) => new Spectrogram(args)),
  MelSpectrogram: transform((args) => new MelSpectrogram(args)),
  MFCC: transform((args) => new Mfcc(args)),
  AmplitudeToDB: ({ wave }, { topDb }) => {
    const data = amplitudeToDb(Float32Array.from(wave.data), { topDb: topDb as number | null });
    return { y: { shape: wave.shape, data } };
  },
  kaldiFbank: ({ wave }, { dither, ...args }) => {
    if (dither !== 0) throw new RangeError(`Cannot run kaldiFbank: dither is ${dither}, wanted 0`);
    const { data, frames, channels } = new KaldiFbank(args).apply(Float32Array.from(wave.data));
    return { y: { shape: [frames, channels], data } };
  },
  resample: ({ wave }, { from, to }) => {
    const data = resample(Float32Array.from(wave.data), Number(from), Number(to));
    return { y: { shape: [1, data.length], data } };
  },
};
