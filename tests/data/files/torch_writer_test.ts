import assert from "node:assert/strict";
import { encodeTorchFile, readTorchFile, writeTorchFile } from "../../../data/files/mod.ts";
import { withFolder } from "../../tasks/run.ts";

const arrays = {
  "conv1.weight": { shape: [2, 1, 3], data: Float32Array.of(1, -0, 3.5, NaN, Infinity, 1e-42) },
  "bn1.num_batches_tracked": { shape: [], data: Int32Array.of(-7) },
  "name with ünïcode": { shape: [0, 4], data: new Float32Array() },
  "many": { shape: [300], data: Float32Array.from({ length: 300 }, (_, i) => i / 7) },
};

Deno.test("a state dict as PyTorch writes it comes back, name by name and bit by bit", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/net.v2.pt`;
    await writeTorchFile(path, arrays);
    assert.deepEqual(readTorchFile(path), arrays);
    assert.deepEqual(Object.keys(readTorchFile(path)), Object.keys(arrays));
    assert.deepEqual(readTorchFile(encodeTorchFile(arrays)), arrays);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["net.v2.pt"], "nothing beside it");
    const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
    assert.ok(
      text.includes("net.v2/data.pkl") && text.includes("net.v2/version"),
      "the folder is named as PyTorch does",
    );
  });
});

Deno.test("contents start at multiples of 64 bytes, and a cut file is refused", () => {
  const bytes = encodeTorchFile(arrays);
  const wanted = new Uint8Array(arrays.many.data.buffer);
  const at = bytes.findIndex((_, i) => i % 64 === 0 && wanted.every((value, k) => bytes[i + k] === value));
  assert.ok(at > 0, "found where nothing has to be copied");
  for (const end of [20, bytes.length >> 1, bytes.length - 1]) {
    assert.throws(() => readTorchFile(bytes.subarray(0, end)), SyntaxError);
  }
});

Deno.test("a state dict that cannot be written leaves nothing behind", async () => {
  await withFolder(async (folder) => {
    await assert.rejects(writeTorchFile(`${folder}/none/net.pt`, arrays), Deno.errors.NotFound);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});
