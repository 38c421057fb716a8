import assert from "node:assert/strict";
import { chooseDevice } from "../../../tensor/mod.ts";
import { runsOnOpenGl } from "../../../tensor/webgpu/adapter.ts";

Deno.test("an adapter on OpenGL is told by its limits", () => {
  const limits = { // bindings a group, sampled textures a stage; the first two as found, the others as documented
    openGl: [2 ** 32 - 1, 16],
    vulkanLlvmpipe: [1024, 37],
    vulkanNvidia: [2 ** 32 - 1, 1_048_576],
    metal: [2 ** 32 - 1, 128],
    browser: [1000, 16],
  };
  for (const [name, [maxBindingsPerBindGroup, maxSampledTexturesPerShaderStage]] of Object.entries(limits)) {
    const found = runsOnOpenGl({ maxBindingsPerBindGroup, maxSampledTexturesPerShaderStage });
    assert.equal(found, name === "openGl", name);
  }
});

Deno.test("without a Vulkan driver the choice is the CPU, with the reason, and webgpu is refused with the remedy", async () => {
  if (Deno.build.os !== "linux") return; // drivers are found in another way
  const script = new URL("../../fixtures/choose_devices.ts", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", script],
    env: { VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent", NO_COLOR: "1" },
  }).output();
  assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), {
    auto: { type: "cpu", reason: "no GPU adapter found" },
    webgpu: "Cannot open a GPU: no adapter found; run `deno task doctor`, or use --device cpu",
  });
});

Deno.test("the cpu can be asked for", async () => {
  const { device, reason } = await chooseDevice("cpu");
  assert.deepEqual([device.type, reason], ["cpu", "asked for"]);
  device.close();
});
