import assert from "node:assert/strict";
import { featureKinds, featurePresets, resolveSettings } from "../../../data/features/settings.ts";
import { chooseFeatures, featureFields } from "../../../tasks/preprocess/feature_flags.ts";

Deno.test("feature flags: every setting of every kind has one", () => {
  const keys = featureKinds.flatMap((kind) => Object.keys(resolveSettings(kind, {})));
  assert.deepEqual(new Set(Object.keys(featureFields)), new Set(keys).difference(new Set(["kind"])));
});

Deno.test("feature flags: a preset as it is, and with settings that follow from others", () => {
  for (const [name, preset] of Object.entries(featurePresets)) {
    if (preset.kind === "waveform") {
      assert.throws(() => chooseFeatures(name, {}), /^TypeError: Cannot preprocess to wave/);
    } else assert.deepEqual(chooseFeatures(name, {}), preset);
  }
  const slower = chooseFeatures("sound64", { sampleRate: 22050, nMels: undefined });
  assert.deepEqual(slower, { ...featurePresets.sound64, sampleRate: 22050, fMax: 11025 });
});

Deno.test("feature flags: a kind, and none for no value", () => {
  assert.deepEqual(chooseFeatures("mfcc", { topDb: null }), resolveSettings("mfcc", { topDb: null }));
  assert.equal(featureFields.topDb.parse("none"), null);
  assert.equal(featureFields.topDb.parse("60"), 60);
  assert.equal(featureFields.topDb.parse("much"), undefined);
  assert.equal(featureFields.norm.parse("slaney"), "slaney");
});
