/** Quantiles of the symmetric beta distribution, computed on the host. @module */

/**
 * Quantiles of Beta(α, α) at 0, 1/cells, 2/cells, …, 1; `cells` is even. Numbers that are drawn from them with straight lines between have
 * the distribution function of Beta(α, α) exactly at each quantile, so that it is off by less than 1 / cells anywhere.
 */
export function betaQuantiles(alpha: number, cells: number): Float64Array {
  const half = logIntegral(alpha, Math.log(0.5));
  const quantiles = new Float64Array(cells + 1);
  for (let i = 1; i <= cells / 2; i++) {
    const x = Math.exp(solve(alpha, half + Math.log(2 * i / cells)));
    quantiles[i] = x;
    quantiles[cells - i] = 1 - x;
  }
  quantiles[cells] = 1;
  return quantiles;
}

/**
 * log ∫₀ˣ t^(α−1) (1−t)^(α−1) dt + log α for x ≤ 1/2, given as its logarithm since it may be too small for a float64. The integral is
 * xᵅ (1−x)ᵅ / α · Σ xⁿ (2α)(2α+1)…(2α+n−1) / ((α+1)…(α+n)) (DLMF 8.17.8), whose terms are all positive.
 */
function logIntegral(alpha: number, logX: number): number {
  const x = Math.exp(logX);
  let sum = 0;
  for (let n = 0, term = 1; term > 1e-17 * sum; n++) {
    sum += term;
    term *= x * (2 * alpha + n) / (alpha + 1 + n);
  }
  return alpha * (logX + Math.log1p(-x)) + Math.log(sum);
}

/** The log x ≤ log 1/2 at which {@linkcode logIntegral} is `wanted`, by bisection. */
function solve(alpha: number, wanted: number): number {
  const atHalf = logIntegral(alpha, Math.log(0.5));
  let [low, high] = [(wanted - atHalf) / alpha - Math.log(4), Math.log(0.5)]; // as if the sum were that at 1/2 all along
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (logIntegral(alpha, middle) < wanted) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
