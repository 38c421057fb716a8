/** The network of four convolutions of the sound write-up (sound-clf-pytorch's `Net`). @module */
import { modelKinds } from "../models/mod.ts";
import { recipeNamed } from "../recipes/mod.ts";
import type { NetworkKind } from "./torch_networks.ts";

/** Cells of the grid that its last pictures are averaged over. */
const GRID_CELLS = 8 * 8;

/** See {@linkcode NetworkKind}. */
export const soundCnn: NetworkKind = {
  toolkit: "torchvision",
  marks: ["conv4.weight"],
  find(shapes) {
    const names = ["conv1", "conv2", "conv3", "conv4"],
      convolutions = names.map((name) => shapes.get(`${name}.weight`));
    const [hidden, last] = ["fc1", "fc2"].map((name) => shapes.get(`${name}.weight`));
    if (convolutions.some((shape) => shape?.length !== 4) || hidden?.length !== 2 || last?.length !== 2) {
      return undefined;
    }
    const channels = convolutions.map((shape) => shape![0]);
    const [inChannels, kernel] = [convolutions[0]![1], convolutions[0]!.slice(2)];
    if (inChannels !== 1 || String(kernel) !== "3,3") {
      throw new RangeError(`its conv1.weight is [${convolutions[0]}], expected 3 × 3 of one channel`);
    }
    if (hidden[1] !== channels[3] * GRID_CELLS) {
      throw new RangeError(
        `its fc1 takes ${hidden[1]} numbers, expected ${channels[3] * GRID_CELLS} of a grid of 8 × 8`,
      );
    }
    const config = { ...recipeNamed("sound-cnn").config, channels, embeddingDim: hidden[0] };
    return {
      what: `network of four convolutions (${channels.join(", ")} channels)`,
      architecture: "sound-cnn",
      options: modelKinds["sound-cnn"].optionsOf(config, { channels: 1, classes: last[0] }),
      classes: last[0],
      noun: "class",
      channels: null,
      fixedClips: true,
      usualFeatures: null,
      ours: (name) => name,
      said: [],
    };
  },
};
