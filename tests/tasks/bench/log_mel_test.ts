import assert from "node:assert/strict";
import { benchLogMel } from "../../../tasks/bench/log_mel.ts";

Deno.test("log-mel is far faster than real time, even on a busy machine", () => {
  const { realTimeFactor, microsecondsPerFrame } = benchLogMel({ seconds: 10, repeats: 5 });
  // 12,000 on a quiet core; the wide margin is for machines that do other work, not for slower code.
  assert.ok(realTimeFactor > 500, `${realTimeFactor} times real time`);
  assert.ok(Math.abs(microsecondsPerFrame * realTimeFactor / 1e4 - 1) < 0.01);
});
