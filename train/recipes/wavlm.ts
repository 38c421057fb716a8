/** Speaker verification by WavLM. @module */
import { defineRecipe, type Recipe } from "./recipe.ts";

/**
 * The write-up's better verifier: WavLM base with an x-vector head (as microsoft/wavlm-base-plus-sv) on chunks of 3 s of waveforms, drawn anew in
 * each epoch; AM-softmax with margin 0.4 and scale 30, AdamW at 1e-5, batches of 32, 30 epochs under a cosine that moves once an epoch, and an
 * end after five epochs that did not validate better. Validation hears the first 3 s. Layers are skipped and spans of frames masked as Hugging
 * Face does it; `modelOptions` has their numbers (`layerdrop`, `maskTimeProb` and the others of `nn.WavLMForXVector`).
 *
 * It is meant for a trained model (`--init`), and the convolutions stay as they are; from random weights train with `--freeze ''`, a higher rate
 * and fewer layers. WavLM large is `--d-model 1024 --n-head 16 --num-layers 24 --dim-feedforward 4096 --norm-first` with
 * `--model-options '{"featExtractNorm":"layer"}'`, and features `waveform-normalized`.
 */
export const wavlm: Recipe = defineRecipe({
  name: "wavlm",
  about: "speaker verification, WavLM base with x-vector head on waveforms",
  changes: {
    data: "data/train.txt",
    features: "waveform",
    chunkSeconds: 3,
    validChunk: "first",
    batchSize: 32,
    epochs: 30,
    validSteps: 1,
    saveSteps: 5,
    logSteps: 10,
    patience: 5,
    loss: "am-softmax",
    margin: 0.4,
    scale: 30,
    optimizer: "adamw",
    lr: 1e-5,
    freeze: ["*.feature_extractor.*"],
    schedule: "cosine",
    scheduleUnit: "epoch",
    model: "wavlm",
    dModel: 768,
    nHead: 12,
    numLayers: 12,
    dimFeedforward: 3072,
    dropout: 0.1,
    head: "linear",
  },
});
