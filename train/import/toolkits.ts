/** Names of the toolkits whose models can be imported. @module */

/** As `--from` takes them. */
export const toolkits = [
  "huggingface",
  "speechbrain",
  "wespeaker",
  "3d-speaker",
  "onnx",
  "torchvision",
  "homework",
  "lightning",
  "voxgrad",
] as const;

/** One of them. */
export type Toolkit = (typeof toolkits)[number];
