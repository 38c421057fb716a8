/** The number of kernels of a training step is what CONTRIBUTING.md says. @module */
import assert from "node:assert/strict";
import { benchStep, stepCases } from "../../../tasks/bench/training_step.ts";
import { forEachDevice } from "../../devices.ts";

const contributing = await Deno.readTextFile(new URL("../../../CONTRIBUTING.md", import.meta.url));

for (const name of ["hw4-simple", "hw4-medium"]) {
  forEachDevice(`kernels of a step of ${name} are those written down`, async (device) => {
    if (device.type === "webgpu" && !device.description.includes("(software)")) return; // other tiles, other counts
    const [, cpu, webgpu] = new RegExp(`^\\| ${name} +\\| (\\d+) +\\| (\\d+) +\\|$`, "m").exec(contributing) ?? [];
    const { kernels } = await benchStep(stepCases[name], device, { steps: 1 });
    assert.equal(kernels, Number(device.type === "cpu" ? cpu : webgpu));
  });
}
