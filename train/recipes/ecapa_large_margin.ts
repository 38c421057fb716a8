/** Fine-tuning of speaker verifiers with a large margin. @module */
import { ecapa } from "./ecapa.ts";
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * A verifier's last training (Thienpondt et al. 2020, arXiv 2010.11255), with the numbers of WeSpeaker's `ecapa_tdnn_lm.yaml`: chunks of 6 s
 * instead of 3, margin 0.5 from the first step, no other speeds, five epochs at rates that fall from 1e-4 to 2.5e-5. Of an initial model with
 * classes at other speeds the rows of the true classes go on. WeSpeaker steps by SGD and adds noise and rooms to 60 % of the chunks
 * (`--noise`, `--reverb`); this recipe keeps the optimizer of `ecapa`, and changes no waveforms unless told. A model of another kind is named by
 * `--model`. README has what was measured.
 */
export const ecapaLargeMargin: Recipe = defineRecipe({
  name: "ecapa-large-margin",
  about: "fine-tunes a speaker verifier (--init) with 6 s chunks and margin 0.5",
  base: ecapa,
  needsInit: true,
  changes: {
    chunkSeconds: 6,
    epochs: 5,
    saveSteps: 1,
    patience: 0,
    margin: 0.5,
    marginSteps: 0,
    speeds: [],
    speedClasses: false,
    lr: 1e-4,
    gradClip: 5,
    schedule: "exponential",
    scheduleUnit: "epoch",
    lrGamma: 0.7071, // 2.5e-5 in the fifth epoch
  },
});
