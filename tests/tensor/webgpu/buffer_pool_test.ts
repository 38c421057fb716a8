import assert from "node:assert/strict";
import { sizeClass } from "../../../tensor/webgpu/buffer_pool.ts";

Deno.test("size classes hold what is asked for and waste at most a fifth", () => {
  for (const bytes of [0, 1, 4, 255, 256, 257, 300, 1000, 1024, 1025, 4100, 123456, 2 ** 20 + 4, 2 ** 31]) {
    const size = sizeClass(bytes);
    assert.ok(size >= Math.max(bytes, 256) && size % 4 === 0, `${bytes} gives ${size}`);
    if (bytes > 256) assert.ok(size <= 1.25 * bytes, `${bytes} gives ${size}`);
  }
  assert.equal(sizeClass(1025), sizeClass(1100));
});
