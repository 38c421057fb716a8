import assert from "node:assert/strict";
import { Fft } from "../../../data/features/mod.ts";
import { PairedPower } from "../../../data/features/paired_power.ts";

function randoms(length: number): Float64Array {
  return Float64Array.from({ length }, () => Math.random() - 0.5);
}

/** Σ x[n] exp(-2πi n k / N), term by term. */
function direct(re: Float64Array, im: Float64Array): [Float64Array, Float64Array] {
  const n = re.length, outRe = new Float64Array(n), outIm = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    for (let j = 0; j < n; j++) {
      const angle = -2 * Math.PI * (j * k % n) / n, cos = Math.cos(angle), sin = Math.sin(angle);
      outRe[k] += re[j] * cos - im[j] * sin;
      outIm[k] += re[j] * sin + im[j] * cos;
    }
  }
  return [outRe, outIm];
}

const sizes = [
  ...Array.from({ length: 40 }, (_, i) => i + 1),
  64,
  81,
  97,
  101,
  125,
  256,
  257,
  400,
  441,
  512,
  720,
  1024,
];

Deno.test("Fft equals the direct sum for every kind of size", () => {
  for (const size of sizes) {
    const re = randoms(size), im = randoms(size), [wantedRe, wantedIm] = direct(re, im);
    const fft = new Fft(size);
    fft.forward(re, im);
    for (let k = 0; k < size; k++) {
      assert.ok(Math.abs(re[k] - wantedRe[k]) < 1e-10, `re[${k}] of ${size}: ${re[k]}, wanted ${wantedRe[k]}`);
      assert.ok(Math.abs(im[k] - wantedIm[k]) < 1e-10, `im[${k}] of ${size}: ${im[k]}, wanted ${wantedIm[k]}`);
    }
  }
});

Deno.test("Fft gives the same result twice: its scratch memory carries nothing over", () => {
  for (const size of [400, 97]) {
    const fft = new Fft(size), source = randoms(size);
    const runs = [0, 1].map(() => {
      const re = source.slice(), im = new Float64Array(size);
      fft.forward(re, im);
      return [...re, ...im];
    });
    assert.deepEqual(runs[0], runs[1]);
  }
});

Deno.test("PairedPower gives the power spectrum of both frames", () => {
  for (const size of [2, 3, 9, 400, 401, 512]) {
    const power = new PairedPower(size), frames = [randoms(size), randoms(size)];
    const found = [new Float64Array(power.bins), new Float64Array(power.bins)];
    power.first.set(frames[0]);
    power.second.set(frames[1]);
    power.run(found[0], found[1]);
    frames.forEach((frame, f) => {
      const [re, im] = direct(frame, new Float64Array(size));
      found[f].forEach((p, k) => assert.ok(Math.abs(p - (re[k] ** 2 + im[k] ** 2)) < 1e-9, `bin ${k} of ${size}`));
    });
  }
});

Deno.test("Fft refuses sizes that are none", () => {
  for (const size of [0, -4, 1.5, NaN, 2 ** 25]) {
    assert.throws(() => new Fft(size), { name: "RangeError", message: /^Cannot make an FFT of .* points/ });
  }
});
