import assert from "node:assert/strict";
import { cumsum, tensor } from "../../../tensor/mod.ts";
import { assertClose, tabulate } from "../../close.ts";
import { forEachDevice } from "../../devices.ts";
import { drawn, sequence } from "../../gradcheck.ts";
import { gradcheckLayouts, layouts } from "../../layouts.ts";

forEachDevice("running sums of odd sizes, every layout and int32", async () => {
  for (const n of [1, 63, 64, 65, 257]) {
    const values = sequence(n, 2 * n);
    const along1 = tabulate([2, n], (i, j) => values.slice(i * n, i * n + j + 1).reduce((a, b) => a + b, 0));
    const along0 = tabulate([2, n], (i, j) => values[j] + (i > 0 ? values[n + j] : 0));
    for (
      const { name, x } of n === 63 ? layouts(values, [2, n]) : [{ name: `${n}`, x: tensor(values, { shape: [2, n] }) }]
    ) {
      await assertClose(cumsum(x, -1), along1, { name, shape: [2, n] });
      await assertClose(cumsum(x, 0), along0, { name, shape: [2, n] });
    }
  }
  const ints = cumsum(tensor(Int32Array.of(16777216, 1, -5)), 0);
  assert.equal(ints.dtype, "int32");
  await assertClose(ints, [16777216, 16777217, 16777212], { tolerance: 0 });
  await assertClose(cumsum(tensor([]), 0), []);
});

forEachDevice("gradients of running sums", async () => {
  await gradcheckLayouts((x) => cumsum(x, 0), [drawn(1, [3, 2])]);
  await gradcheckLayouts((x) => cumsum(x, 1), [drawn(1, [3, 2])]);
});
