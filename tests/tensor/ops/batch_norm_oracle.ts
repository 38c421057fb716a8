/** Batch normalisation as plain loops in float64: the oracle of its kernels. @module */

/** What {@linkcode batchNormOracle} is given: x and the gradient of the result, row-major (batch, channels, lines, time). */
export interface OracleInputs {
  readonly shape: readonly [batch: number, channels: number, lines: number, time: number];
  readonly x: ArrayLike<number>;
  readonly g: ArrayLike<number>;
  readonly weight: ArrayLike<number>;
  readonly bias: ArrayLike<number>;
  /** True frames of each sample; default all. */
  readonly lengths?: readonly number[];
  readonly eps?: number;
}

/** Result, gradients, and the statistics (variance unbiased) by channel. */
export function batchNormOracle({ shape, x, g, weight, bias, lengths, eps = 1e-5 }: OracleInputs) {
  const [batch, channels, lines, time] = shape;
  const [y, dx] = [0, 1].map(() => new Float64Array(x.length));
  const [dWeight, dBias, means, variances] = [0, 1, 2, 3].map(() => new Float64Array(channels));
  for (let c = 0; c < channels; c++) {
    const places: number[] = [];
    for (let n = 0; n < batch; n++) {
      for (let line = 0; line < lines; line++) {
        for (let t = 0; t < Math.min(time, lengths?.[n] ?? time); t++) {
          places.push(((n * channels + c) * lines + line) * time + t);
        }
      }
    }
    const count = places.length;
    const sum = (f: (at: number) => number) => places.reduce((total, at) => total + f(at), 0);
    const mean = sum((at) => x[at]) / count;
    const spread = sum((at) => (x[at] - mean) ** 2);
    const rstd = 1 / Math.sqrt(spread / count + eps);
    [means[c], variances[c]] = [mean, spread / (count - 1)];
    dBias[c] = sum((at) => g[at]);
    dWeight[c] = sum((at) => g[at] * (x[at] - mean) * rstd);
    for (const at of places) {
      const normal = (x[at] - mean) * rstd;
      y[at] = normal * weight[c] + bias[c];
      dx[at] = weight[c] * rstd * (g[at] - dBias[c] / count - normal * dWeight[c] / count);
    }
  }
  return { y, dx, dWeight, dBias, means, variances };
}
