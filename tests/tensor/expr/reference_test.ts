import assert from "node:assert/strict";
import { philox } from "../../../tensor/expr/reference.ts";

Deno.test("Philox gives the known answers of the Random123 distribution", () => {
  const hex = (words: readonly number[]) => words.map((w) => w.toString(16).padStart(8, "0"));
  assert.deepEqual(hex(philox([0, 0, 0, 0], [0, 0])), ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]);
  assert.deepEqual(hex(philox([-1, -1, -1, -1], [-1, -1])), ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]);
  const pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344].map((w) => w | 0);
  assert.deepEqual(hex(philox(pi, [0xa4093822 | 0, 0x299f31d0])), ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"]);
});
