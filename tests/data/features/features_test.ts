import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openSafetensors } from "../../../data/files/safetensors.ts";
import { featureCases, type GoldenArray } from "../../goldens_features.ts";

interface GoldenCase {
  name: string;
  op: string;
  args: Record<string, unknown>;
  rtol: number;
  atol: number;
}

const folder = new URL("../../goldens/", import.meta.url);

function assertClose(actual: GoldenArray, wanted: GoldenArray, { rtol, atol }: GoldenCase): void {
  assert.deepEqual([...actual.shape], [...wanted.shape]);
  wanted.data.forEach((value, i) => {
    const error = Math.abs(actual.data[i] - value);
    assert.ok(error <= atol + rtol * Math.abs(value), `value ${i} is ${actual.data[i]}, wanted ${value}`);
  });
}

Deno.test("features equal torchaudio's golden values", async (t) => {
  using file = openSafetensors(fileURLToPath(new URL("features.safetensors", folder)));
  const cases: GoldenCase[] = JSON.parse(file.metadata.cases);
  assert.equal(cases.length, 14);
  for (const golden of cases) {
    await t.step(golden.name, () => {
      const inputs = { wave: file.read(`${golden.name}/in/wave`) };
      const outputs = featureCases[golden.op](inputs, golden.args);
      assertClose(outputs.y, file.read(`${golden.name}/out/y`), golden);
    });
  }
});
