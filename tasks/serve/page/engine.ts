/**
 * voxgrad's own engine in a browser: the same modules that the server runs, on the visitor's GPU or CPU. Nothing here needs a document, so
 * that it runs in a thread of its own.
 * @module
 */
import { resample } from "../../../data/features/mod.ts";
import { chooseDevice, type Device, type DeviceChoice, openDevice, setDevice } from "../../../tensor/mod.ts";
import { modelFromBytes } from "../../../train/model_from_bytes.ts";
import { Embedder, UnusableWave } from "../../../train/verification/embedder.ts";

import { messageOf } from "./message.ts";

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
   * @param choice "webgpu" also takes a GPU that is software; default "auto"
   * @throws Error where the file is no model.
   */
  static async open(weights: Uint8Array<ArrayBuffer>, choice: DeviceChoice = "auto"): Promise<Engine> {
    const cpu = await load(weights, await openDevice("cpu"));
    if (choice === "cpu") return new Engine(weights, cpu, null);
    try {
      const gpu = await loadChecked(weights, { choice, cpu });
      if (gpu === null) return new Engine(weights, cpu, null);
      cpu.device.close();
      return new Engine(weights, gpu, null);
    } catch (error) {
      await setDevice(cpu.device);
      return new Engine(weights, cpu, `the GPU does not compute this model: ${messageOf(error)}`);
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
      this.#problem = `the GPU failed: ${messageOf(error)}`;
      return (await this.#ready.embedder.embed([wave]))[0];
    }
  }
}

async function load(weights: Uint8Array<ArrayBuffer>, device: Device): Promise<Ready> {
  await setDevice(device);
  const loaded = await modelFromBytes(weights, "the model");
  return { device, embedder: new Embedder(loaded), model: loaded.id };
}

/** The model on a GPU; null where there is none. Throws unless it gives the same embedding as the CPU, which is the current device. */
async function loadChecked(
  weights: Uint8Array<ArrayBuffer>,
  { choice, cpu }: { readonly choice: DeviceChoice; readonly cpu: Ready },
): Promise<Ready | null> {
  const { device } = await chooseDevice(choice);
  try {
    if (device.type === "cpu") {
      device.close();
      return null;
    }
    const wanted = await trial(cpu), gpu = await load(weights, device);
    const error = difference(await trial(gpu), wanted);
    if (!(error <= TOLERANCE)) throw new Error(`its numbers are off by ${error.toPrecision(2)}`);
    return gpu;
  } catch (error) {
    device.close();
    throw error;
  }
}

/** The embedding of a second of a rising tone. */
async function trial({ embedder }: Ready): Promise<Float32Array> {
  const wave = Float32Array.from({ length: embedder.sampleRate }, (_, i) => 0.3 * Math.sin(i * (0.02 + 2e-6 * i)));
  return (await embedder.embed([wave]))[0];
}

function difference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}
