import assert from "node:assert/strict";
import { nearNames } from "../../data/near_names.ts";

Deno.test("nearNames finds what was meant, nearest first", () => {
  const known = ["sampleRate", "nMels", "nFft", "fMin", "fMax", "totalSteps", "saveSteps"];
  assert.deepEqual(nearNames("sample-rate", known), ["sampleRate"]);
  assert.deepEqual(nearNames("nmel", known)[0], "nMels");
  assert.deepEqual(nearNames("total_stepps", known)[0], "totalSteps");
  assert.deepEqual(nearNames("fmax", known)[0], "fMax");
  assert.deepEqual(nearNames("colour", known), []);
  assert.deepEqual(nearNames("", known), []);
  assert.ok(nearNames("xMin", ["aMin", "bMin", "cMin", "dMin"]).length === 3);
});
