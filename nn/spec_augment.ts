/** Masks over features and a warp of time, drawn anew for every sample and step. @module */
import { arange, full, type Operand, type Tensor, where } from "../tensor/mod.ts";
import { show } from "../tensor/shape.ts";
import { requireFrames } from "./frame_batch.ts";
import { lengthMask } from "./length_mask.ts";
import { Module } from "./module.ts";
import { randomWhole } from "./random_whole.ts";
import { timeWarp } from "./time_warp.ts";

/** Options of {@linkcode SpecAugment}, all of them kept as its fields. */
export interface SpecAugmentOptions {
  /** W: a random frame moves by up to so many frames, and the others between it and the ends in proportion. Default 0, no warp. */
  timeWarp?: number;
  /** Masks over channels of a sample. Default 2. */
  freqMasks?: number;
  /** F: a mask over channels is 0 … F wide, each width equally likely. Default 8. */
  freqMaskWidth?: number;
  /** Masks over frames of a sample; the most there can be with `adaptiveMasks`. Default 2. */
  timeMasks?: number;
  /** T: a mask over frames is 0 … T wide, each width equally likely. Default 20. */
  timeMaskWidth?: number;
  /** p: a mask over frames covers at most this share of the sample. Default 0.2. */
  timeMaskFraction?: number;
  /** Masks over frames for each frame of a sample, rounded down (Park et al. 2020: 0.04, with `timeMasks` 20). Default 0: always `timeMasks`. */
  adaptiveMasks?: number;
  /** T as a share of the sample, rounded down, in place of `timeMaskWidth` (Park et al. 2020: 0.04). Default 0: `timeMaskWidth` itself. */
  adaptiveWidth?: number;
  /** What stands under a mask: a number, or "mean", the mean over a sample's true frames and channels before it is warped. Default "mean". */
  maskValue?: number | "mean";
}

/** Keeps a share of a length, such as 0.53 · 100, from falling below the whole number that it is: float32 loses less up to 20,000 frames. */
const ROUNDING = 1e-3;

/**
 * SpecAugment: while training, warps time, then masks bands of channels and stretches of frames (Park et al. 2019, arXiv 1904.08779; masks
 * that follow the length: Park et al. 2020, arXiv 1912.05533). Each sample of each step has draws of its own, made on the device, so that
 * a captured step draws anew each time it runs. Masks lie within a sample's true frames; padding stays as it is.
 *
 * @example
 * ```ts
 * import { SpecAugment } from "./mod.ts";
 * import { randn } from "../tensor/mod.ts";
 * const augment = new SpecAugment({ timeWarp: 5, freqMaskWidth: 10, timeMasks: 3 });
 * const features = randn([32, 128, 40]); // (batch, time, channels)
 * console.log(augment.forward(features).shape); // [32, 128, 40]
 * console.log(augment.eval().forward(features) === features); // true
 * ```
 */
export class SpecAugment extends Module {
  /** See {@linkcode SpecAugmentOptions.timeWarp}, and so on. */
  readonly timeWarp: number;
  /** Masks over channels. */
  readonly freqMasks: number;
  /** Widest mask over channels. */
  readonly freqMaskWidth: number;
  /** Masks over frames. */
  readonly timeMasks: number;
  /** Widest mask over frames. */
  readonly timeMaskWidth: number;
  /** Largest share of the frames that a mask covers. */
  readonly timeMaskFraction: number;
  /** Masks over frames for each frame; 0 for a fixed number. */
  readonly adaptiveMasks: number;
  /** Widest mask as a share of the frames; 0 for a fixed width. */
  readonly adaptiveWidth: number;
  /** What stands under a mask. */
  readonly maskValue: number | "mean";

  /**
   * See {@linkcode SpecAugmentOptions}.
   *
   * @throws RangeError for counts and widths that are not whole numbers from 0 on, shares outside [0, 1], or a mask value that is not finite.
   */
  constructor(options: SpecAugmentOptions = {}) {
    super();
    const whole = (name: keyof SpecAugmentOptions, value: number) => {
      if (Number.isSafeInteger(value) && value >= 0) return value;
      throw new RangeError(`Cannot augment with ${name} ${value}: expected a whole number from 0 on`);
    };
    const share = (name: keyof SpecAugmentOptions, value: number) => {
      if (value >= 0 && value <= 1) return value;
      throw new RangeError(`Cannot augment with ${name} ${value}: expected a share from 0 to 1`);
    };
    this.timeWarp = whole("timeWarp", options.timeWarp ?? 0);
    this.freqMasks = whole("freqMasks", options.freqMasks ?? 2);
    this.freqMaskWidth = whole("freqMaskWidth", options.freqMaskWidth ?? 8);
    this.timeMasks = whole("timeMasks", options.timeMasks ?? 2);
    this.timeMaskWidth = whole("timeMaskWidth", options.timeMaskWidth ?? 20);
    this.timeMaskFraction = share("timeMaskFraction", options.timeMaskFraction ?? 0.2);
    this.adaptiveMasks = share("adaptiveMasks", options.adaptiveMasks ?? 0);
    this.adaptiveWidth = share("adaptiveWidth", options.adaptiveWidth ?? 0);
    this.maskValue = options.maskValue ?? "mean";
    if (this.maskValue !== "mean" && !Number.isFinite(this.maskValue)) {
      throw new RangeError(`Cannot augment with maskValue ${this.maskValue}: expected a finite number or "mean"`);
    }
  }

  /**
   * Features (batch, time, channels) and `lengths`, int32 (batch), to features of the same shape; `x` itself in evaluation, or where it is empty.
   *
   * @throws TypeError for other shapes or types; RangeError if `freqMaskWidth` is more than there are channels.
   */
  forward(x: Tensor, lengths: Tensor | null = null): Tensor {
    if (!this.training || x.size === 0) return x;
    this.#check(x, lengths);
    const lengthIn = (columns: number) => spread(x, lengths, columns);
    const padding = lengths === null ? null : lengthMask(lengths, x.shape[1]).unsqueeze(-1);
    const mask = this.#mask(x, padding, lengthIn);
    const warped = this.timeWarp === 0 ? x : timeWarp(x, lengthIn(1), this.timeWarp);
    if (mask === null) return warped;
    const value = this.maskValue === "mean" ? meanOfFrames(x.detach(), lengths, padding) : this.maskValue;
    return where(mask, value, warped);
  }

  #check(x: Tensor, lengths: Tensor | null): void {
    requireFrames("augment", x, lengths);
    if (x.ndim !== 3) {
      throw new TypeError(`Cannot augment ${show(x.shape)}: expected [batch, time, channels]`);
    }
    if (this.freqMasks > 0 && this.freqMaskWidth > x.shape[2]) {
      throw new RangeError(`Cannot mask ${this.freqMaskWidth} of ${x.shape[2]} channels: lower freqMaskWidth`);
    }
  }

  /** 1 where a value is masked, broadcast over (batch, time, channels); null without masks. */
  #mask(x: Tensor, padding: Tensor | null, lengthIn: (columns: number) => Tensor): Tensor | null {
    const bands = this.freqMasks === 0 || this.freqMaskWidth === 0 ? null : this.#bands(x).unsqueeze(1);
    const trueBands = bands === null || padding === null ? bands : bands.gt(padding);
    if (this.timeMasks === 0) return trueBands;
    const stretches = this.#stretches(x, lengthIn(this.timeMasks)).unsqueeze(-1);
    return trueBands?.maximum(stretches) ?? stretches;
  }

  /** int32 (batch, channels). */
  #bands(x: Tensor): Tensor {
    const { shape: [batch, , channels], device } = x;
    const width = randomWhole([batch, this.freqMasks], this.freqMaskWidth, { device });
    return cover(width, channels, channels);
  }

  /** int32 (batch, time); `length` is (batch, masks). */
  #stretches({ shape: [, time], device }: Tensor, length: Tensor): Tensor {
    const shareOf = (share: number) => length.mul(share).add(ROUNDING).floor();
    const wished = this.adaptiveWidth === 0 ? this.timeMaskWidth : shareOf(this.adaptiveWidth);
    const width = randomWhole(length.shape, shareOf(this.timeMaskFraction).minimum(wished), { device });
    if (this.adaptiveMasks === 0) return cover(width, length, time);
    const isUsed = arange(0, this.timeMasks, 1, { device }).lt(shareOf(this.adaptiveMasks));
    return cover(width.mul(isUsed), length, time);
  }
}

/** Each sample's length, int32 (batch, columns): repeated where it is used, so that all draws of a kind fuse into one kernel. */
function spread({ shape: [batch, time], device }: Tensor, lengths: Tensor | null, columns: number): Tensor {
  if (lengths === null) return full([batch, columns], time, { dtype: "int32", device });
  return lengths.unsqueeze(1).expand([batch, columns]);
}

/** int32 (batch, size), 1 where one of a sample's masks lies. Widths (batch, masks); each mask starts anywhere that it fits into 0 … extent. */
function cover(width: Tensor, extent: Operand, size: number): Tensor {
  const { device, shape } = width;
  const start = randomWhole(shape, width.neg().add(extent), { device });
  const end = start.add(width);
  const place = arange(0, size, 1, { device });
  const inside = Array.from(
    { length: shape[1] },
    (_, k) => place.ge(start.slice(1, k, k + 1)).mul(place.lt(end.slice(1, k, k + 1))),
  );
  return inside.reduce((any, mask) => any.maximum(mask));
}

/** The mean of a sample's true frames, (batch, 1, 1); 0 where there are none. */
function meanOfFrames(x: Tensor, lengths: Tensor | null, padding: Tensor | null): Tensor {
  if (lengths === null || padding === null) return x.mean([1, 2], { keepdim: true });
  const shares = x.mean(-1, { keepdim: true }).div(lengths.view([-1, 1, 1]));
  return shares.maskedFill(padding, 0).sum(1, { keepdim: true });
}
