import { makeBatch } from "../data/batches/batch.ts";
import {
  amplitudeToDb,
  type FeatureExtractor,
  KaldiFbank,
  MelSpectrogram,
  Mfcc,
  resample,
  Spectrogram,
  toChannelsFirst,
  Waveform,
} from "../data/features/mod.ts";

/** A plain array of a golden case. */
export interface GoldenArray {
  shape: readonly number[];
  data: Float32Array | Int32Array;
}

type Args = Readonly<Record<string, unknown>>;
type Case = (inputs: Readonly<Record<string, GoldenArray>>, args: Args, name: string) => Record<string, GoldenArray>;

/** One waveform (1, samples) to (1, channels, frames). */
function transform(make: (args: Args) => FeatureExtractor): Case {
  return ({ wave }, args) => {
    const frames = make(args).apply(Float32Array.from(wave.data));
    return { y: { shape: [1, frames.channels, frames.frames], data: toChannelsFirst(frames) } };
  };
}

/**
 * Hugging Face's processor: waveforms cut to `maxLength`, each normalised over its own samples, padded with 0 to the longest, or to a
 * multiple. Names that end in `_hf` have its own rule without a mask: padded first, so that the padding counts in mean and variance.
 */
const processor: Case = (inputs, args, name) => {
  if (args.paddingValue !== 0) {
    throw new RangeError(`Cannot run ${name}: paddingValue is ${args.paddingValue}, wanted 0`);
  }
  const features = new Waveform({
    sampleRate: Number(args.samplingRate),
    normalize: args.doNormalize === true ? "layer" : "none",
  });
  const most = args.truncation === true ? Number(args.maxLength) : Infinity,
    multiple = Number(args.padToMultipleOf ?? 1);
  const waves = Object.values(inputs).map(({ data }) => Float32Array.from(data.subarray(0, most)));
  const longest = waves.reduce((length, wave) => Math.max(length, wave.length), 0);
  const time = Math.ceil(longest / multiple) * multiple;
  const rows = name.endsWith("_hf") ? waves.map((wave) => padded(wave, time)) : waves;
  const items = rows.map((wave, index) => {
    const frames = features.apply(wave);
    return { index, label: -1, features: frames, start: 0, length: frames.frames };
  });
  const { features: data, lengths, batch } = makeBatch(items, { time, channels: 1, padding: 0, pad: "end" });
  const mask = Int32Array.from(data, (_, i) => i % time < lengths[Math.floor(i / time)] ? 1 : 0);
  const shape = [batch, time];
  return {
    input_values: { shape, data },
    ...args.returnAttentionMask === true && { attention_mask: { shape, data: mask } },
  };
};

function padded(wave: Float32Array, length: number): Float32Array {
  const row = new Float32Array(length);
  row.set(wave);
  return row;
}

/** The ops of the golden family `features`: inputs, arguments and name of a case to its outputs. */
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
  Wav2Vec2FeatureExtractor: processor,
  resample: ({ wave }, { from, to }) => {
    const data = resample(Float32Array.from(wave.data), Number(from), Number(to));
    return { y: { shape: [1, data.length], data } };
  },
};
