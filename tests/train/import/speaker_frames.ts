/** Frames that fixtures/campplus/network.py makes too, and what encoders make of them. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../../data/files/mod.ts";
import { noGrad, tensor } from "../../../tensor/mod.ts";
import { loadModel } from "../../../train/model_file.ts";

/** Folder of the fixtures. */
export const fixtures = fileURLToPath(new URL("../../fixtures/", import.meta.url));
/** What PyTorch computed for a folder of fixtures. */
export const expectedOf = (folder: string) =>
  readSafetensors(Deno.readFileSync(join(fixtures, folder, "expected.safetensors")), { name: "expected" }).arrays;

/** The frames of fixtures/campplus/network.py. */
function frames(count: number) {
  const values = Array.from({ length: count * 8 }, (_, i) => {
    const t = Math.floor(i / 8), b = i % 8;
    return 2 * Math.sin(0.37 * t + 1.3 * b) + Math.cos(0.011 * t * (b + 1));
  });
  return tensor(values, { shape: [1, count, 8] });
}

/** Compares the embedding of 203 frames. */
export async function assertEmbeds(out: string, wanted: ArrayLike<number>): Promise<void> {
  const { model } = await loadModel(out);
  const found = await noGrad(() => model.eval().embed(frames(203))).data();
  const most = Math.max(...Array.from(wanted, Math.abs));
  assert.equal(found.length, wanted.length);
  found.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < 2e-5 * most, `${i}: ${value}, not ${wanted[i]}`));
}
