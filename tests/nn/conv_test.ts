import assert from "node:assert/strict";
import * as nn from "../../nn/mod.ts";
import { conv1d, conv2d, convTranspose1d, randn } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose } from "./close.ts";

const shapes = (module: nn.Module) => module.namedParameters().map(([name, { shape }]) => [name, shape]);

forEachDevice("convolutions have PyTorch's names and shapes and compute the op", async () => {
  const conv = new nn.Conv1d(4, 6, 3, { groups: 2, padding: "same", dilation: 2 });
  assert.deepEqual(shapes(conv), [["weight", [6, 2, 3]], ["bias", [6]]]);
  const x = randn([2, 4, 9]);
  const options = { groups: 2, padding: "same", dilation: 2 } as const;
  await assertClose(conv.forward(x), conv1d(x, conv.weight, conv.bias, options), 1e-6);
  await assertClose(conv.forward(x, { activation: "relu" }), conv.forward(x).relu(), 1e-6);

  const image = new nn.Conv2d(3, 5, [3, 2], { stride: 2, bias: false });
  assert.deepEqual(shapes(image), [["weight", [5, 3, 3, 2]]]);
  assert.deepEqual(shapes(new nn.Conv2d(3, 5, 3)), [["weight", [5, 3, 3, 3]], ["bias", [5]]]);
  const y = randn([1, 3, 7, 8]);
  await assertClose(image.forward(y), conv2d(y, image.weight, null, { stride: 2 }), 1e-6);

  const back = new nn.ConvTranspose1d(4, 6, 4, { stride: 2, padding: 1, groups: 2 });
  assert.deepEqual(shapes(back), [["weight", [4, 3, 4]], ["bias", [6]]]);
  const wanted = convTranspose1d(x, back.weight, back.bias, { stride: 2, padding: 1, groups: 2 });
  assert.deepEqual(wanted.shape, [2, 6, 18]);
  await assertClose(back.forward(x), wanted, 1e-6);
});

forEachDevice("convolutions start uniform in ±1 / √fanIn, biases too", async () => {
  const layers = [
    [new nn.Conv1d(64, 128, 5, { groups: 4 }), 16 * 5],
    [new nn.Conv2d(20, 200, 3), 20 * 9],
    [new nn.ConvTranspose1d(100, 150, 4), 150 * 4],
  ] as const;
  for (const [layer, fanIn] of layers) {
    for (const parameter of [layer.weight, layer.bias!]) {
      const values = [...await parameter.data()].map((v) => v * Math.sqrt(fanIn));
      const largest = Math.max(...values.map(Math.abs));
      assert.ok(largest <= 1 && largest > 0.95, `largest ${largest}`);
      const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length;
      assert.ok(Math.abs(variance - 1 / 3) < 0.06, `variance ${variance}`);
    }
  }
});

forEachDevice("convolutions refuse groups that do not divide the channels", () => {
  const message = "Cannot make a Conv1d: 5 channels are not divisible by 2 groups";
  assert.throws(() => new nn.Conv1d(4, 5, 3, { groups: 2 }), { name: "TypeError", message });
  assert.throws(() => new nn.Conv1d(5, 4, 3, { groups: 2 }), { name: "TypeError", message });
});

forEachDevice("convolutions refuse sizes that leave nothing to sum, whose initial values would be infinite", () => {
  const name = "RangeError";
  const message = "Cannot make a Conv1d with weight [4, 3, 0]: expected whole numbers from 1";
  assert.throws(() => new nn.Conv1d(3, 4, 0), { name, message });
  assert.throws(() => new nn.Conv1d(0, 4, 3), { name });
  assert.throws(() => new nn.Conv2d(1, 4, [3, 2.5]), { name });
  assert.throws(() => new nn.ConvTranspose1d(3, 0, 4), { name });
});
