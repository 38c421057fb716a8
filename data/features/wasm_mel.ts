/**
 * Mel spectrograms of eight frames at once, in WebAssembly SIMD: each of four lanes holds the complex transform of two
 * frames. Single precision, like torchaudio; the plain form in `short_time_power.ts` is its oracle.
 *
 * @module
 */
import { type Body, ModuleBuilder } from "../../tensor/cpu/wasm/module.ts";
import { f32x4, i32, type V128, v128 } from "../../tensor/cpu/wasm/ops.ts";
import type { Local } from "../../tensor/cpu/wasm/value.ts";
import { VectorMath } from "../../tensor/cpu/wasm/vec_math.ts";
import { type FftPass, planPasses } from "./fft_passes.ts";
import type { FilterBank } from "./filters.ts";
import { emitPass } from "./wasm_fft.ts";

/** What the code is made for. */
export interface WasmMelOptions {
  nFft: number;
  hopLength: number;
  /** The window, at most nFft samples, to lie in the middle of them. */
  window: Float64Array;
  filters: FilterBank;
  /** Take the natural logarithm of values clamped at this, or with this added. */
  log?: { floor: number; mode: "clamp" | "add" };
}

/** Frames a block; frame 2l is the real part of lane l, frame 2l + 1 the imaginary part. */
const BLOCK = 8;
/** Frames a call. */
const CHUNK = 32 * BLOCK;
const MAX_FFT = 8192;
const MAX_HOP = 16384;

/** Where everything lies in the memory, in bytes. */
interface Layout extends WasmMelOptions {
  plan: readonly FftPass[];
  windowAt: number;
  twiddlesAt: number[];
  runsAt: number;
  weightsAt: number;
  /** The two buffers of the transform, real parts first. */
  buffers: readonly [number, number];
  /** From real to imaginary parts. */
  imaginary: number;
  waveAt: number;
  outAt: number;
  end: number;
}

/** Mel or log-mel frames by one WASM function made for these settings. */
export class WasmMel {
  readonly #layout: Layout;
  readonly #wave: Float32Array;
  readonly #out: Float32Array;
  readonly #run: (blocks: number) => void;

  /** The code for these settings, or undefined where it has none: other prime factors than 2, 3 and 5, or too large. */
  static make(options: WasmMelOptions): WasmMel | undefined {
    const plan = planPasses(options.nFft);
    if (!plan || options.nFft > MAX_FFT || options.hopLength > MAX_HOP) return undefined;
    return new WasmMel(arrange(options, plan));
  }

  private constructor(layout: Layout) {
    const pages = Math.ceil(layout.end / 65536), memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#layout = layout;
    fillTables(layout, memory.buffer);
    this.#wave = new Float32Array(memory.buffer, layout.waveAt, (layout.outAt - layout.waveAt) / 4);
    this.#out = new Float32Array(memory.buffer, layout.outAt, CHUNK * layout.filters.size);
    const module = new ModuleBuilder({ fma: false, shared: false, maxPages: pages });
    module.func(["i32"], (f, blocks) => emitBlocks(f, blocks, layout), "run");
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory } });
    this.#run = exports.run as (blocks: number) => void;
  }

  /** Fills `data` (frames × filters) from a waveform that is padded already; frame t starts at sample t * hop. */
  apply(padded: Float32Array, frames: number, data: Float32Array): void {
    const { hopLength, filters } = this.#layout;
    for (let first = 0; first < frames; first += CHUNK) {
      const count = Math.min(CHUNK, frames - first), start = first * hopLength;
      const part = padded.subarray(start, start + this.#wave.length);
      this.#wave.set(part);
      this.#wave.fill(0, part.length);
      this.#run(Math.ceil(count / BLOCK));
      data.set(this.#out.subarray(0, count * filters.size), first * filters.size);
    }
  }
}

function arrange(options: WasmMelOptions, plan: readonly FftPass[]): Layout {
  const { nFft, hopLength, window, filters } = options;
  let end = 0;
  const take = (words: number) => {
    const at = end;
    end += Math.ceil(words / 4) * 16;
    return at;
  };
  // Four samples are loaded at a time: one vector of slack behind what is not a multiple of four.
  const windowAt = take(window.length + 4), twiddlesAt = plan.map(({ twiddles }) => take(twiddles.length));
  const runsAt = take(filters.size * 2), weightsAt = take(filters.weights.length);
  const imaginary = (nFft + 4) * 16;
  const buffers = [take((nFft + 4) * 8), take((nFft + 4) * 8)] as const;
  const waveAt = take((CHUNK - 1) * hopLength + nFft + 4), outAt = take(CHUNK * filters.size);
  return { ...options, plan, windowAt, twiddlesAt, runsAt, weightsAt, buffers, imaginary, waveAt, outAt, end };
}

function fillTables(layout: Layout, buffer: ArrayBufferLike): void {
  const { window, filters, plan, twiddlesAt, runsAt, weightsAt } = layout, floats = new Float32Array(buffer);
  floats.set(window, layout.windowAt / 4);
  floats.set(filters.weights, weightsAt / 4);
  plan.forEach(({ twiddles }, i) => floats.set(twiddles, twiddlesAt[i] / 4));
  const runs = new Int32Array(buffer, runsAt, filters.size * 2), power = powerAt(layout);
  for (let filter = 0; filter < filters.size; filter++) {
    const weights = 4 * (filters.runs[2 * filter + 1] - (filter > 0 ? filters.runs[2 * filter - 1] : 0));
    runs[2 * filter] = power + 16 * filters.runs[2 * filter];
    runs[2 * filter + 1] = weights;
  }
}

/** The last pass writes to one buffer; powers go to the other. */
function powerAt({ plan, buffers }: Layout): number {
  return buffers[(plan.length + 1) % 2];
}

function emitBlocks(f: Body, blocks: Local<"i32">, layout: Layout): void {
  const { plan, buffers, imaginary, twiddlesAt, hopLength, filters } = layout;
  const wave = f.local("i32", layout.waveAt), out = f.local("i32", layout.outAt);
  f.while(blocks, () => {
    emitFrames(f, wave, layout);
    plan.forEach((pass, i) => {
      emitPass(f, pass, { from: buffers[i % 2], to: buffers[(i + 1) % 2], twiddles: twiddlesAt[i], imaginary });
    });
    emitPower(f, layout);
    emitFilters(f, out, layout);
    f.step(wave, BLOCK * hopLength * 4);
    f.step(out, (BLOCK - 1) * filters.size * 4);
    f.step(blocks, -1);
  });
}

/** Windows eight frames from `wave` on into the first buffer. */
function emitFrames(f: Body, wave: Local<"i32">, layout: Layout): void {
  const { nFft, hopLength, window, imaginary, buffers: [buffer], windowAt } = layout;
  const left = (nFft - window.length) >> 1, vectors = Math.ceil(window.length / 4);
  const to = f.local("i32"), from = f.local("i32"), weights = f.local("i32", windowAt);
  for (const [first, end] of [[0, left], [left + window.length, nFft]]) {
    if (end <= first) continue;
    f.for(to, buffer + first * 16, buffer + end * 16, 16, () => {
      const zero = f.hoist(f32x4.const(0));
      f.do(v128.store(to, zero), v128.store(to, zero, imaginary));
    });
  }
  f.set(to, buffer + left * 16);
  f.set(from, i32.add(wave, left * 4));
  f.doWhile(() => {
    const weight = f.local("v128", v128.load(weights));
    for (const part of [0, 1]) {
      const rows = [0, 1, 2, 3].map((lane) =>
        f.local("v128", f32x4.mul(v128.load(from, (2 * lane + part) * hopLength * 4), weight))
      );
      transpose(f, rows).forEach((column, i) => f.do(v128.store(to, column, i * 16 + part * imaginary)));
    }
    f.step(to, 64);
    f.step(from, 16);
    f.step(weights, 16);
  }, i32.ltU(weights, windowAt + vectors * 16));
}

function transpose(f: Body, [a, b, c, d]: readonly V128[]): V128[] {
  const pair = (x: V128, y: V128, high: boolean) =>
    f.local("v128", v128.shuffle(x, y, high ? [2, 6, 3, 7] : [0, 4, 1, 5]));
  const ab = pair(a, b, false), cd = pair(c, d, false), abHigh = pair(a, b, true), cdHigh = pair(c, d, true);
  return [
    v128.shuffle(ab, cd, [0, 1, 4, 5]),
    v128.shuffle(ab, cd, [2, 3, 6, 7]),
    v128.shuffle(abHigh, cdHigh, [0, 1, 4, 5]),
    v128.shuffle(abHigh, cdHigh, [2, 3, 6, 7]),
  ];
}

/** Separates the spectra of the two frames of each lane and writes their powers, as `PairedPower` does. */
function emitPower(f: Body, layout: Layout): void {
  const { nFft, imaginary, plan, buffers } = layout, spectrum = buffers[plan.length % 2], power = powerAt(layout);
  const square = (x: V128) => f32x4.mul(x, x);
  f.do(
    v128.store(i32.const(power), square(v128.load(spectrum))),
    v128.store(i32.const(power), square(v128.load(spectrum, imaginary)), imaginary),
  );
  const at = f.local("i32"), mirror = f.local("i32", spectrum + (nFft - 1) * 16), to = f.local("i32", power + 16);
  f.for(at, spectrum + 16, spectrum + ((nFft >> 1) + 1) * 16, 16, () => {
    const [re, im] = [0, imaginary].map((offset) => f.local("v128", v128.load(at, offset)));
    const [mirrorRe, mirrorIm] = [0, imaginary].map((offset) => f.local("v128", v128.load(mirror, offset)));
    const quarter = f.hoist(f32x4.const(0.25));
    const norm = (x: V128, y: V128) => {
      const [a, b] = [f.local("v128", x), f.local("v128", y)];
      return f32x4.mul(quarter, f32x4.add(square(a), square(b)));
    };
    f.do(
      v128.store(to, norm(f32x4.add(re, mirrorRe), f32x4.sub(im, mirrorIm))),
      v128.store(to, norm(f32x4.add(im, mirrorIm), f32x4.sub(mirrorRe, re)), imaginary),
    );
    f.step(mirror, -16);
    f.step(to, 16);
  });
}

/** Applies every filter to the eight power spectra and writes frame after frame to `out`, which moves by one frame. */
function emitFilters(f: Body, out: Local<"i32">, { filters, imaginary, runsAt, weightsAt, log }: Layout): void {
  const run = f.local("i32"), weight = f.local("i32", weightsAt), end = f.local("i32"), bin = f.local("i32");
  const sums = [f.local("v128"), f.local("v128")], math = new VectorMath(f, { fma: false, shared: false, maxPages: 1 });
  f.for(run, runsAt, runsAt + filters.size * 8, 8, () => {
    for (const sum of sums) f.set(sum, f.hoist(f32x4.const(0)));
    f.set(bin, i32.load(run));
    f.set(end, i32.add(weight, i32.load(run, 4)));
    f.while(i32.ltU(weight, end), () => {
      const factor = f.local("v128", v128.load32Splat(weight));
      sums.forEach((sum, part) => f.set(sum, f32x4.add(sum, f32x4.mul(factor, v128.load(bin, part * imaginary)))));
      f.step(weight, 4);
      f.step(bin, 16);
    });
    sums.forEach((sum, part) => {
      const floor = f.hoist(f32x4.const(log?.floor ?? 0));
      if (log) f.set(sum, math.log(f.local("v128", (log.mode === "clamp" ? f32x4.max : f32x4.add)(sum, floor))));
      for (const lane of [0, 1, 2, 3]) {
        f.do(v128.store32Lane(out, sum, lane, (2 * lane + part) * filters.size * 4));
      }
    });
    f.step(out, 4);
  });
}
