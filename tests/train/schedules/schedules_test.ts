import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { readSafetensors } from "../../../data/files/safetensors.ts";
import {
  CosineAnnealingLR,
  CosineWithWarmup,
  ExponentialLR,
  MultiStepLR,
  OneCycleLR,
  ReduceLROnPlateau,
  StepLR,
  watchesMetric,
} from "../../../train/schedules/mod.ts";
import { scheduleCases } from "../../goldens_schedules.ts";

const golden = new URL("../../goldens/schedule.safetensors", import.meta.url);

interface GoldenCase {
  name: string;
  op: string;
  args: Record<string, unknown>;
  rtol: number;
  atol: number;
}

Deno.test("schedules equal PyTorch's, step by step", async () => {
  const { arrays, metadata } = readSafetensors(await Deno.readFile(golden));
  const cases: GoldenCase[] = JSON.parse(metadata.cases);
  strictEqual(cases.length, 10);
  for (const { name, op, args, rtol, atol } of cases) {
    const { lr } = scheduleCases[op](args, { metric: arrays[`${name}/in/metric`]?.data ?? [] });
    const wanted = arrays[`${name}/out/lr`].data;
    strictEqual(lr.length, wanted.length, name);
    lr.forEach((rate, step) => {
      const near = Math.abs(rate - wanted[step]) <= atol + rtol * Math.abs(wanted[step]);
      ok(near, `${name} step ${step}: ${rate}, PyTorch has ${wanted[step]}`);
    });
  }
});

Deno.test("OneCycleLR in three phases and straight lines, as PyTorch's formula gives them", () => {
  const schedule = new OneCycleLR({
    maxLr: 1,
    totalSteps: 10,
    pctStart: 0.3,
    divFactor: 10,
    finalDivFactor: 10,
    annealStrategy: "linear",
    threePhase: true,
  });
  const rates = Array.from({ length: 10 }, (_, step) => Number(schedule.lrAt(step).toFixed(4)));
  deepStrictEqual(rates, [0.1, 0.55, 1, 0.55, 0.1, 0.082, 0.064, 0.046, 0.028, 0.01]);
  throws(() => schedule.lrAt(11), {
    name: "RangeError",
    message: "Cannot take step 11: OneCycleLR was made for 10 steps",
  });
});

Deno.test("ReduceLROnPlateau: cooldown and absolute threshold", () => {
  const schedule = new ReduceLROnPlateau({ lr: 1, factor: 0.5, patience: 0, cooldown: 2 });
  deepStrictEqual([3, 3, 3, 3, 3].map((metric) => schedule.observe(metric)), [1, 0.5, 0.5, 0.5, 0.25]);
  const coarse = new ReduceLROnPlateau({
    lr: 1,
    factor: 0.5,
    patience: 0,
    threshold: 0.5,
    thresholdMode: "abs",
    mode: "max",
  });
  deepStrictEqual([1, 1.4, 1.6].map((metric) => coarse.observe(metric)), [1, 0.5, 0.5]);
});

Deno.test("ReduceLROnPlateau goes on from a saved state as if never stopped", () => {
  const options = { lr: 0.1, patience: 2 } as const;
  const metrics = [1, 0.9, 0.9, 0.9, 0.9, 0.95, 0.9, 0.8, 0.9];
  for (let stop = 0; stop < metrics.length; stop++) {
    const whole = new ReduceLROnPlateau(options);
    const first = new ReduceLROnPlateau(options);
    for (const metric of metrics.slice(0, stop)) first.observe(metric);
    const second = new ReduceLROnPlateau(options);
    second.loadStateDict(JSON.parse(JSON.stringify(first.stateDict())));
    const wanted = metrics.map((metric) => whole.observe(metric)).slice(stop);
    deepStrictEqual(metrics.slice(stop).map((metric) => second.observe(metric)), wanted);
  }
  throws(() => new ReduceLROnPlateau(options).loadStateDict({ lr: 1 }), {
    name: "TypeError",
    message: "Cannot load ReduceLROnPlateau: expected lr, best, numBad, cooldownLeft, found lr",
  });
});

Deno.test("only ReduceLROnPlateau watches a metric", () => {
  ok(watchesMetric(new ReduceLROnPlateau({ lr: 1 })));
  ok(!watchesMetric(new StepLR({ lr: 1, stepSize: 2 })));
});

Deno.test("settings out of range are refused by name", () => {
  const refused = (make: () => unknown, message: string) => throws(make, { name: "RangeError", message });
  refused(() => new StepLR({ lr: 1, stepSize: 0 }), "Cannot make StepLR: stepSize is 0, expected a number above 0");
  refused(
    () => new CosineWithWarmup({ lr: 1, warmupSteps: -1, totalSteps: 10 }),
    "Cannot make CosineWithWarmup: warmupSteps is -1, expected a number of at least 0",
  );
  refused(
    () => new ExponentialLR({ lr: NaN, gamma: 1 }),
    "Cannot make ExponentialLR: lr is NaN, expected a number of at least 0",
  );
  refused(
    () => new CosineAnnealingLR({ lr: 1, tMax: 0 }),
    "Cannot make CosineAnnealingLR: tMax is 0, expected a number above 0",
  );
  refused(
    () => new MultiStepLR({ lr: 1, milestones: [5, -5] }),
    "Cannot make MultiStepLR: a milestone is -5, expected a number of at least 0",
  );
  refused(
    () => new ReduceLROnPlateau({ lr: 1, factor: 1 }),
    "Cannot make ReduceLROnPlateau: factor is 1, expected a number below 1",
  );
  refused(
    () => new OneCycleLR({ maxLr: 1, totalSteps: 10, pctStart: 2 }),
    "Cannot make OneCycleLR: pctStart is 2, expected a number from 0 to 1",
  );
});
