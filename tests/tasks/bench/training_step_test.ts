import assert from "node:assert/strict";
import { stepCases } from "../../../tasks/bench/step_cases.ts";
import { benchStep } from "../../../tasks/bench/training_step.ts";
import { WavLMForXVector } from "../../../nn/mod.ts";
import { forEachDevice } from "../../devices.ts";

const small = () =>
  new WavLMForXVector({
    numLabels: 4,
    hiddenSize: 16,
    numHiddenLayers: 1,
    numAttentionHeads: 2,
    intermediateSize: 16,
    convDim: [8, 8],
    convKernel: [10, 8],
    convStride: [5, 4],
    numConvPosEmbeddings: 4,
    numConvPosEmbeddingGroups: 2,
    tdnnDim: [8, 8, 8, 8, 8],
    hiddenDropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
    layerdrop: 0,
    applySpecAugment: false,
  });

forEachDevice(
  "the bench trains where it says so, and changes no weight where it times the forward pass",
  async (device) => {
    for (const forwardOnly of [false, true]) {
      let model = small();
      const make = () => model = small();
      const { loss } = stepCases["wavlm-step"];
      const stepCase = { make, input: [2, 800, 1], classes: 4, loss, forwardOnly };
      const result = await benchStep(stepCase, device, { steps: 2 });
      assert.ok(result.msPerStep > 0 && result.kernels > 0);
      assert.equal(model.training, !forwardOnly);
      if (forwardOnly) {
        assert.equal(result.losses, undefined);
        assert.ok(model.parameters().every((p) => p.grad === null), "a forward pass left gradients");
      } else {
        assert.ok(
          result.losses !== undefined && result.losses.last < result.losses.first,
          JSON.stringify(result.losses),
        );
      }
    }
  },
);
