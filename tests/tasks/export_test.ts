/** `deno task export` as a user types it. @module */
import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { encodeTorchFile, readTorchFile } from "../../data/files/mod.ts";
import { ResNet } from "../../nn/mod.ts";
import { importModel } from "../../train/import/mod.ts";
import { runDenoTask, withFolder } from "./run.ts";

Deno.test("a model is exported, once; what cannot be held ends with 1, bad usage with 2", async () => {
  await withFolder(async (folder) => {
    const [theirs, model, out] = ["net.pth", "model", "back.pth"].map((name) => join(folder, name));
    const weights = await new ResNet({ classes: 2, width: 1 }).stateArrays();
    await Deno.writeFile(theirs, encodeTorchFile({ ...weights }));
    await importModel(theirs, { out: model });
    const done = await runDenoTask("export", [model, "--to", "torch", "--out", out]);
    strictEqual(done.code, 0, done.err);
    match(done.out, /Wrote PyTorch state dict of resnet18: .*back.pth\n/);
    strictEqual(Object.keys(readTorchFile(out)).length, Object.keys(weights).length);
    for (
      const [args, message, code] of [
        [["--to", "torch", "--out", out], /^error: Cannot export to ".*back.pth": it exists; give --overwrite/, 2],
        [
          ["--to", "huggingface", "--out", join(folder, "hf")],
          /^error: Cannot export ".*" to Hugging Face: it is a model of/,
          1,
        ],
        [
          ["--to", "keras", "--out", join(folder, "hf")],
          /^error: Cannot set --to to "keras": expected one of "huggingface"/,
          2,
        ],
        [["--to", "torch"], /^error: Cannot go without --out/, 2],
      ] as const
    ) {
      const finished = await runDenoTask("export", [model, ...args]);
      match(finished.err, message);
      doesNotMatch(finished.err, /\n\s+at /, "no stack for a user's mistake");
      strictEqual(finished.code, code);
    }
  });
});
