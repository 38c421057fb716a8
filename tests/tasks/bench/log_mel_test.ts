import assert from "node:assert/strict";
import { benchLogMel } from "../../../tasks/bench/log_mel.ts";

// How fast it is, `deno task bench log-mel` says; a busy machine must not fail a test.
Deno.test("the log-mel bench measures, and its two figures say the same", () => {
  const { realTimeFactor, microsecondsPerFrame } = benchLogMel({ seconds: 10, repeats: 5 });
  assert.ok(Number.isFinite(realTimeFactor) && realTimeFactor > 0, `${realTimeFactor} times real time`);
  assert.ok(Math.abs(microsecondsPerFrame * realTimeFactor / 1e4 - 1) < 0.01);
});
