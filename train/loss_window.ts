/** Losses and correct counts of the last steps, gathered on the device and read now and then. @module */
import { copyInto, currentDevice, Tensor, where } from "../tensor/mod.ts";

/** What steps gave, in their order. */
export interface StepResults {
  readonly losses: Float32Array;
  /** Correct predictions of each step. */
  readonly correct: Float32Array;
}

/** A ring of the last `capacity` results on the device; writing one is one small kernel, and no step waits for a read. */
export class LossWindow {
  readonly #losses: Tensor;
  readonly #correct: Tensor;
  /** Place that the next step writes to; assigned before each step. */
  readonly #place: Tensor;
  readonly #places: Tensor;
  #steps = 0;
  #read = 0;

  constructor(capacity: number) {
    const make = () => zerosPersistent(capacity, "float32");
    [this.#losses, this.#correct] = [make(), make()];
    this.#place = zerosPersistent(1, "int32");
    this.#places = zerosPersistent(capacity, "int32");
    this.#places.assign(Int32Array.from({ length: capacity }, (_, i) => i));
  }

  /** Steps that fit; what is not read before more of them have come is lost. */
  get capacity(): number {
    return this.#losses.size;
  }

  /** To be called before each step. */
  advance(): void {
    this.#place.assign(Int32Array.of(this.#steps++ % this.#losses.size));
  }

  /** Notes a step's results; part of the captured step. */
  note(loss: Tensor, correct: Tensor): void {
    const here = this.#places.eq(this.#place);
    copyInto(this.#losses, where(here, loss.detach(), this.#losses));
    copyInto(this.#correct, where(here, correct, this.#correct));
  }

  /** Steps noted since the last reading. */
  get pending(): number {
    return this.#steps - this.#read;
  }

  /** Reads what came since the last reading (at most `capacity` steps), as of now: later steps do not change it. */
  async read(): Promise<StepResults> {
    const [first, end] = [Math.max(this.#read, this.#steps - this.#losses.size), this.#steps];
    this.#read = end;
    const [losses, correct] = await Promise.all([this.#losses.data(), this.#correct.data()]);
    const pick = (ring: ArrayLike<number>) =>
      Float32Array.from({ length: end - first }, (_, i) => ring[(first + i) % ring.length]);
    return { losses: pick(losses), correct: pick(correct) };
  }

  /** Frees the ring. */
  dispose(): void {
    for (const t of [this.#losses, this.#correct, this.#place, this.#places]) t.dispose();
  }
}

function zerosPersistent(size: number, dtype: "float32" | "int32"): Tensor {
  const made = Tensor.persistent(currentDevice(), [size], dtype);
  made.assign(dtype === "float32" ? new Float32Array(size) : new Int32Array(size));
  return made;
}
