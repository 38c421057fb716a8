/** The convolutions of speech encoders: many recordings go through a few at a time. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { FeatureEncoder } from "../../../nn/models/speech_encoder/feature_encoder.ts";
import { wavlmConfig } from "../../../nn/models/wavlm/config.ts";
import { capture, manualSeed, type Tensor } from "../../../tensor/mod.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn } from "../../gradcheck.ts";

const small = { convDim: [6, 4], convKernel: [10, 3], convStride: [5, 2] };
/** Bytes of the first layer's output for a recording of 405 samples: 6 channels of 80 frames. */
const ROW = 4 * 6 * 80;

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  strictEqual(actual.length, expected.length);
  const worst = Math.max(
    ...Array.from(expected, (value, i) => Math.abs(value - actual[i]) / Math.max(1, Math.abs(value))),
  );
  ok(worst <= tolerance, `differs by ${worst}`);
}

for (const featExtractNorm of ["group", "layer"] as const) {
  forEachDevice(`recordings go through the convolutions in parts, norm "${featExtractNorm}"`, async () => {
    const config = wavlmConfig({ ...small, featExtractNorm });
    const x = drawn(1, [5, 405]);
    const results = async (most: number | undefined) => {
      manualSeed(3);
      const model = new FeatureEncoder(config);
      const widest: number[] = [];
      for (const layer of model.conv_layers) {
        const forward = layer.forward.bind(layer);
        layer.forward = (part: Tensor) => {
          widest.push(part.shape[0]);
          return forward(part);
        };
      }
      const y = model.forward(x, most);
      y.mul(drawn(2, y.shape)).sum().backward();
      const gradients = await Promise.all(model.parameters().map(async (p) => [...await p.grad!.data()]));
      return { widest, y: await y.data(), gradients };
    };
    const whole = await results(undefined), parts = await results(2 * ROW + ROW / 2);
    deepStrictEqual(whole.widest, [5, 5]);
    deepStrictEqual(parts.widest, [2, 2, 2, 2, 1, 1]);
    assertClose(parts.y, whole.y, 1e-5);
    parts.gradients.forEach((gradient, i) => assertClose(gradient, whole.gradients[i], 1e-4));
    const model = new FeatureEncoder(config);
    strictEqual((await capture(() => model.forward(x, 1))().data()).length, whole.y.length); // one at a time
  });
}
