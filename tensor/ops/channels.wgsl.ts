/**
 * Sums a channel, as WGSL. The idea: an item is a block of one channel. Where channels come last, or on a software adapter, a lane has an
 * item for itself (neighbouring lanes read neighbouring channels); else a workgroup shares one and its lanes read neighbours. A second
 * dispatch, a lane a channel, joins the blocks.
 * @module
 */
import type { GpuPlan, GpuTraits } from "../device/kernel.ts";
import type { ChannelLayout, MomentsArgs } from "./channels.ts";
import { floatBits, foldedGrid, GRID_INDEX, requireTurns, uniform } from "./wgsl.ts";

const LANES = 64;

/** Elements of a block: enough blocks to fill the device, few enough that joining them costs little. */
function blockLength({ outer, inner, channelsLast }: ChannelLayout, shared: boolean, traits: GpuTraits): number {
  if (shared) return 8192;
  const [fewest, blocks] = traits.software ? [64, 64] : [16, 128];
  const most = channelsLast || traits.software ? 1024 : 8192;
  return Math.max(1, Math.min(most, Math.max(fewest, Math.ceil(outer * inner / blocks))));
}

/** True where a workgroup shares an item. */
function sharesItems({ channelsLast, inner }: ChannelLayout, traits: GpuTraits): boolean {
  return !channelsLast && !traits.software && inner >= 2 * LANES;
}

interface Stages {
  readonly label: string;
  /** Storage bindings of the first stage: name, type, place in the call. */
  readonly first: readonly (readonly [string, string, number])[];
  /** Statements for an item; `FOR { … }` walks its elements at `at`, `SUM(x)` adds over lanes, `count` is their number. */
  readonly block: string;
  /** Numbers an item leaves in `part`, from `part[place]` on. */
  readonly width: number;
  /** Storage bindings of the second stage, written. */
  readonly second: readonly (readonly [string, string, number])[];
  /** Statements for channel `c`; `JOIN { … }` walks its items at `place`. */
  readonly join: string;
  /** float32 words, read as `scalar0`, … in the second stage. */
  readonly scalars?: readonly number[];
}

/** Storage bindings, and one more for the partial results. */
function declare(bindings: Stages["first"], access: "read" | "read_write", part: "read" | "read_write"): string {
  const lines = bindings.map(([name, type], i) =>
    `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type}>;`
  );
  return [...lines, `@group(0) @binding(${bindings.length}) var<storage, ${part}> part: array<f32>;`].join("\n");
}

/** Loops over the elements of an item that count. */
function walk({ channelsLast, masked, inner, time }: ChannelLayout, shared: boolean, length: string): {
  lets: string;
  loop: string;
} {
  const clipped = masked && inner === time;
  const bound = masked ? `let frames = u32(clamp(lengths[n], 0, i32(${length})));` : "";
  const lets = `${bound}
  let last = min(first + P[1].x, ${clipped ? "frames" : "P[0].z"});
  let step = ${channelsLast ? "P[0].x" : "1u"};
  let base = ${channelsLast ? "n * P[0].z * P[0].x + c" : "(n * P[0].x + c) * P[0].z"};`;
  const skip = masked && !clipped ? `if (i % ${length} >= frames) { continue; }` : "";
  const [from, step] = shared ? ["first + lane", `${LANES}u`] : ["first", "1u"];
  return {
    lets,
    loop: `for (var i = ${from}; i < last; i += ${step}) { ${skip} let at = base + i * step;`,
  };
}

/** Adds a value over the lanes of a workgroup. */
const SUM_OVER_LANES = `var<workgroup> lanes: array<f32, ${LANES}>;
fn sumOverLanes(lane: u32, value: f32) -> f32 {
  lanes[lane] = value;
  workgroupBarrier();
  for (var half = ${LANES / 2}u; half > 0u; half = half / 2u) {
    if (lane < half) { lanes[lane] = lanes[lane] + lanes[lane + half]; }
    workgroupBarrier();
  }
  let result = lanes[0];
  workgroupBarrier();
  return result;
}`;

/** Plans both stages. */
function channelPlan(layout: ChannelLayout, stages: Stages, traits: GpuTraits): GpuPlan {
  const { outer, channels, inner, time } = layout;
  const shared = sharesItems(layout, traits);
  const length = blockLength(layout, shared, traits);
  const parts = Math.ceil(inner / length);
  const blocks = outer * parts;
  requireTurns(stages.label, Math.max(blocks, 3 * length), traits);
  const scalars = (stages.scalars ?? []).map(floatBits);
  const words = uniform([channels, outer, inner, time, length, parts, blocks, 0, ...scalars]);
  const { lets, loop } = walk(layout, shared, "P[0].w");
  const block = stages.block.replaceAll("FOR {", loop).replaceAll("SUM(", shared ? "sumOverLanes(lane, " : "(");
  const first = `
${declare(stages.first, "read", "read_write")}
${words.declare(stages.first.length + 1)}
${shared ? SUM_OVER_LANES : ""}
@compute @workgroup_size(${LANES})
fn main(${GRID_INDEX.parameters}) {
  ${shared ? "let item = group.y * groups.x + group.x;" : `${GRID_INDEX.statement} let item = index;`}
  if (item >= P[0].x * P[1].z) { return; }
  let c = item % P[0].x; let n = item / P[0].x / P[1].y; let first = item / P[0].x % P[1].y * P[1].x;
  ${lets}
  let place = ${stages.width}u * item;
  ${block}
}`;
  const second = `
${declare(stages.second, "read_write", "read")}
${words.declare(stages.second.length + 1)}
@compute @workgroup_size(${LANES})
fn main(${GRID_INDEX.parameters}) {
  ${GRID_INDEX.statement}
  let c = index; let channels = P[0].x;
  if (c >= channels) { return; }
${scalars.map((_, i) => `  let scalar${i} = ${words.f(8 + i)};`).join("\n")}
  ${
    stages.join.replaceAll(
      "JOIN {",
      `for (var b = 0u; b < P[1].z; b++) { let place = ${stages.width}u * (b * channels + c);`,
    )
  }
}`;
  const part = 1 + Math.max(...[...stages.first, ...stages.second].map(([, , place]) => place));
  const places = (bindings: Stages["first"]) => [...bindings.map(([, , place]) => place), part];
  const label = `${stages.label} ${outer}x${channels}x${inner}`;
  const items = channels * blocks;
  return {
    scratch: [4 * stages.width * items],
    dispatches: [
      {
        ...{ label, source: first, bindings: places(stages.first), uniform: words.data },
        grid: foldedGrid(items, shared ? 1 : LANES),
      },
      {
        ...{ label, source: second, bindings: places(stages.second), uniform: words.data },
        grid: foldedGrid(channels, LANES),
      },
    ],
  };
}

/** The number of elements of an item that count; lines are skipped in part where several lie in a block. */
const count = ({ masked, inner, time }: ChannelLayout) =>
  masked && inner !== time
    ? "var n0 = 0.0; FOR { n0 += 1.0; } let count = SUM(n0);"
    : "let count = f32(max(first, last) - first);";

/** Mean and spread of an item, around the mean; what it lost in rounding shows in the sum of the differences. */
const TWO_PASSES = `
  var part0 = 0.0; FOR { part0 += x[at]; } let rough = SUM(part0) / max(count, 1.0);
  var part1 = 0.0; var part2 = 0.0; FOR { let d = x[at] - rough; part1 += d; part2 += d * d; }
  let rest = SUM(part1) / max(count, 1.0);
  let mean = rough + rest; let spread = SUM(part2) - count * rest * rest;`;

/**
 * Mean and spread of an item around its first element. That one is part of the spread, so that not more than a factor of `count` can cancel
 * even where it lies far off.
 */
const ONE_PASS = `
  let origin = x[base + select(0u, first, first < last) * step];
  var part1 = 0.0; var part2 = 0.0; FOR { let d = x[at] - origin; part1 += d; part2 += d * d; }
  let rest = part1 / max(count, 1.0);
  let mean = origin + rest; let spread = max(0.0, part2 - count * rest * rest);`;

/** See `channelMomentsKernel`. */
export function channelMomentsPlan(args: MomentsArgs, traits: GpuTraits): GpuPlan {
  const inputs = 1 + (args.masked ? 1 : 0) + (args.running ? 2 : 0) + (args.tracked ? 1 : 0);
  const counter = args.running ? 3 : 1;
  const skips = args.masked && args.inner !== args.time; // an item may begin with padding
  const onePass = !sharesItems(args, traits) && !skips;
  const running = `
  if (n >= 2.0) {
    runningMean[c] += scalar1 * (mean - runningMean[c]);
    runningVar[c] += scalar1 * (spread / (n - 1.0) - runningVar[c]);
  }`;
  return channelPlan(args, {
    label: "channelMoments",
    first: [["x", "f32", 0], ...(args.masked ? [["lengths", "i32", 1] as const] : [])],
    width: 3,
    block: `${count(args)}
  ${onePass ? ONE_PASS : TWO_PASSES}
  part[place] = count; part[place + 1u] = mean; part[place + 2u] = spread;`,
    second: [
      ["statistics", "f32", inputs],
      ...(args.running ? [["runningMean", "f32", inputs + 1], ["runningVar", "f32", inputs + 2]] as const : []),
      ...(args.tracked ? [["counter", "i32", inputs + counter]] as const : []),
    ],
    join: `
  // means are joined as differences from the first one, which are small and exact
  var n = 0.0; var origin = 0.0; var shift = 0.0; var spread = 0.0;
  JOIN {
    let more = part[place];
    if (more > 0.0) {
      if (n == 0.0) { origin = part[place + 1u]; }
      let total = n + more; let d = part[place + 1u] - origin - shift;
      shift += d * (more / total);
      spread += part[place + 2u] + d * d * n * (more / total);
      n = total;
    }
  }
  let mean = origin + shift; let inverse = 1.0 / max(n, 1.0);
  statistics[c] = mean;
  statistics[channels + c] = inverseSqrt(spread * inverse + scalar0);
  statistics[2u * channels + c] = inverse;
  ${args.running ? running : ""}
  ${args.tracked ? "if (c == 0u) { counter[0] += 1; }" : ""}`,
    scalars: [args.eps, args.momentum],
  }, traits);
}

/** See `channelDotsKernel`. */
export function channelDotsPlan(args: ChannelLayout, traits: GpuTraits): GpuPlan {
  const inputs = args.masked ? 4 : 3;
  return channelPlan(args, {
    label: "channelDots",
    first: [
      ["x", "f32", 0],
      ["statistics", "f32", 1],
      ["dy", "f32", 2],
      ...(args.masked ? [["lengths", "i32", 3] as const] : []),
    ],
    width: 2,
    block: `
  let mean = statistics[c]; let rstd = statistics[P[0].x + c];
  var part0 = 0.0; var part1 = 0.0;
  FOR { part0 += dy[at] * (x[at] - mean); part1 += dy[at]; }
  let dot = SUM(part0) * rstd; let sum = SUM(part1);
  part[place] = dot; part[place + 1u] = sum;`,
    second: [["out", "f32", inputs]],
    join: `
  var dot = 0.0; var sum = 0.0;
  JOIN { dot += part[place]; sum += part[place + 1u]; }
  out[c] = dot; out[channels + c] = sum;`,
  }, traits);
}
