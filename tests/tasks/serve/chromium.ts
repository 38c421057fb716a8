/**
 * Tests in a real Chromium: the one that VOXGRAD_CHROMIUM names, else the system's. Where there is none they are shown as ignored, or fail
 * where VOXGRAD_REQUIRE_BROWSER is set.
 * @module
 */
import { type Browser, type BrowserContext, chromium, type Page } from "npm:playwright-core@1.65.1";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const named = Deno.env.get("VOXGRAD_CHROMIUM");
const found = await firstFile(named === undefined ? places : [named]);
const required = (Deno.env.get("VOXGRAD_REQUIRE_BROWSER") ?? "") !== "";
if (found === null) console.log("No Chromium found (apt install chromium): the tests in a browser are ignored");

/** WebGPU computed by SwiftShader, no sandbox and no shared memory of the system's (containers refuse or stint both), and nothing that calls home. */
const flags = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

async function firstFile(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  return null;
}

/** Whether there is a Chromium. */
export const canBrowse = found !== null;

/** A browser of its own, with further flags. */
export async function launch(more: readonly string[] = []): Promise<Browser> {
  if (found === null) throw new Error("Cannot test the page: no Chromium found, and VOXGRAD_REQUIRE_BROWSER is set");
  return await chromium.launch({ executablePath: found, headless: true, args: [...flags, ...more] });
}

/** Registers a test that needs Chromium. */
export function browserTest(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name, ignore: found === null && !required, fn });
}

export type { Browser, BrowserContext, Page };
