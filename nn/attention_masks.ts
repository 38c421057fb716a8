/** What attention may not see. @module */
import { arange, type Device, maximum, type Tensor } from "../tensor/mod.ts";

/** Which keys a query may not see. Masks are int32, 1 (or anything but 0) where hidden. */
export interface AttentionMasks {
  /** (batch, keys): hides keys from all queries of an utterance; see {@linkcode lengthMask}. Default none. */
  keyPaddingMask?: Tensor | null;
  /** Broadcasts to (batch, heads, queries, keys); (queries, keys) hides the same from every utterance. Default none. */
  attnMask?: Tensor | null;
}

/** One mask over (batch, heads, queries, keys) that hides what any of them hides. */
export function joinMasks({ keyPaddingMask = null, attnMask = null }: AttentionMasks): Tensor | null {
  const padding = keyPaddingMask === null ? null : keyPaddingMask.unsqueeze(1).unsqueeze(1);
  return hideBoth(padding, attnMask);
}

/** A mask that hides what either hides. */
export function hideBoth(a: Tensor | null, b: Tensor | null): Tensor | null {
  if (a === null || b === null) return a ?? b;
  return maximum(a, b);
}

/** int32 (time, time), |i − j|: how many frames query i and key j are apart. */
export function distances(time: number, device: Device): Tensor {
  const frames = arange(0, time, 1, { device });
  return frames.unsqueeze(1).sub(frames).abs();
}
