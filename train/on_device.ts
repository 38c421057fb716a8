/** Work on a device that is opened for it. @module */
import { chooseDevice, currentDevice, setDevice } from "../tensor/mod.ts";
import type { Screen } from "./progress.ts";

/**
 * Opens a device, says which and why, works on it, and closes it; whatever happens, the device of before is current again.
 *
 * @param name "auto" is a real GPU if there is one, else the CPU
 * @throws {Error} Where it cannot be opened, and what the work throws.
 */
export async function onDevice<T>(
  name: "auto" | "webgpu" | "cpu",
  { screen, work }: { screen: Screen; work: () => Promise<T> },
): Promise<T> {
  const { device, reason } = await chooseDevice(name);
  const before = currentDevice();
  await setDevice(device);
  screen.info(`Use ${device.type} now! ${device.description} (${reason})`);
  try {
    return await work();
  } finally {
    await setDevice(before);
    device.close();
  }
}
