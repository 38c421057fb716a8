/** The test that an utterance's result depends on nothing else in its batch, for any model. @module */
import assert from "node:assert/strict";
import type { Classifier } from "../../nn/mod.ts";
import { randn, type Tensor, tensor } from "../../tensor/mod.ts";
import { assertClose, distance } from "./close.ts";

/** Options of {@linkcode assertBlindToBatchMates}. */
export interface BatchMatesOptions {
  /** Channels of a frame. */
  readonly channels: number;
  /** Lengths of the utterance that is watched, one after the other. Default 6 and 9. */
  readonly lengths?: readonly number[];
  /** What padding holds. Default −20, as the homework has it. */
  readonly padding?: number;
  /** Length of the shortest of the others. Default 1. */
  readonly mateLength?: number;
  /** Greatest difference of two scores. Default 5e-5. */
  readonly tolerance?: number;
}

/** Utterances, padded to `time`: features (batch, time, channels) and lengths. */
export function padBatch(
  utterances: readonly Float32Array[],
  { channels, time, padding = -20 }: { channels: number; time: number; padding?: number },
): { features: Tensor; lengths: Tensor } {
  const data = new Float32Array(utterances.length * time * channels).fill(padding);
  utterances.forEach((frames, b) => data.set(frames, b * time * channels));
  const lengths = Int32Array.from(utterances, (frames) => frames.length / channels);
  return { features: tensor(data, { shape: [utterances.length, time, channels] }), lengths: tensor(lengths) };
}

/** Made-up frames of an utterance. */
export async function utterance(length: number, channels: number, loudness = 1): Promise<Float32Array> {
  return Float32Array.from(await randn([length, channels], { std: loudness }).data());
}

/**
 * Fails unless a model in evaluation scores an utterance the same alone, among quiet or loud, shorter or longer others, at any place of the
 * batch, and behind more padding; and unless padding would show if no lengths were given.
 */
export async function assertBlindToBatchMates(model: Classifier, options: BatchMatesOptions): Promise<void> {
  const { channels, lengths = [6, 9], padding = -20, mateLength = 1, tolerance = 5e-5 } = options;
  model.eval();
  for (const length of lengths) {
    const ours = await utterance(length, channels);
    const score = (mates: Float32Array[], time: number, place = 0) => {
      const batch = padBatch(mates.toSpliced(place, 0, ours), { channels, time, padding });
      return model.forward(batch.features, batch.lengths).slice(0, place, place + 1);
    };
    const alone = model.forward(tensor(ours, { shape: [1, length, channels] }));
    const time = length + 4 * mateLength;
    const mates = [await utterance(time, channels), await utterance(mateLength, channels)];
    const loud = [await utterance(length, channels, 30), await utterance(time, channels, 30)];
    const name = `scores of ${length} frames`;
    await assertClose(score([], length), alone, tolerance, `${name} with their length given`);
    await assertClose(score(mates, time), alone, tolerance, `${name} among others`);
    await assertClose(score(loud, time, 2), alone, tolerance, `${name} among loud others, in the last place`);
    await assertClose(score(mates, time + 13 * mateLength), alone, tolerance, `${name} with more padding`);
    const unmasked = model.forward(padBatch([ours], { channels, time, padding }).features);
    assert.ok(await distance(unmasked, alone) > 2 * tolerance, `${name}: padding would not show without lengths`);
  }
}
