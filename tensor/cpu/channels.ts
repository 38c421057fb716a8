/**
 * Sums of channels: cuts what counts into runs, lets the jobs sum the runs, and joins their results in float64. Runs are cut by shape and
 * lengths alone, so that results do not depend on the number of threads.
 * @module
 */
import type { ChannelLayout } from "../ops/channels.ts";
import type { JobFunction, Jobs } from "./jobs.ts";
import type { ChannelRoutines, CpuSlice } from "./runtime.ts";
import { CHANNEL_ARGUMENTS } from "./wasm/channels.ts";

/** Elements of a chunk. */
const CHUNK = 8192;
/** Most rows of a block, so that a few columns of it stay in the nearest cache. */
const MOST_ROWS = 512;
/** Words of the table for a run. */
const ENTRY = 3;

type ChannelJob = "runMoments" | "runDots" | "blockMoments" | "blockDots";

/** First element, elements or rows, and channel of each run. */
type Runs = readonly number[];

/** Channel routines over the jobs of the kernel module. */
export class WasmChannels implements ChannelRoutines {
  readonly #jobs: Jobs;
  readonly #functions: Record<ChannelJob, JobFunction>;

  constructor(jobs: Jobs, functions: Record<ChannelJob, JobFunction>) {
    this.#jobs = jobs;
    this.#functions = functions;
  }

  moments(layout: ChannelLayout, x: CpuSlice, lengths: Int32Array | null) {
    const { channels } = layout;
    const [means, spreads, counts] = [0, 1, 2].map(() => new Float64Array(channels));
    const job = layout.channelsLast ? "blockMoments" : "runMoments";
    this.#run(job, layout, { x: x.ptr, dy: 0, mean: 0 }, lengths, (c, more, mean, spread) => {
      const n = counts[c] += more;
      const d = mean - means[c];
      means[c] += d * more / n;
      spreads[c] += spread + d * d * (n - more) * more / n;
    });
    return { count: channels === 0 ? 0 : counts[0], means, spreads };
  }

  dots(layout: ChannelLayout, [x, mean, dy]: readonly CpuSlice[], lengths: Int32Array | null) {
    const [sums, dots] = [0, 1].map(() => new Float64Array(layout.channels));
    const job = layout.channelsLast ? "blockDots" : "runDots";
    this.#run(job, layout, { x: x.ptr, dy: dy.ptr, mean: mean.ptr }, lengths, (c, _, sum, dot) => {
      sums[c] += sum;
      dots[c] += dot;
    });
    return { sums, dots };
  }

  /** Runs a job over all runs and hands `join` each run's two numbers for each channel it has. */
  #run(
    job: ChannelJob,
    layout: ChannelLayout,
    addresses: { readonly x: number; readonly dy: number; readonly mean: number },
    lengths: Int32Array | null,
    join: (channel: number, count: number, first: number, second: number) => void,
  ): void {
    const { channels: columns, channelsLast } = layout;
    const runs = runsOf(layout, lengths);
    const items = runs.length / ENTRY;
    if (items === 0) return;
    const { heap } = this.#jobs;
    const width = channelsLast ? columns : 1;
    const table = heap.allocateInternal(4 * runs.length);
    const out = heap.allocateInternal(8 * items * width);
    table.i32.set(runs);
    const perChunk = channelsLast ? 1 : Math.max(1, Math.ceil(CHUNK / runs[1]));
    const words = { ...addresses, table: table.ptr, out: out.ptr, columns, items, perChunk };
    this.#jobs.run(this.#functions[job], CHANNEL_ARGUMENTS.words(words), Math.ceil(items / perChunk));
    const results = out.f32;
    for (let item = 0; item < items; item++) {
      const [count, channel] = [runs[ENTRY * item + 1], runs[ENTRY * item + 2]];
      const at = 2 * width * item;
      for (let c = 0; c < width; c++) join(channel + c, count, results[at + c], results[at + width + c]);
    }
    heap.release(out);
    heap.release(table);
  }
}

/** Cuts what counts into runs: contiguous elements of one channel, or rows that have a column for each channel. */
function runsOf(
  { outer, channels, inner, time, channelsLast, masked }: ChannelLayout,
  lengths: Int32Array | null,
): Runs {
  const runs: number[] = [];
  const line = masked ? time : inner;
  const rows = Math.min(MOST_ROWS, Math.max(1, Math.ceil(outer * inner / 64), Math.ceil(CHUNK / channels)));
  for (let n = 0; n < outer; n++) {
    const frames = lengths === null ? line : Math.max(0, Math.min(line, lengths[n]));
    if (frames === 0) continue;
    for (let first = 0; first < inner; first += line) {
      if (channelsLast) {
        for (let row = 0; row < frames; row += rows) {
          runs.push((n * inner + first + row) * channels, Math.min(rows, frames - row), 0);
        }
      } else {
        for (let c = 0; c < channels; c++) runs.push((n * channels + c) * inner + first, frames, c);
      }
    }
  }
  return runs;
}
