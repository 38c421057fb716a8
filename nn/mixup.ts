/** Mixing the samples of a batch in pairs. @module */
import { arange, ones, rand, type Tensor, tensor } from "../tensor/mod.ts";
import { show } from "../tensor/shape.ts";
import { betaQuantiles } from "./beta_quantiles.ts";
import { requireFrames } from "./frame_batch.ts";
import { lengthMask } from "./length_mask.ts";
import { Module } from "./module.ts";
import { randomWhole } from "./random_whole.ts";

/** Options of {@linkcode Mixup}. */
export interface MixupOptions {
  /** α of the distribution Beta(α, α) that λ comes from: near 0 hardly any mixing, 1 any share alike. Default 0.2. */
  alpha?: number;
  /** What stands where the shorter sample of a pair has ended. Default null: what the padding holds. */
  silence?: number | null;
}

/** What {@linkcode Mixup} makes of a batch. */
export interface Mixed {
  /** λ · sample + (1 − λ) · partner, of the batch's shape. */
  readonly x: Tensor;
  /** Labels of the samples as given. */
  readonly labels: Tensor;
  /** Labels of their partners, int32 (batch). */
  readonly partners: Tensor;
  /** λ, (batch): the share of the sample itself. */
  readonly lambda: Tensor;
  /** The longer length of each pair, int32 (batch); null where none were given. */
  readonly lengths: Tensor | null;
}

/** Intervals of the table that λ is drawn from. A power of two, so that a draw times it is exact. */
const CELLS = 1024;

/**
 * Mixup within a batch: while training, each sample is blended with another one, and the loss with that of the other's label (Zhang et al.
 * 2018, arXiv 1710.09412). λ is drawn for each sample; the partner stands a random number of places further on in the batch, the same for
 * all samples of a step. All draws are made on the device, so that a captured step draws anew each time it runs.
 *
 * @example
 * ```ts
 * import { Mixup, mixedLoss } from "./mod.ts";
 * import { crossEntropy, randn, tensor } from "../tensor/mod.ts";
 * const mixed = new Mixup({ alpha: 0.4 }).forward(randn([2, 100, 40]), tensor(Int32Array.of(3, 0)));
 * const logits = mixed.x.mean(1).slice(1, 0, 5); // a model's
 * const loss = mixedLoss(mixed, (labels) => crossEntropy(logits, labels, { reduction: "none" }));
 * console.log(loss.shape); // []
 * ```
 */
export class Mixup extends Module {
  /** α of Beta(α, α). */
  readonly alpha: number;
  /** What stands where the shorter sample of a pair has ended; null for what the padding holds. */
  readonly silence: number | null;
  readonly #table: Float32Array;

  /**
   * See {@linkcode MixupOptions}.
   *
   * @throws RangeError unless α is above 0 and at most 1000 and the silence is finite.
   */
  constructor({ alpha = 0.2, silence = null }: MixupOptions = {}) {
    super();
    if (!(alpha > 0 && alpha <= 1000)) {
      throw new RangeError(`Cannot mix with alpha ${alpha}: expected 0 < alpha <= 1000`);
    }
    if (silence !== null && !Number.isFinite(silence)) {
      throw new RangeError(`Cannot mix with silence ${silence}: expected a finite number or null`);
    }
    this.alpha = alpha;
    this.silence = silence;
    this.#table = quantileTable(alpha);
  }

  /**
   * Samples (batch, …), labels, int32 (batch), and lengths, int32 (batch), of samples (batch, time, …). In evaluation nothing is mixed: λ is
   * 1 and a sample's partner is itself, as it is in a batch of one.
   *
   * @throws TypeError for other shapes or types.
   */
  forward(x: Tensor, labels: Tensor, lengths: Tensor | null = null): Mixed {
    requireFrames("mix", x, lengths);
    const { shape: [batch, time], device } = x;
    if (labels.dtype !== "int32" || labels.ndim !== 1 || labels.size !== batch) {
      const found = `${labels.dtype} ${show(labels.shape)}`;
      throw new TypeError(`Cannot mix ${show(x.shape)} with labels ${found}: expected int32 [${batch}]`);
    }
    if (!this.training) return { x, labels, partners: labels, lambda: ones([batch], { device }), lengths };
    const partner = drawPartners(x);
    const lambda = this.#drawShares(x);
    const perSample = (t: Tensor) => t.view([batch, ...x.shape.slice(1).fill(1)]);
    const padding = lengths === null || this.silence === null ? null : lengthMask(lengths, time);
    const own = padding === null
      ? x
      : x.maskedFill(padding.view([batch, time, ...x.shape.slice(2).fill(1)]), this.silence!);
    const other = own.indexSelect(0, partner).mul(perSample(lambda.neg().add(1)));
    return {
      x: own.mul(perSample(lambda)).add(other),
      labels,
      partners: labels.indexSelect(0, partner),
      lambda,
      lengths: lengths && lengths.maximum(lengths.indexSelect(0, partner)),
    };
  }

  /** λ of each sample: the quantile of a uniform number, with a straight line between the table's. */
  #drawShares({ shape: [batch], device }: Tensor): Tensor {
    const place = rand([batch], { device }).mul(CELLS);
    const cell = place.floor();
    const rows = tensor(this.#table, { shape: [CELLS, 2], device }).indexSelect(0, cell.toInt());
    return rows.select(1, 0).add(rows.select(1, 1).mul(place.sub(cell)));
  }
}

/** Where each sample's partner stands, int32 (batch): all the same random number of places further on, around the end. */
function drawPartners({ shape: [batch], device }: Tensor): Tensor {
  const steps = randomWhole([1], Math.max(0, batch - 2), { device }).add(1).toInt();
  const place = arange(0, batch, 1, { device }).add(steps);
  return place.sub(place.ge(batch).mul(batch));
}

/** For each cell the quantile at its beginning, and the way to the next. */
function quantileTable(alpha: number): Float32Array {
  const quantiles = betaQuantiles(alpha, CELLS);
  return Float32Array.from({ length: 2 * CELLS }, (_, i) => {
    const cell = i >> 1;
    return i % 2 === 0 ? quantiles[cell] : quantiles[cell + 1] - quantiles[cell];
  });
}

/**
 * The mean over a mixed batch of λ · loss(labels) + (1 − λ) · loss(partners).
 *
 * @param loss gives the loss of each sample, (batch), for the labels it is handed
 */
export function mixedLoss({ labels, partners, lambda }: Mixed, loss: (labels: Tensor) => Tensor): Tensor {
  const [own, other] = [loss(labels), loss(partners)];
  return own.mul(lambda).add(other.mul(lambda.neg().add(1))).mean();
}
