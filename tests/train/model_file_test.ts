/** Descriptions in model files, which may come from anywhere. @module */
import { match, rejects, strictEqual, throws } from "node:assert/strict";
import { encodeSafetensors } from "../../data/files/safetensors.ts";
import { describeModel, modelToSave, parseFacts } from "../../train/model_facts.ts";
import { modelFromBytes } from "../../train/model_from_bytes.ts";
import { smallConfig } from "./small_run.ts";

const classes = ["a", "b", "c"];
const facts = { ...describeModel(smallConfig({}), 4, classes), featureSettings: null, step: 7, accuracy: 0.5 };

/** What reading a description says that differs in some places. */
function complaint(changes: object, format = "voxgrad classifier 2"): string {
  const metadata = { format, facts: JSON.stringify({ ...facts, ...changes }) };
  let message = "";
  throws(() => parseFacts("m.safetensors", metadata), (error: Error) => (message = error.message) !== "");
  return message;
}

Deno.test("a description comes back as it was saved", () => {
  const { metadata } = modelToSave({}, facts);
  strictEqual(JSON.stringify(parseFacts("m", metadata)), JSON.stringify(facts));
});

Deno.test("what cannot be is refused, naming the file and the fact", () => {
  match(
    complaint({ classes: ["a", "b"] }),
    /Cannot load "m\.safetensors": it names 2 classes, but its model has scores for 3$/,
  );
  const damaged = /its description is damaged$/;
  match(complaint({ architecture: "toString" }), damaged);
  match(complaint({ architecture: "resnet" }), damaged);
  match(complaint({ options: { ...facts.options, dModel: 1e12 } }), damaged);
  match(complaint({ options: null }), damaged);
  for (
    const change of [{ dModel: "big" }, { nHead: 0.5 }, { head: "constructor" }, { pooling: 7 }, { dropout: 1 }, {
      x: 1,
    }]
  ) {
    match(complaint({ options: { ...facts.options, ...change } }), damaged);
  }
  match(complaint({ channels: -1 }), damaged);
  match(complaint({ classes: [1, 2, 3] }), damaged);
  match(complaint({ classes: [] }), /it names 0 classes, but its model has scores for 3/);
  match(complaint({ viewing: null }), damaged);
  match(complaint({ viewing: { mode: "crops", frames: 0, crops: 1, fixed: true } }), damaged);
  match(complaint({}, "voxgrad checkpoint 1"), /a checkpoint to resume from/);
  match(complaint({}, "voxgrad speaker classifier 1"), /an earlier version of voxgrad wrote it/);
  match(complaint({}, "pt"), /it is not a model that deno task train wrote/);
  throws(() => parseFacts("m", { format: "voxgrad classifier 2", facts: "{" }), /its description is not JSON/);
  for (const text of ["null", "7", '"x"', "[]", "{}"]) {
    throws(() => parseFacts("m", { format: "voxgrad classifier 2", facts: text }), damaged);
  }
});

Deno.test("sizes of an encoder that are none are refused, and those that make no network name the file", async () => {
  const encoder = { ...facts, ...describeModel(smallConfig({ model: "ecapa", head: "linear" }), 4, classes) };
  const withChannels = (channels: unknown) => ({ ...encoder, options: { ...encoder.options, channels } });
  for (const channels of [[8, 8.5, 24], [8, -8, 24], Array(17).fill(8), "8", null]) {
    match(complaint(withChannels(channels)), /its description is damaged$/);
  }
  const { arrays, metadata } = modelToSave({}, withChannels([8, 12, 8, 8, 24]));
  await rejects(modelFromBytes(encodeSafetensors(arrays, metadata), "m.safetensors"), {
    message: 'Cannot load "m.safetensors": its sizes make no model: Cannot part 12 channels by a scale of 8: ' +
      "expected a divisor of at least 2",
  });
});
