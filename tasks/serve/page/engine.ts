/**
 * voxgrad's own engine in a browser: the same modules that the server runs, on the visitor's GPU or CPU. Nothing here needs a document, so
 * that it runs in a thread of its own.
 * @module
 */
import { resample } from "../../../data/features/mod.ts";
import { chooseDevice, type Device, type DeviceChoice, openDevice, setDevice } from "../../../tensor/mod.ts";
import { modelFromBytes } from "../../../train/model_from_bytes.ts";
import { Embedder, UnusableWave } from "../../../train/verification/embedder.ts";

/** Numbers of an embedding of length 1 differ by far less between devices that compute correctly. */
const TOLERANCE = 1e-3;

/** What an engine computes on. */
export interface EngineFacts {
  readonly type: Device["type"];
  /** Name of the GPU, or threads of the CPU. */
  readonly description: string;
  /** What is wrong with the GPU, where there is one that is not used; null else. */
  readonly problem: string | null;
  /** The model's `id`. */
  readonly model: string;
}

/** A model on a device. */
interface Ready {
  readonly device: Device;
  readonly embedder: Embedder;
  readonly model: string;
}

/** Computes embeddings. */
export class Engine {
  readonly #weights: Uint8Array<ArrayBuffer>;
  #ready: Ready;
  #problem: string | null;

  private constructor(weights: Uint8Array<ArrayBuffer>, ready: Ready, problem: string | null) {
    this.#weights = weights;
    this.#ready = ready;
    this.#problem = problem;
  }

  /**
   * Loads a model file. A GPU is used only where it gives the same embedding as the CPU: browsers have drivers of every quality below them.
   *
   * @throws Error where the file is no model, or "webgpu" is asked for and there is none.
   */
  static async open(weights: Uint8Array<ArrayBuffer>, choice: DeviceChoice = "auto"): Promise<Engine> {
    const { device } = await chooseDevice(choice);
    if (device.type === "cpu") return new Engine(weights, await load(weights, device), null);
    const cpu = await load(weights, await openDevice("cpu"));
    const wanted = await trial(cpu);
    try {
      const gpu = await load(weights, device);
      const error = difference(await trial(gpu), wanted);
      if (!(error <= TOLERANCE)) throw new Error(`its numbers are off by ${error.toPrecision(2)}`);
      cpu.device.close();
      return new Engine(weights, gpu, null);
    } catch (error) {
      device.close();
      await setDevice(cpu.device);
      return new Engine(weights, cpu, `the GPU does not compute this model: ${(error as Error).message}`);
    }
  }

  /** What it computes on now. */
  get facts(): EngineFacts {
    const { device: { type, description }, model } = this.#ready;
    return { type, description, problem: this.#problem, model };
  }

  /**
   * The embedding of a recording, of length 1. A GPU that is lost is replaced by the CPU.
   *
   * @param samples mono, `sampleRate` a second
   * @throws UnusableWave where it is too short or silent.
   */
  async embed(samples: Float32Array, sampleRate: number): Promise<Float32Array> {
    const rate = this.#ready.embedder.sampleRate;
    const wave = sampleRate === rate ? samples : resample(samples, sampleRate, rate);
    try {
      return (await this.#ready.embedder.embed([wave]))[0];
    } catch (error) {
      if (error instanceof UnusableWave || this.#ready.device.type === "cpu") throw error;
      this.#ready.device.close();
      this.#ready = await load(this.#weights, await openDevice("cpu"));
      this.#problem = `the GPU failed: ${(error as Error).message}`;
      return (await this.#ready.embedder.embed([wave]))[0];
    }
  }
}

async function load(weights: Uint8Array<ArrayBuffer>, device: Device): Promise<Ready> {
  await setDevice(device);
  const loaded = await modelFromBytes(weights, "the model");
  return { device, embedder: new Embedder(loaded), model: loaded.id };
}

/** The embedding of a second of a rising tone. */
async function trial({ embedder }: Ready): Promise<Float32Array> {
  const wave = Float32Array.from({ length: embedder.sampleRate }, (_, i) => 0.3 * Math.sin(i * (0.02 + 2e-6 * i)));
  return (await embedder.embed([wave]))[0];
}

function difference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}
