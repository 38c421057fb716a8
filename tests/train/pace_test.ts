import { ok, rejects } from "node:assert/strict";
import type { Device } from "../../tensor/mod.ts";
import { Pace } from "../../train/pace.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A device whose answers take a while, as a GPU's do. */
function slowDevice(answerMs: number, answer = () => {}): { device: Device; asked: () => number } {
  let count = 0;
  const synchronize = async () => {
    count++;
    await sleep(answerMs);
    answer();
  };
  return { device: { type: "webgpu", synchronize } as unknown as Device, asked: () => count };
}

Deno.test("pace: quick steps do not wait for an answer each, and do not run away either", async () => {
  const { device, asked } = slowDevice(10);
  const pace = new Pace(device);
  for (let step = 0; step < 2000; step++) await pace.step();
  ok(asked() >= 2, `${asked()} answers: nothing bounds the steps in flight`);
  ok(asked() < 2000 / 4, `${asked()} answers to 2000 steps: nearly each waits for one`);
});

Deno.test("pace: of long steps only one is ahead", async () => {
  let [running, most] = [0, 0];
  const { device } = slowDevice(60, () => running = 0);
  const pace = new Pace(device);
  for (let step = 0; step < 5; step++) {
    most = Math.max(most, ++running);
    await pace.step();
  }
  ok(most <= 3, `${most} steps in flight`);
});

Deno.test("pace: what goes wrong on the device is thrown by a later step", async () => {
  const { device } = slowDevice(1, () => {
    throw new Error("lost");
  });
  const pace = new Pace(device);
  const run = async () => {
    for (let step = 0; step < 100; step++) await pace.step();
  };
  await rejects(run(), { message: "lost" });
});

Deno.test("pace: on the CPU timers and signals get their turn", async () => {
  const pace = new Pace({ type: "cpu" } as Device);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const end = performance.now() + 300;
  while (performance.now() < end) await pace.step();
  clearInterval(timer);
  ok(turns >= 2, `${turns}`);
});
