import type { UtteranceSource } from "../../../data/sets/utterances.ts";

/** Utterances in memory: value = utterance × 1000 + frame, one channel unless told; `reads` counts. */
export function madeUp(frames: number[], channels = 1): UtteranceSource & { reads: number } {
  const utterances = frames.map((frames, i) => ({ id: `u${i}`, path: `u${i}`, frames, label: i % 3 }));
  return {
    channels,
    utterances,
    reads: 0,
    read(index) {
      this.reads++;
      const { frames } = utterances[index];
      const value = (_: unknown, i: number) => index * 1000 + Math.floor(i / channels);
      return Promise.resolve({ frames, data: Float32Array.from({ length: frames * channels }, value) });
    },
  };
}
