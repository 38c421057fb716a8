/** The shape of an analysis window; `povey` is Kaldi's hann^0.85. */
export type WindowName = "hann" | "hamming" | "blackman" | "povey" | "rectangular";

/** All of them. */
export const windowNames: readonly WindowName[] = ["hann", "hamming", "blackman", "povey", "rectangular"];

/**
 * A window of `length` samples. Periodic windows (of the period `length`) are what torchaudio's transforms use,
 * symmetric ones (of the period `length - 1`) what Kaldi uses.
 */
export function makeWindow(
  name: WindowName,
  length: number,
  { periodic = true, blackmanCoeff = 0.42 }: { periodic?: boolean; blackmanCoeff?: number } = {},
): Float64Array {
  const period = periodic ? length : length - 1;
  return Float64Array.from({ length }, (_, i) => {
    if (length === 1) return 1;
    const angle = 2 * Math.PI * i / period, cos = Math.cos(angle);
    if (name === "hann") return 0.5 - 0.5 * cos;
    if (name === "hamming") return 0.54 - 0.46 * cos;
    if (name === "povey") return Math.pow(0.5 - 0.5 * cos, 0.85);
    if (name === "blackman") return blackmanCoeff - 0.5 * cos + (0.5 - blackmanCoeff) * Math.cos(2 * angle);
    return 1;
  });
}
