/** Layers that backward computes again: the same numbers, and less memory. */
import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  type Classifier,
  ConformerClassifier,
  EcapaTdnn,
  setRecompute,
  SpeakerClassifier,
  WavLMForXVector,
} from "../../nn/mod.ts";
import { capture, crossEntropy, manualSeed, type Tensor, tensor } from "../../tensor/mod.ts";
import { SGD } from "../../train/optim/mod.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";

const models: Readonly<Record<string, { make: () => Classifier; input: number[]; stacks?: number }>> = {
  transformer: {
    make: () =>
      new SpeakerClassifier({ numSpeakers: 3, nMels: 4, dModel: 8, nHead: 2, dimFeedforward: 8, numLayers: 2 }),
    input: [2, 12, 4],
  },
  conformer: {
    make: () => new ConformerClassifier({ numSpeakers: 3, nMels: 4, dModel: 8, nHead: 2, numLayers: 2 }),
    input: [2, 24, 4],
  },
  wavlm: {
    make: () =>
      new WavLMForXVector({
        ...{ numLabels: 3, hiddenSize: 8, numHiddenLayers: 3, numAttentionHeads: 2, intermediateSize: 8 },
        ...{ convDim: [4, 4], convKernel: [10, 8], convStride: [5, 8], numConvPosEmbeddings: 4 },
        ...{ numConvPosEmbeddingGroups: 2, layerdrop: 0.3, tdnnDim: [4, 4, 4, 4, 6], xvectorOutputDim: 5 },
      }),
    input: [2, 1600, 1],
    stacks: 2, // its convolutions are one
  },
};

for (const [name, { make, input, stacks = 1 }] of Object.entries(models)) {
  forEachDevice(`${name}: computed again, steps with dropout are the same, captured or not`, async () => {
    const trained = async (recompute: boolean, captured: boolean) => {
      manualSeed(5);
      const model = make(), x = drawn(1, input), y = tensor(Int32Array.from([2, 0]));
      strictEqual(setRecompute(model, recompute), stacks);
      const optimizer = new SGD(model.parameters(), { lr: 0.1 });
      const step = (): Tensor => {
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
        return loss;
      };
      const run = captured ? capture(step) : step;
      const losses = [await run().item(), await run().item()];
      const arrays = Object.entries(await model.stateArrays()).map(([key, { data }]) => [key, [...data]] as const);
      return { losses, arrays };
    };
    for (const captured of [false, true]) {
      const plain = await trained(false, captured), again = await trained(true, captured);
      notDeepStrictEqual(plain.losses[0], plain.losses[1]);
      deepStrictEqual(again.losses[0], plain.losses[0]);
      ok(Math.abs(again.losses[1] - plain.losses[1]) < 1e-4, `${again.losses} ${plain.losses}`);
      for (const [i, [key, values]] of plain.arrays.entries()) {
        const worst = Math.max(...values.map((value, j) => Math.abs(value - again.arrays[i][1][j])));
        ok(worst < 1e-4, `${key}: ${worst}, captured: ${captured}`);
      }
    }
  });
}

Deno.test("a network without such layers has nothing to compute again", () => {
  strictEqual(setRecompute(new EcapaTdnn(), true), 0);
});
