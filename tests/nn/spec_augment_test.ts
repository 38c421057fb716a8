import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { SpecAugment, type SpecAugmentOptions } from "../../nn/mod.ts";
import {
  capture,
  manualSeed,
  ones,
  randn,
  randomState,
  setRandomState,
  type Tensor,
  tensor,
} from "../../tensor/mod.ts";
import { cpuDevice } from "../../tensor/device/current.ts";
import { forEachDevice, onWebGpu } from "../devices.ts";
import { assertClose } from "./close.ts";

/** A run of masked places: where it starts and how wide it is. */
interface Run {
  readonly start: number;
  readonly width: number;
}

const ints = (values: readonly number[]) => tensor(Int32Array.from(values));
const none = { freqMasks: 0, timeMasks: 0 } satisfies SpecAugmentOptions;

/** Masked runs of a row of ones. */
function runs(row: readonly number[]): Run[] {
  const edges = row.flatMap((v, i) => v === 0 && (i === 0 || row[i - 1] === 1) ? [i] : []);
  return edges.map((start) => ({ start, width: [...row, 1].indexOf(1, start) - start }));
}

/** Masked runs along time of each sample of ones (batch, time, 1). */
async function timeRuns(options: SpecAugmentOptions, { time, lengths }: { time: number; lengths: number[] }) {
  const augment = new SpecAugment({ freqMasks: 0, maskValue: 0, ...options });
  const x = Array.from(await augment.forward(ones([lengths.length, time, 1]), ints(lengths)).data());
  return lengths.map((_, b) => runs(x.slice(b * time, (b + 1) * time)));
}

/** Fails unless the values are spread evenly over low … high: each count within five deviations of what is expected. */
function assertUniform(values: readonly number[], [low, high]: [number, number], what: string): void {
  const choices = high - low + 1;
  const counts = new Map(Array.from({ length: choices }, (_, i) => [low + i, 0]));
  for (const v of values) {
    ok(counts.has(v), `${what}: ${v} is outside ${low} … ${high}`);
    counts.set(v, counts.get(v)! + 1);
  }
  const wanted = values.length / choices;
  ok(wanted > 25, `${what}: too few draws to tell`);
  for (const [v, count] of counts) {
    ok(Math.abs(count - wanted) < 5 * Math.sqrt(wanted), `${what}: ${count} of ${v}, wanted about ${wanted}`);
  }
}

forEachDevice("a mask over channels is 0 … F wide and lies anywhere, all alike", async () => {
  const [batch, time, channels, F] = [3000, 2, 7, 4];
  const augment = new SpecAugment({ freqMasks: 1, freqMaskWidth: F, timeMasks: 0, maskValue: 0 });
  const data = Array.from(await augment.forward(ones([batch, time, channels])).data());
  const masks = Array.from({ length: batch }, (_, b) => {
    const rows = [0, 1].map((t) => data.slice((2 * b + t) * channels, (2 * b + t + 1) * channels));
    deepStrictEqual(rows[0], rows[1], "a mask spans all frames");
    const found = runs(rows[0]);
    ok(found.length <= 1);
    return found[0] ?? { start: 0, width: 0 };
  });
  assertUniform(masks.map(({ width }) => width), [0, F], "widths");
  for (let w = 1; w <= F; w++) {
    assertUniform(masks.filter(({ width }) => width === w).map(({ start }) => start), [0, channels - w], `width ${w}`);
  }
});

forEachDevice("a mask over frames is at most T and p · length wide, and lies anywhere in the true frames", async () => {
  const lengths = Array.from({ length: 4000 }, (_, b) => [20, 10, 3, 0][b % 4]);
  const found = await timeRuns({ timeMasks: 1, timeMaskWidth: 4, timeMaskFraction: 0.3 }, { time: 20, lengths });
  for (const [length, widest] of [[20, 4], [10, 3], [3, 0], [0, 0]]) {
    const masks = found.filter((_, b) => lengths[b] === length).map((list) => list[0] ?? { start: 0, width: 0 });
    assertUniform(masks.map(({ width }) => width), [0, widest], `length ${length}`);
    for (let w = 1; w <= widest; w++) {
      const starts = masks.filter(({ width }) => width === w).map(({ start }) => start);
      ok(
        Math.min(...starts) === 0 && Math.max(...starts) === length - w,
        `length ${length}, width ${w}: ends are reached`,
      );
    }
    const bulk = masks.filter(({ width }) => width === 2).map(({ start }) => Math.floor(start / 3));
    if (length === 20) assertUniform(bulk.filter((third) => third < 6), [0, 5], "starts");
  }
});

forEachDevice("the share of a sample that a mask may cover is not one frame less for rounding", async () => {
  const lengths = new Array(400).fill(100);
  const found = await timeRuns({ timeMasks: 1, timeMaskWidth: 100, timeMaskFraction: 0.53 }, { time: 100, lengths });
  strictEqual(Math.max(...found.flat().map(({ width }) => width)), 53);
});

forEachDevice("number and width of adaptive masks follow a sample's length", async () => {
  const lengths = Array.from({ length: 800 }, (_, b) => [100, 50, 20, 9][b % 4]);
  const options = { timeMasks: 4, adaptiveMasks: 0.05, adaptiveWidth: 0.06, timeMaskFraction: 1 };
  const found = await timeRuns(options, { time: 100, lengths });
  for (const [length, count, width] of [[100, 4, 6], [50, 2, 3], [20, 1, 1], [9, 0, 0]]) {
    const samples = found.filter((_, b) => lengths[b] === length);
    strictEqual(Math.max(...samples.map((list) => list.length)), count, `masks of ${length} frames`);
    const covered = samples.map((list) => list.reduce((sum, run) => sum + run.width, 0));
    ok(Math.max(...covered) <= count * width, `frames of ${length} that are masked`);
    if (count === 1) deepStrictEqual([...new Set(covered)].sort(), [0, width]);
  }
});

forEachDevice("every sample and every step has masks of its own", async () => {
  const augment = new SpecAugment({ maskValue: 0 });
  const x = ones([6, 60, 40]);
  const patterns = [];
  for (let step = 0; step < 3; step++) {
    const data = Array.from(await augment.forward(x).data());
    for (let b = 0; b < 6; b++) patterns.push(data.slice(b * 2400, (b + 1) * 2400).join(""));
  }
  strictEqual(new Set(patterns).size, 18);
});

forEachDevice(
  "masks hold the given value or the mean of the sample's true frames; padding stays as it is",
  async () => {
    const [batch, time, channels] = [3, 12, 5];
    const lengths = [12, 7, 0];
    const x = randn([batch, time, channels], { mean: 3 });
    const given = Array.from(await x.data());
    const options = { timeWarp: 2, freqMaskWidth: 4, timeMaskWidth: 4, timeMaskFraction: 0.5 };
    const draw = (more: SpecAugmentOptions) => {
      manualSeed(4);
      return new SpecAugment({ ...options, ...more }).forward(x, ints(lengths)).data();
    };
    const [byMean, byNumber] = [await draw({}), await draw({ maskValue: -50 })];
    for (let b = 0; b < batch; b++) {
      const own = given.slice(b * time * channels, (b * time + lengths[b]) * channels);
      const mean = own.reduce((sum, v) => sum + v, 0) / own.length;
      let masked = 0;
      for (let at = b * time * channels; at < (b + 1) * time * channels; at++) {
        const isPadding = at >= (b * time + lengths[b]) * channels;
        if (isPadding) deepStrictEqual([byMean[at], byNumber[at]], [given[at], given[at]]);
        else if (byNumber[at] === -50) ok(Math.abs(byMean[at] - mean) < 1e-5, `${byMean[at]}, wanted ${mean}`);
        else strictEqual(byMean[at], byNumber[at]);
        masked += Number(byNumber[at] === -50);
      }
      strictEqual(masked > 0, lengths[b] > 0);
    }
    const whole = new SpecAugment({ ...none, timeMasks: 9, timeMaskWidth: 99, timeMaskFraction: 1 });
    for (let k = 0; k < 20; k++) await assertClose(whole.forward(ones([2, 6, 4])), new Array(48).fill(1), 1e-6);
  },
);

forEachDevice("a captured step draws anew each time, as the eager one does from the same random state", async () => {
  const augment = new SpecAugment({ timeWarp: 3, timeMasks: 3 });
  const [x, lengths] = [randn([4, 50, 16]), ints([50, 40, 9, 1])];
  const step = capture((x: Tensor, lengths: Tensor) => augment.forward(x, lengths));
  const run = async (once: (x: Tensor, lengths: Tensor) => Tensor) => {
    setRandomState({ seed: 8, calls: 40 });
    const results = [];
    for (let k = 0; k < 3; k++) results.push(Array.from(await once(x, lengths).data()));
    return { results, state: randomState() };
  };
  const [replayed, eager] = [await run(step), await run((x, lengths) => augment.forward(x, lengths))];
  strictEqual(step.recordings, 1);
  deepStrictEqual(replayed.state, eager.state);
  notDeepStrictEqual(replayed.results[0], replayed.results[1]);
  for (const [k, result] of eager.results.entries()) {
    await assertClose(tensor(replayed.results[k]), result, 1e-5, `step ${k}`);
  }
  setRandomState({ seed: 8, calls: 40 + (eager.state.calls - 40) * 2 / 3 });
  deepStrictEqual(Array.from(await step(x, lengths).data()), replayed.results[2], "a run goes on where it was saved");
});

// Kernels as they were on the day this was written: draws and the mask itself once an axis, the mean, and one pass over the features.
forEachDevice("a captured step takes the kernels that are written down", () => {
  const [x, lengths] = [randn([4, 30, 16]), ints([30, 20, 10, 5])];
  const count = (options: SpecAugmentOptions, isPadded: boolean) => {
    const augment = new SpecAugment(options);
    const step = capture((x: Tensor, lengths: Tensor) => augment.forward(x, isPadded ? lengths : null));
    step(x, lengths);
    return step.kernels;
  };
  deepStrictEqual({
    whole: count({}, false),
    padded: count({}, true),
    constant: count({ maskValue: 0 }, false),
    many: count({ freqMasks: 3, timeMasks: 20, adaptiveMasks: 0.04, adaptiveWidth: 0.04 }, true),
    warped: count({ timeWarp: 4 }, true),
  }, { whole: 6, padded: 8, constant: 5, many: 8, warped: 12 });
});

onWebGpu("both devices mask and warp alike", async (device) => {
  const values = await randn([8, 64, 24], { device: cpuDevice() }).data();
  const augment = async (on: typeof device | ReturnType<typeof cpuDevice>, options: SpecAugmentOptions) => {
    manualSeed(3);
    const x = tensor(values, { shape: [8, 64, 24], device: on });
    const lengths = tensor(Int32Array.of(64, 60, 50, 40, 30, 20, 10, 2), { device: on });
    return Array.from(await new SpecAugment(options).forward(x, lengths).data());
  };
  for (const options of [{ maskValue: 0 }, { maskValue: 0, timeMasks: 9, adaptiveMasks: 0.1, adaptiveWidth: 0.1 }]) {
    deepStrictEqual(await augment(device, options), await augment(cpuDevice(), options));
  }
  const warped = { timeWarp: 5 };
  await assertClose(tensor(await augment(device, warped)), await augment(cpuDevice(), warped), 1e-4);
});

forEachDevice("evaluation, no masks and masks of no width leave the features alone", async () => {
  const x = randn([2, 5, 3]);
  strictEqual(new SpecAugment({ timeWarp: 2 }).eval().forward(x), x);
  strictEqual(new SpecAugment(none).forward(x), x);
  for (const shape of [[0, 5, 16], [2, 0, 16]]) deepStrictEqual(new SpecAugment().forward(ones(shape)).shape, shape);
  for (const options of [{ freqMaskWidth: 0, timeMaskWidth: 0 }, { freqMaskWidth: 0, timeMaskFraction: 0 }]) {
    for (let k = 0; k < 5; k++) await assertClose(new SpecAugment(options).forward(x), x, 0);
  }
});

forEachDevice("a gradient passes where nothing is masked", async () => {
  const x = ones([3, 20, 10]).requireGrad();
  const y = new SpecAugment({ maskValue: 0 }).forward(x);
  y.sum().backward();
  deepStrictEqual(await x.grad!.data(), await y.data());
});

Deno.test("errors of SpecAugment, and how it prints", () => {
  const bad: [SpecAugmentOptions, string][] = [
    [{ timeMaskWidth: -1 }, "Cannot augment with timeMaskWidth -1: expected a whole number from 0 on"],
    [{ freqMaskWidth: 2.5 }, "Cannot augment with freqMaskWidth 2.5: expected a whole number from 0 on"],
    [{ timeWarp: NaN }, "Cannot augment with timeWarp NaN: expected a whole number from 0 on"],
    [{ timeMaskFraction: 1.1 }, "Cannot augment with timeMaskFraction 1.1: expected a share from 0 to 1"],
    [{ adaptiveMasks: -0.1 }, "Cannot augment with adaptiveMasks -0.1: expected a share from 0 to 1"],
    [{ maskValue: -Infinity }, 'Cannot augment with maskValue -Infinity: expected a finite number or "mean"'],
  ];
  for (const [options, message] of bad) throws(() => new SpecAugment(options), { name: "RangeError", message });
  const augment = new SpecAugment({ freqMaskWidth: 9 });
  const device = cpuDevice();
  throws(() => augment.forward(ones([2, 30, 8], { device })), {
    name: "RangeError",
    message: "Cannot mask 9 of 8 channels: lower freqMaskWidth",
  });
  throws(() => augment.forward(ones([2, 30], { device })), {
    name: "TypeError",
    message: "Cannot augment [2, 30]: expected [batch, time, channels]",
  });
  throws(() => augment.forward(ones([2, 30, 9], { device, dtype: "int32" })), {
    name: "TypeError",
    message: "Cannot augment int32 [2, 30, 9]: expected float32 [batch, time, …]",
  });
  throws(() => augment.forward(ones([2, 30, 9], { device }), ones([2], { device })), {
    name: "TypeError",
    message: "Cannot augment [2, 30, 9] with lengths float32 [2]: expected int32 [2]",
  });
  strictEqual(
    String(new SpecAugment({ timeWarp: 5 })),
    "SpecAugment(timeWarp=5, freqMasks=2, freqMaskWidth=8, timeMasks=2, timeMaskWidth=20, timeMaskFraction=0.2, " +
      "adaptiveMasks=0, adaptiveWidth=0, maskValue=mean)",
  );
});
