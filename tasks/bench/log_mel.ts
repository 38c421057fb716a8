import { createFeatures } from "../../data/features/mod.ts";

/** What {@linkcode benchLogMel} found. */
export interface LogMelBench {
  /** Seconds of audio turned into features in one second, on one thread. */
  realTimeFactor: number;
  /** Microseconds a frame. */
  microsecondsPerFrame: number;
}

/**
 * Speed of log-mel features with 80 bands (16 kHz, 400 points, every 10 ms) on one thread: the best of `repeats` passes
 * over `seconds` of noise, which takes as long as speech.
 */
export function benchLogMel(
  { seconds = 30, repeats = 10 }: { seconds?: number; repeats?: number } = {},
): LogMelBench {
  const features = createFeatures("ecapa80");
  const noise = Float32Array.from({ length: seconds * 16000 }, () => Math.random() - 0.5);
  let best = Infinity;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    features.apply(noise);
    best = Math.min(best, performance.now() - start);
  }
  return {
    realTimeFactor: seconds * 1000 / best,
    microsecondsPerFrame: best * 1000 / features.frameCount(noise.length),
  };
}
