/// <reference lib="dom" />
/** The engine in Chromium: the modules and the numbers of Deno, on each of a browser's devices. @module */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readAudio } from "../../../data/audio/mod.ts";
import { setCurrentDevice } from "../../../tensor/device/current.ts";
import { modelFromBytes } from "../../../train/model_from_bytes.ts";
import type { TrainConfig } from "../../../train/train_config.ts";
import { Embedder } from "../../../train/verification/embedder.ts";
import { tinyModelBytes } from "../../train/verification/tiny_model.ts";
import { browserTest, launch, type Page } from "./chromium.ts";
import { servePage } from "./page_server.ts";

/** Models whose kernels differ. */
const kinds: Readonly<Record<string, Partial<TrainConfig>>> = {
  transformer: { model: "transformer" },
  conformer: { model: "conformer", attention: "relative", convKernel: 5, pooling: "self-attention" },
  ecapa: { model: "ecapa", head: "linear", channels: [64, 64, 64, 192], embeddingDim: 48, res2netScale: 4 },
  resnet: { model: "resnet34-speaker", head: "linear", channels: [4, 8, 8, 16] },
};

const recording = fileURLToPath(new URL("../../../data/samples/theo/3_theo_3.wav", import.meta.url));

/** What a page computed on. */
interface Computed {
  readonly embedding: readonly number[];
  readonly type: string;
  readonly description: string;
  readonly problem: string | null;
}

/** Embeds in the page with the engine as the page does it. */
async function embedWithEngine(page: Page, name: string, device: "cpu" | "webgpu"): Promise<Computed> {
  return await page.evaluate(async ([name, device]) => {
    const load = (path: string) => import(`/engine/${path}`);
    const bytes = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    const { Engine } = await load("tasks/serve/page/engine.ts");
    const { decodeAudio } = await load("data/audio/decode.ts");
    const engine = await Engine.open(await bytes(`/${name}`), device);
    const { samples, sampleRate } = await decodeAudio(await bytes("/recording"));
    const embedding = [...await engine.embed(samples, sampleRate)];
    return { embedding, ...engine.facts };
  }, [name, device] as const);
}

/** Embeds in the page with the kernels that graphics cards get, which SwiftShader runs as well; Chromium compiles them more strictly than Deno. */
async function embedWithGpuKernels(page: Page, name: string): Promise<Computed> {
  return await page.evaluate(async (name) => {
    const load = (path: string) => import(`/engine/${path}`);
    const bytes = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    const { findAdapter, openGpu } = await load("tensor/webgpu/adapter.ts");
    const { WebGpuDevice } = await load("tensor/webgpu/device.ts");
    const { setDevice } = await load("tensor/mod.ts");
    const { modelFromBytes } = await load("train/model_from_bytes.ts");
    const { Embedder } = await load("train/verification/embedder.ts");
    const { decodeAudio } = await load("data/audio/decode.ts");
    const { resample } = await load("data/features/mod.ts");
    const device = await setDevice(
      new WebGpuDevice(await openGpu(await findAdapter()), { description: "as a card", software: false }),
    );
    const embedder = new Embedder(await modelFromBytes(await bytes(`/${name}`), name));
    const { samples, sampleRate } = await decodeAudio(await bytes("/recording"));
    const [embedding] = await embedder.embed([resample(samples, sampleRate, embedder.sampleRate)]);
    return { embedding: [...embedding], type: device.type, description: device.description, problem: null };
  }, name);
}

async function embedHere(bytes: Uint8Array<ArrayBuffer>): Promise<Float32Array> {
  setCurrentDevice(null);
  const embedder = new Embedder(await modelFromBytes(bytes, "here"));
  const { samples } = await readAudio(recording, { sampleRate: embedder.sampleRate });
  return (await embedder.embed([samples]))[0];
}

browserTest("a page computes the embeddings that Deno computes", async (t) => {
  const models = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [name, config] of Object.entries(kinds)) models.set(name, await tinyModelBytes({ config }));
  const files = { ...Object.fromEntries(models), recording: await Deno.readFile(recording) };
  await using isolated = await servePage(files);
  await using alone = await servePage(files, { isolated: false });
  await using browser = await launch();

  const check = async (
    address: string,
    embed: (page: Page, name: string) => Promise<Computed>,
    names: readonly string[] = [...models.keys()],
  ): Promise<Computed & { readonly threads: number }> => {
    const page = await browser.newPage();
    await page.goto(address);
    let last: Computed | null = null;
    for (const name of names) {
      const wanted = await embedHere(models.get(name)!);
      last = await embed(page, name);
      strictEqual(last.problem, null);
      strictEqual(last.embedding.length, wanted.length);
      const error = wanted.reduce((most, x, i) => Math.max(most, Math.abs(x - last!.embedding[i])), 0);
      ok(error < 1e-3, `${name}: off by ${error}`);
    }
    const threads = page.workers().length;
    await page.close();
    return { ...last!, threads };
  };

  await t.step("cpu, with threads", async () => {
    const cpu = (page: Page, name: string) => embedWithEngine(page, name, "cpu");
    const { type, description, threads } = await check(isolated.address, cpu);
    strictEqual(type, "cpu");
    if (navigator.hardwareConcurrency === 1) return;
    match(description, /[2-8] threads/);
    ok(threads > 0, "no thread was started");
  });
  await t.step("cpu, in a page that is not isolated, on one thread", async () => {
    const cpu = (page: Page, name: string) => embedWithEngine(page, name, "cpu");
    const { type, description, threads } = await check(alone.address, cpu);
    deepStrictEqual([type, threads], ["cpu", 0]);
    match(description, /1 thread$/);
  });
  await t.step("webgpu", async () => {
    const { type } = await check(isolated.address, (page, name) => embedWithEngine(page, name, "webgpu"));
    strictEqual(type, "webgpu");
  });
  await t.step("webgpu, with the kernels of graphics cards", async () => {
    strictEqual(
      (await check(isolated.address, embedWithGpuKernels, ["transformer", "ecapa"])).description,
      "as a card",
    );
  });
});

browserTest("a graphics card that computes nonsense, or is lost, is replaced by the processor", async () => {
  const bytes = await tinyModelBytes();
  const wanted = await embedHere(bytes);
  await using server = await servePage({ model: bytes, recording: await Deno.readFile(recording) });
  await using browser = await launch();
  const page = await browser.newPage();
  await page.goto(server.address);
  const found = await page.evaluate(async () => {
    const load = (path: string) => import(`/engine/${path}`);
    const bytes = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    const { Engine } = await load("tasks/serve/page/engine.ts");
    const { WebGpuDevice } = await load("tensor/webgpu/device.ts");
    const { currentDevice } = await load("tensor/device/current.ts");
    const { decodeAudio } = await load("data/audio/decode.ts");
    const { samples, sampleRate } = await decodeAudio(await bytes("/recording"));
    const use = async (spoil: () => void) => {
      const engine = await Engine.open(await bytes("/model"), "webgpu");
      spoil();
      return { embedding: [...await engine.embed(samples, sampleRate)], ...engine.facts };
    };
    const lost = await use(() => currentDevice().gpu.destroy());
    const { read } = WebGpuDevice.prototype;
    WebGpuDevice.prototype.read = (_handle: unknown, _offset: number, size: number) => {
      const zeros = new Float32Array(size / 4);
      zeros[0] = 1;
      return Promise.resolve(zeros.buffer);
    };
    const nonsense = await use(() => WebGpuDevice.prototype.read = read);
    return { lost, nonsense };
  });
  for (const { type, embedding } of Object.values(found)) {
    strictEqual(type, "cpu");
    ok(wanted.every((x, i) => Math.abs(x - embedding[i]) < 1e-6));
  }
  match(found.lost.problem!, /^the GPU failed: .*lost/);
  match(found.nonsense.problem!, /^the GPU does not compute this model: its numbers are off by \d/);
});
