/** Options of {@linkcode amplitudeToDb}. */
export interface AmplitudeToDbOptions {
  /** "power" for 10 log10, "magnitude" for 20 log10; default "power". */
  stype?: "power" | "magnitude";
  /** Decibels below the maximum of all values at which they are cut; default null, no cut. */
  topDb?: number | null;
  /** Least value of which the logarithm is taken; default 1e-10. */
  amin?: number;
  /** The value of 0 dB; default 1. */
  ref?: number;
}

/**
 * Power or magnitude in decibels, equal to `torchaudio.transforms.AmplitudeToDB`. All values together are one
 * recording: `topDb` counts from their maximum.
 */
export function amplitudeToDb(values: Float32Array, options: AmplitudeToDbOptions = {}): Float32Array {
  const { stype = "power", topDb = null, amin = 1e-10, ref = 1 } = options;
  if (!(amin > 0) || !(ref > 0)) {
    throw new RangeError(`Cannot convert to decibels: amin is ${amin} and ref ${ref}, wanted numbers above 0`);
  }
  if (topDb !== null && !(topDb >= 0)) {
    throw new RangeError(`Cannot convert to decibels: topDb is ${topDb}, wanted null or a number from 0`);
  }
  const factor = stype === "power" ? 10 : 20, zero = Math.log10(Math.max(amin, ref));
  const out = values.map((x) => factor * (Math.log10(Math.max(x, amin)) - zero));
  if (topDb === null) return out;
  const least = out.reduce((a, b) => Math.max(a, b), -Infinity) - topDb;
  return out.map((x) => Math.max(x, least));
}
