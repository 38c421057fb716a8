import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { nameHint, nearNames } from "../../train/near_names.ts";

const keys = ["totalSteps", "validSteps", "saveSteps", "warmupSteps", "lr", "dModel", "dropout"];

Deno.test("nearNames: a slip of the keyboard finds the name, nearest first", () => {
  deepStrictEqual(nearNames("totlSteps", keys), ["totalSteps"]);
  deepStrictEqual(nearNames("dorpout", keys), ["dropout"], "two swapped letters are one slip");
  deepStrictEqual(nearNames("aveSteps", keys)[0], "saveSteps");
});

Deno.test("nearNames: case, dashes and underscores do not matter", () => {
  deepStrictEqual(nearNames("total_steps", keys), ["totalSteps"]);
  deepStrictEqual(nearNames("--d-model", keys), ["dModel"]);
});

Deno.test("nearNames: a word that is like none finds none, and at most three are shown", () => {
  deepStrictEqual(nearNames("colour", keys), []);
  strictEqual(nearNames("steps", ["step1", "step2", "step3", "step4"]).length, 3);
});

Deno.test("nameHint names the near ones, else all", () => {
  strictEqual(nameHint("drop-out", keys), 'did you mean "dropout"?');
  strictEqual(nameHint("colour", ["lr", "seed"]), 'known are "lr", "seed"');
});
