/** Utterances continued by their mirror images, so that a convolution keeps the number of frames. @module */
import { arange, cat, indexSelect, maximum, type Tensor } from "../tensor/mod.ts";

/**
 * Continues each utterance of x (batch, channels, time) by `width` mirrored frames at both ends, the border frame not repeated: (batch,
 * channels, time + 2 · width). An utterance ends where `lengths`, int32 (batch), says, and the mirror stands there: so frames before the end see
 * nothing of the padding behind it. An utterance too short for its mirror image goes on with a border frame.
 */
export function reflectFrames(x: Tensor, width: number, lengths: Tensor | null = null): Tensor {
  if (width === 0) return x;
  const [batch, channels, time] = x.shape;
  if (lengths === null && time > width) return withMirrors(x, width);
  const place = arange(-width, time + width, 1, { device: x.device }).abs();
  if (lengths === null) return indexSelect(x, 2, mirrored(place, time - 1));
  const last = lengths.clamp(1).sub(1).unsqueeze(1);
  const row = arange(0, batch * time, time, { device: x.device }).unsqueeze(1);
  const index = mirrored(place, last).add(row).flatten();
  const rows = indexSelect(x.transpose(1, 2).reshape([batch * time, channels]), 0, index);
  return rows.reshape([batch, time + 2 * width, channels]).transpose(1, 2);
}

/** Where nothing is padding and all is long enough, three pieces: picking frames by an index would cost a convolution's time. */
function withMirrors(x: Tensor, width: number): Tensor {
  const end = x.shape[2] - 1;
  return cat([x.slice(2, 1, 1 + width).flip(2), x, x.slice(2, end - width, end).flip(2)], 2);
}

/** Places from 0 on, turned back at the last one; what would be turned again at the first one stays there. */
function mirrored(place: Tensor, last: number | Tensor): Tensor {
  const behind = place.sub(last).abs().neg(); // 0 at the last frame
  return maximum(behind.add(last), 0);
}
