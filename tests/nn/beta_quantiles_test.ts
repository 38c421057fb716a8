import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { betaQuantiles } from "../../nn/beta_quantiles.ts";

// scipy.stats.beta.ppf(p, alpha, alpha) for p = 1/16, 3/16, 3/8, 3/4
const WANTED: Record<string, readonly number[]> = {
  0.1: [8.066563759436e-10, 4.763039612601e-05, 0.04689951253309, 0.9991547444672],
  0.2: [2.363221362568e-05, 0.005720804981124, 0.1634207410761, 0.9761852812317],
  0.5: [0.009607359798385, 0.08426519384873, 0.3086582838175, 0.8535533905933],
  2: [0.1522734244921, 0.2768508989054, 0.4158727991095, 0.6736481776669],
  8: [0.3124140716807, 0.3887829783175, 0.4596097398437, 0.5850105280917],
  400: [0.4728918022165, 0.4843162750325, 0.4943656170013, 0.511925436863],
};

Deno.test("quantiles of the symmetric beta distribution are SciPy's", () => {
  for (const [alpha, wanted] of Object.entries(WANTED)) {
    const quantiles = betaQuantiles(Number(alpha), 16);
    [1, 3, 6, 12].forEach((i, k) => {
      const off = Math.abs(quantiles[i] / wanted[k] - 1);
      ok(off < 1e-10, `alpha ${alpha}, ${i}/16: ${quantiles[i]}, wanted ${wanted[k]}`);
    });
  }
});

Deno.test("quantiles rise from 0 to 1, mirror each other, and are even for alpha 1", () => {
  for (const alpha of [0.001, 0.05, 0.3, 1, 5, 1000]) {
    const quantiles = betaQuantiles(alpha, 64);
    strictEqual(quantiles.length, 65);
    deepStrictEqual([quantiles[0], quantiles[64]], [0, 1]);
    quantiles.forEach((q, i) => {
      ok(i === 0 || q >= quantiles[i - 1], `alpha ${alpha}: quantile ${i} is ${q}, after ${quantiles[i - 1]}`);
      ok(Math.abs(q + quantiles[64 - i] - 1) < 1e-13, `alpha ${alpha}: quantile ${i}`);
      if (alpha === 1) ok(Math.abs(q - i / 64) < 1e-14, `quantile ${i} is ${q}`);
    });
  }
});
