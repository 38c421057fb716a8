/** Masks of random spans, drawn on the device, so that a captured step draws anew each time it runs. @module */
import { arange, rand, type Tensor, topk, where } from "../../../tensor/mod.ts";
import { maskedSpans } from "./masked_spans.ts";

/** Options of {@linkcode randomSpans}. */
export interface RandomSpanOptions {
  /** Rows. */
  readonly batch: number;
  /** Places of a row, padding included. */
  readonly size: number;
  /** int32 (batch): true places of each row, where spans may lie; null for all. */
  readonly lengths: Tensor | null;
  /** Share of the places that spans shall cover, were they apart. */
  readonly maskProb: number;
  /** Places of a span. */
  readonly maskLength: number;
  /** Fewest spans. */
  readonly minMasks: number;
}

/** The largest number below 1 that is drawn. */
const ALMOST_ONE = 1 - 2 ** -24;

/**
 * int32 (batch, size), 1 where a span lies: as many spans as {@linkcode maskedSpans} says with one draw for the batch, their starts drawn
 * without repetition, so that spans may overlap (Hugging Face's `_compute_mask_indices`). Null where no row can have any.
 */
export function randomSpans(options: RandomSpanOptions): Tensor | null {
  const { batch, size, lengths, maskProb, maskLength, minMasks } = options;
  const most = maskedSpans(size, { ...options, sequenceLength: size, epsilon: ALMOST_ONE });
  if (most === 0 || maskProb === 0) return null;
  const starts = size - maskLength + 1;
  const frames = lengths?.toFloat().unsqueeze(1) ?? null, reach = frames?.sub(maskLength - 1).clamp(0) ?? null;
  const epsilon = rand([1]);
  const share = frames?.mul(maskProb / maskLength) ?? maskProb * size / maskLength;
  const wanted = epsilon.add(share).floor().clamp(minMasks, most),
    spans = reach === null ? wanted : wanted.minimum(reach);
  const scores = rand([batch, starts]);
  const valid = reach === null ? scores : where(arange(0, starts).ge(reach), -1, scores);
  const first = topk(valid, most).indices.unsqueeze(-1), place = arange(0, size);
  const used = arange(0, most).lt(spans).unsqueeze(-1);
  return place.ge(first).mul(place.lt(first.add(maskLength))).mul(used).sum(1).gt(0);
}
