/**
 * From what a user asks for to what is done to a single chunk: keeps the recordings of noise and rooms.
 */
import { type AugmentOptions, type AugmentPlan, planAugment, type StockCut } from "../augment/plan.ts";
import type { Random } from "../random.ts";
import type { StoredWave } from "./stored_wave.ts";
import type { AugmentJob, StoredCut } from "./wave_jobs.ts";
import { type WaveBudget, WaveStore } from "./wave_store.ts";
import type { WavePool } from "./wave_pool.ts";

/** What is done to chunks for training: each draw of a recording is heard in another way. */
export interface ChunkAugment extends Omit<AugmentOptions, "noise" | "reverb"> {
  /** Paths of recordings of noise, or "generated": white, pink and brown noise, and babble of other recordings. */
  readonly noise?: readonly string[] | "generated";
  /** Paths of impulse responses, or "generated" rooms. */
  readonly reverb?: readonly string[] | "generated";
  /** The class of a recording at a speed, where that is not its own. */
  readonly labelAt?: (label: number, speed: number) => number;
}

/** Where the recordings that are trained on are. */
export interface Voices {
  readonly store: WaveStore;
  /** Their places in it. */
  readonly indices: readonly number[];
}

/** Recordings of noise and rooms, and how they are drawn. */
export class Augmenter {
  readonly #options: ChunkAugment;
  readonly #noises: WaveStore | undefined;
  readonly #rooms: WaveStore | undefined;

  private constructor(options: ChunkAugment, stores: { noises: WaveStore | undefined; rooms: WaveStore | undefined }) {
    [this.#options, this.#noises, this.#rooms] = [options, stores.noises, stores.rooms];
  }

  /**
   * Reads recordings of noise and rooms.
   *
   * @throws {Error} one cannot be used or is silent; the message names it
   */
  static async open(options: ChunkAugment, memory: { pool: WavePool; budget: WaveBudget }): Promise<Augmenter> {
    const open = async (paths: readonly string[] | "generated" | undefined, what: string) => {
      if (paths === undefined || paths === "generated") return undefined;
      const store = await WaveStore.open(paths, memory);
      for (const i of store.silent) throw new Error(`Cannot use ${JSON.stringify(paths[i])} as ${what}: it is silent`);
      return store;
    };
    const noises = await open(options.noise, "noise");
    return new Augmenter(options, { noises, rooms: await open(options.reverb, "an impulse response") });
  }

  /** Draws what is done to a chunk, where there are so many other recordings to mix babble of. */
  plan(random: Random, voices: number): AugmentPlan {
    const source = (given: readonly string[] | "generated" | undefined) =>
      given === undefined || given === "generated" ? given : "recordings";
    const { noise, reverb, ...options } = this.#options;
    const stock = { noises: this.#noises?.count ?? 0, rooms: this.#rooms?.count ?? 0, voices };
    return planAugment({ ...options, noise: source(noise), reverb: source(reverb) }, stock, random);
  }

  /** The class of a recording at a speed; undefined where it is its own. */
  labelOf(label: number, { speed }: AugmentPlan): number | undefined {
    return this.#options.labelAt?.(label, speed);
  }

  /**
   * A plan with its recordings.
   *
   * @param plan for a chunk of the recording `self`
   * @param options `length` of the chunk in samples, and what babble is mixed of
   */
  async job(
    plan: AugmentPlan,
    { self, length, voices }: { self: number; length: number; voices: Voices },
  ): Promise<AugmentJob> {
    const [room, noises] = await Promise.all([this.#roomOf(plan), this.#noisesOf(plan, { self, length, voices })]);
    return { plan, length, room, noises };
  }

  async #roomOf({ room }: AugmentPlan): Promise<StoredWave | undefined> {
    return room?.kind === "recording" ? await this.#rooms?.get(room.index) : undefined;
  }

  async #noisesOf(
    { noise }: AugmentPlan,
    { self, length, voices: { store, indices } }: { self: number; length: number; voices: Voices },
  ): Promise<StoredCut[] | undefined> {
    if (noise?.kind === "recording" && this.#noises !== undefined) return [await part(this.#noises, noise.cut, length)];
    if (noise?.kind !== "babble") return undefined;
    const others = indices.filter((index) => index !== self);
    return await Promise.all(noise.voices.map(({ index, at }) => part(store, { index: others[index], at }, length)));
  }
}

/** A part of a recording from a drawn place on; a shorter one is repeated. */
async function part(store: WaveStore, { index, at }: StockCut, length: number): Promise<StoredCut> {
  const start = Math.floor(at * (Math.max(0, store.lengthOf(index) - length) + 1));
  return { wave: await store.get(index), cut: { start, length } };
}
