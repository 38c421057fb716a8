/** The HTK formula 2595 log10(1 + f / 700), or Slaney's: linear up to 1 kHz, logarithmic above. */
export type MelScale = "htk" | "slaney";

const SLANEY_STEP = 200 / 3, SLANEY_KNEE = 1000, SLANEY_KNEE_MEL = SLANEY_KNEE / SLANEY_STEP;
const SLANEY_LOG_STEP = Math.log(6.4) / 27;

/** Frequency in Hz to mel. */
export function hzToMel(hz: number, scale: MelScale = "htk"): number {
  if (scale === "htk") return 2595 * Math.log10(1 + hz / 700);
  return hz < SLANEY_KNEE ? hz / SLANEY_STEP : SLANEY_KNEE_MEL + Math.log(hz / SLANEY_KNEE) / SLANEY_LOG_STEP;
}

/** Mel to frequency in Hz. */
export function melToHz(mel: number, scale: MelScale = "htk"): number {
  if (scale === "htk") return 700 * (10 ** (mel / 2595) - 1);
  return mel < SLANEY_KNEE_MEL ? mel * SLANEY_STEP : SLANEY_KNEE * Math.exp(SLANEY_LOG_STEP * (mel - SLANEY_KNEE_MEL));
}

/** A bank of filters over spectrum bins that keeps only the run of nonzero weights of each filter. */
export class FilterBank {
  /** Number of filters. */
  readonly size: number;
  /** The weights that are kept, filter after filter. */
  readonly weights: Float64Array;
  /** For each filter its first bin and the end of its run in `weights`. */
  readonly runs: Int32Array;

  /** From `weight(filter, bin)` for every filter and bin. */
  constructor(size: number, bins: number, weight: (filter: number, bin: number) => number) {
    this.size = size;
    this.runs = new Int32Array(size * 2);
    const weights: number[] = [];
    for (let f = 0; f < size; f++) {
      const row = Array.from({ length: bins }, (_, bin) => weight(f, bin));
      const first = Math.max(0, row.findIndex((w) => w !== 0));
      weights.push(...row.slice(first, row.findLastIndex((w) => w !== 0) + 1));
      this.runs[2 * f] = first;
      this.runs[2 * f + 1] = weights.length;
    }
    this.weights = Float64Array.from(weights);
  }

  /** out[offset + f] = Σ weight(f, bin) * spectrum[bin]. */
  apply(spectrum: Float64Array, out: Float32Array | Float64Array, offset = 0): void {
    const { weights, runs } = this;
    for (let f = 0, at = 0; f < this.size; f++) {
      let sum = 0;
      const end = runs[2 * f + 1];
      for (let bin = runs[2 * f]; at < end; at++, bin++) sum += weights[at] * spectrum[bin];
      out[offset + f] = sum;
    }
  }
}

/** What shapes torchaudio's mel filters. */
export interface MelFilterOptions {
  sampleRate: number;
  nFft: number;
  nMels: number;
  /** In Hz. */
  fMin: number;
  /** In Hz. */
  fMax: number;
  /** `slaney` divides each triangle by half its width, so that all have the same area. */
  norm: "slaney" | null;
  melScale: MelScale;
}

/** Triangles, evenly spaced in mel and linear in Hz, as `torchaudio.functional.melscale_fbanks` makes them. */
export function melFilters({ sampleRate, nFft, nMels, fMin, fMax, norm, melScale }: MelFilterOptions): FilterBank {
  const bins = (nFft >> 1) + 1;
  // torchaudio spreads the bins over 0 … sampleRate // 2, a whole number even where half an odd rate is not.
  const hzOfBin = Math.floor(sampleRate / 2) / Math.max(1, bins - 1);
  const low = hzToMel(fMin, melScale), high = hzToMel(fMax, melScale);
  const edges = Float64Array.from(
    { length: nMels + 2 },
    (_, i) => melToHz(low + (high - low) * i / (nMels + 1), melScale),
  );
  return new FilterBank(nMels, bins, (m, bin) => {
    const hz = bin * hzOfBin, left = edges[m], center = edges[m + 1], right = edges[m + 2];
    const height = Math.max(0, Math.min((hz - left) / (center - left), (right - hz) / (right - center)));
    return norm === "slaney" ? height * 2 / (right - left) : height;
  });
}

/**
 * SpeechBrain's triangles: evenly spaced in mel (HTK's formula) and linear in Hz, but as wide to the right as to the left. Filters widen towards high
 * frequencies, so the right side ends before the next centre, where the usual triangle ends.
 */
export function speechbrainFilters(
  { sampleRate, nFft, nMels, fMin, fMax }: Pick<MelFilterOptions, "sampleRate" | "nFft" | "nMels" | "fMin" | "fMax">,
): FilterBank {
  const bins = (nFft >> 1) + 1, hzOfBin = Math.floor(sampleRate / 2) / Math.max(1, bins - 1);
  const low = hzToMel(fMin), step = (hzToMel(fMax) - low) / (nMels + 1);
  const edges = Float64Array.from({ length: nMels + 1 }, (_, i) => melToHz(low + step * i));
  return new FilterBank(nMels, bins, (m, bin) => {
    const center = edges[m + 1], width = center - edges[m];
    return Math.max(0, 1 - Math.abs(bin * hzOfBin - center) / width);
  });
}

/** Triangles that are linear in mel, as Kaldi makes them; the last bin (the Nyquist frequency) has no weight. */
export function kaldiFilters(
  { sampleRate, nFft, nMels, fMin, fMax }: Pick<MelFilterOptions, "sampleRate" | "nFft" | "nMels" | "fMin" | "fMax">,
): FilterBank {
  const mel = (hz: number) => 1127 * Math.log(1 + hz / 700);
  const low = mel(fMin), step = (mel(fMax) - low) / (nMels + 1);
  return new FilterBank(nMels, (nFft >> 1) + 1, (m, bin) => {
    if (bin === nFft >> 1) return 0;
    const at = (mel(bin * sampleRate / nFft) - low) / step - m;
    return Math.max(0, Math.min(at, 2 - at));
  });
}
