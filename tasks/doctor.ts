/** `deno task doctor`: shows which devices were found, and what to install. @module */
import { chooseDevice, crossEntropy, type Device, manualSeed, randn, setDevice, tensor } from "../tensor/mod.ts";
import { describeAdapter, findAdapter } from "../tensor/webgpu/adapter.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import { type CommandSpec, parseCommand } from "./cli/command.ts";

const spec: CommandSpec<Record<never, never>> = {
  name: "doctor",
  about: "Shows which devices were found, tries a training step on each, and says what to install.",
  options: {},
  examples: ["deno task doctor"],
};

const VARIABLES = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "XDG_RUNTIME_DIR", "DENO_WEBGPU_BACKEND", "DEBUG"];

/** Computes a loss and gradients of a tiny model; the same numbers on every device. */
async function tryDevice(device: Device): Promise<string> {
  await setDevice(device);
  manualSeed(1);
  const weight = randn([4, 8], { requiresGrad: true });
  const loss = crossEntropy(randn([5, 8]).matmul(weight.transpose(0, 1)).gelu(), tensor(Int32Array.of(0, 1, 2, 3, 0)));
  loss.backward();
  return `loss ${(await loss.item()).toFixed(5)}, gradient norm ${(await weight.grad!.norm().item()).toFixed(5)}`;
}

await runTask(async () => {
  parseCommand(spec, Deno.args);
  const { deno, v8 } = Deno.version;
  console.log(`Deno ${deno}, V8 ${v8}, ${Deno.build.target}, ${navigator.hardwareConcurrency} cores`);
  for (const name of VARIABLES) if (Deno.env.has(name)) console.log(`${name}=${Deno.env.get(name)}`);
  const cpu = await chooseDevice("cpu");
  console.log(`\ncpu     ${cpu.device.description}`);
  console.log(`        works: ${await tryDevice(cpu.device)}`);
  cpu.device.close();
  const adapter = await findAdapter();
  if (adapter === null) {
    console.log(`\nwebgpu  no adapter found\n${advice()}`);
    await showChoice();
    return exitCodes.done;
  }
  const { description, software } = describeAdapter(adapter);
  const { maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage, maxComputeWorkgroupStorageSize } =
    adapter.limits;
  console.log(`\nwebgpu  ${description}${software ? " (software: used only with --device webgpu)" : ""}`);
  console.log(
    `        largest buffer ${
      (maxStorageBufferBindingSize / 2 ** 20).toFixed(0)
    } MiB, ${maxStorageBuffersPerShaderStage} buffers a kernel, ${maxComputeWorkgroupStorageSize} bytes of workgroup memory`,
  );
  console.log(`        features: ${[...adapter.features].join(", ")}`);
  let works = true;
  try {
    const { device } = await chooseDevice("webgpu");
    console.log(`        works: ${await tryDevice(device)}`);
    await setDevice("cpu");
    device.close();
  } catch (error) {
    works = false;
    console.log(`        does not work: ${(error as Error).message}`);
  }
  if (software) console.log(`\n${advice()}`);
  await showChoice();
  return works ? exitCodes.done : exitCodes.failed;
});

async function showChoice(): Promise<void> {
  const { device, reason } = await chooseDevice("auto");
  console.log(`\n--device auto takes ${device.type}: ${reason}`);
  device.close();
}

function advice(): string {
  if (Deno.build.os !== "linux") return "Update the graphics driver to use a GPU; until then the cpu device is used.";
  return `To use a GPU on Linux:
  1. install its driver with Vulkan support (NVIDIA: the proprietary driver; AMD and Intel: apt install mesa-vulkan-drivers)
  2. install the Vulkan loader: apt install libvulkan1
  3. in a container, pass the device through and point VK_DRIVER_FILES at the driver's .json file
To try webgpu without a GPU (slow, for tests): apt install libvulkan1 mesa-vulkan-drivers`;
}
