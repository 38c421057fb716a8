/** Flags for runs of a second on the data of `tests/train/small_run.ts`. @module */

/** The model and the batches. */
export const smallModel = [
  ...["--batch-size", "8", "--segment-length", "16", "--valid-fraction", "0.2"],
  ...["--d-model", "8", "--dim-feedforward", "16", "--warmup-steps", "5", "--lr", "0.01"],
];

/** The steps: 40, with a validation every 10. */
export const smallSteps = [
  ...["--total-steps", "40", "--valid-steps", "10", "--save-steps", "15", "--log-steps", "7"],
];
