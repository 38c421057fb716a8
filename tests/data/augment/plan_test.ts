import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type AugmentOptions, type AugmentPlan, planAugment } from "../../../data/augment/plan.ts";
import { Random } from "../../../data/random.ts";

const stock = { noises: 3, rooms: 2, voices: 5 };
const all: AugmentOptions = {
  noise: "generated",
  noiseSnr: [5, 10],
  noiseProbability: 0.5,
  reverb: "generated",
  reverbProbability: 0.25,
  speeds: [0.9, 1, 1.1],
  volume: [-6, 3],
};

function plans(options: AugmentOptions, count: number, seed = 1): AugmentPlan[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => planAugment(options, stock, random));
}

Deno.test("plans: nothing is done unless asked for", () => {
  for (const plan of plans({}, 20)) deepStrictEqual(plan, { speed: 1, room: null, noise: null, gain: 0 });
});

Deno.test("plans: numbers lie in their ranges, parts are as large as asked for, every kind occurs", () => {
  const drawn = plans(all, 4000), noises = drawn.flatMap(({ noise }) => noise ?? []);
  ok(Math.abs(noises.length / 4000 - 0.5) < 0.03);
  ok(Math.abs(drawn.filter(({ room }) => room !== null).length / 4000 - 0.25) < 0.03);
  ok(noises.every(({ snr }) => snr >= 5 && snr <= 10) && drawn.every(({ gain }) => gain >= -6 && gain <= 3));
  for (const kind of ["white", "pink", "brown", "babble"]) {
    ok(Math.abs(noises.filter((noise) => noise.kind === kind).length / noises.length - 0.25) < 0.04, kind);
  }
  for (const speed of all.speeds!) {
    ok(Math.abs(drawn.filter((plan) => plan.speed === speed).length / 4000 - 1 / 3) < 0.03);
  }
  const voices = noises.flatMap((noise) => noise.kind === "babble" ? [noise.voices] : []);
  ok(voices.every((cuts) => cuts.length >= 3 && cuts.length <= 7 && cuts.every(({ index }) => index < stock.voices)));
});

Deno.test("plans: recordings are drawn from all there are; babble needs other recordings", () => {
  const drawn = plans({ noise: "recordings", reverb: "recordings" }, 200);
  const places = (of: (plan: AugmentPlan) => number) => new Set(drawn.map(of)).size;
  strictEqual(places(({ noise }) => noise?.kind === "recording" ? noise.cut.index : -1), 3);
  strictEqual(places(({ room }) => room?.kind === "recording" ? room.index : -1), 2);
  const random = new Random(1);
  for (let i = 0; i < 200; i++) {
    ok(planAugment({ noise: "generated" }, { ...stock, voices: 0 }, random).noise?.kind !== "babble");
  }
});

Deno.test("plans: the same numbers give the same plan, others another", () => {
  deepStrictEqual(plans(all, 50), plans(all, 50));
  notDeepStrictEqual(plans(all, 50), plans(all, 50, 2));
});
