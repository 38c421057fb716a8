import { AttentiveStatsPool, SEBlock, StatisticsPooling } from "../../nn/mod.ts";
import { tensor, zeros } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { drawn, gradcheck } from "../gradcheck.ts";
import { assertClose } from "./close.ts";

forEachDevice("the deviation of one frame is finite and trains nothing", async () => {
  for (const pooling of [new StatisticsPooling(), new AttentiveStatsPool(3, 2)]) {
    for (const [time, lengths] of [[1, null], [4, tensor(Int32Array.of(1, 1))]] as const) {
      const x = drawn(1, [2, time, 3]).requireGrad();
      const deviation = pooling.forward(x, lengths).slice(1, 3);
      await assertClose(deviation, new Array<number>(6).fill(1e-6), 1e-9);
      deviation.sum().backward();
      await assertClose(x.grad!, zeros([2, time, 3]), 0);
    }
  }
});

forEachDevice("a large offset costs a deviation no precision", async () => {
  const x = tensor([[[1000], [1002], [1001], [0]]]);
  const y = new StatisticsPooling().forward(x, tensor(Int32Array.of(3)));
  await assertClose(y.slice(1, 1), [(2 / 3) ** 0.5], 1e-4);
});

forEachDevice("gradients of attentive statistics and of squeeze and excitation, with lengths and without", async () => {
  const [pooling, block] = [new AttentiveStatsPool(3, 2), new SEBlock(3, 2)];
  const [frames, channels] = [drawn(1, [2, 5, 3], -2, 2), drawn(1, [2, 3, 5], -2, 2)];
  for (const lengths of [null, tensor(Int32Array.of(5, 2))]) {
    await gradcheck((x) => pooling.forward(x, lengths), [frames]);
    await gradcheck((x) => block.forward(x, lengths), [channels]);
  }
});
