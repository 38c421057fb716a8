import { strictEqual } from "node:assert/strict";
import { nameHint } from "../../train/name_hint.ts";

Deno.test("nameHint names the near ones, else all", () => {
  strictEqual(nameHint("drop-out", ["lr", "dropout", "seed"]), 'did you mean "dropout"?');
  strictEqual(nameHint("dorpout", ["lr", "dropout", "seed"]), 'did you mean "dropout"?');
  strictEqual(nameHint("colour", ["lr", "seed"]), 'known are "lr", "seed"');
});
