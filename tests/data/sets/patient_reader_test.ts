import assert from "node:assert/strict";
import { PatientReader } from "../../../data/sets/patient_reader.ts";
import { withFolder } from "./make_data_set.ts";

Deno.test("patient reader: reads the same whether the disk is quick or slow", async () => {
  await withFolder({ "a.bin": "hello" }, async (path) => {
    for (const patience of [Infinity, -1]) {
      const reader = new PatientReader(patience);
      for (let i = 0; i < 6; i++) {
        assert.equal(new TextDecoder().decode(await reader.read(`${path}/a.bin`)), "hello");
        assert.equal(reader.isSlow, patience < 0 && i >= 3);
      }
      await assert.rejects(reader.read(`${path}/none`), Deno.errors.NotFound);
    }
  });
});
