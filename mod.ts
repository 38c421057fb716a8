/**
 * voxgrad: a tensor and autograd engine on WebGPU and CPU, neural-network modules, audio features and a trainer, for identifying
 * speakers and classifying sounds with Deno.
 *
 * - Tensors: {@linkcode tensor}, {@linkcode zeros}, {@linkcode randn} and the methods of {@linkcode Tensor}, named as PyTorch's in
 *   camelCase. `await x.data()` reads values; everything else is synchronous.
 * - Devices: {@linkcode setDevice} opens a GPU or the CPU, {@linkcode memory} and {@linkcode profile} look into it.
 * - Training: `nn` has the modules, {@linkcode AdamW} and its like update them, {@linkcode capture} records a step and replays it,
 *   {@linkcode scope} frees what a step leaves behind.
 * - Sound: {@linkcode readAudio} reads recordings, {@linkcode createFeatures} makes log-mel and other features, {@linkcode preprocess}
 *   turns folders of recordings into data sets, {@linkcode openDataSet} opens them. {@linkcode addNoise}, {@linkcode reverberate},
 *   {@linkcode changeSpeed} and {@linkcode changeVolume} make waveforms harder, {@linkcode WaveformSource} draws chunks of them.
 * - Files: {@linkcode readSafetensors}, {@linkcode writeSafetensors}, {@linkcode readTorchFile}.
 * - Whole runs, as the tasks do them: {@linkcode train} with {@linkcode recipes}, {@linkcode loadModel}, {@linkcode infer}.
 *
 * Importing it does no work: no device is opened, nothing is read. Tensors are made on the CPU until {@linkcode setDevice} chooses
 * another device.
 *
 * @example
 * ```ts
 * import { AdamW, capture, crossEntropy, nn, setDevice, tensor } from "./mod.ts";
 *
 * await setDevice("auto");
 * const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2));
 * const optimizer = new AdamW(model.parameters(), { lr: 0.05 });
 * const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
 * const y = tensor(Int32Array.of(0, 1, 1, 0));
 * const step = capture(() => {
 *   optimizer.zeroGrad();
 *   const loss = crossEntropy(model.forward(x), y);
 *   loss.backward();
 *   optimizer.step();
 *   return loss;
 * });
 * for (let i = 0; i < 200; i++) step();
 * console.log(await step().item()); // below 0.05
 * ```
 * @module
 */
export * from "./tensor/mod.ts";
/** Neural-network modules: `nn.Linear`, `nn.TransformerEncoder`, `nn.SpeakerClassifier` and their like. */
export * as nn from "./nn/mod.ts";
export * from "./data/audio/mod.ts";
export * from "./data/augment/mod.ts";
export * from "./data/batches/mod.ts";
export * from "./data/features/mod.ts";
export * from "./data/files/mod.ts";
export * from "./data/preprocess/mod.ts";
export * from "./data/sets/mod.ts";
export * from "./data/waveforms/mod.ts";
export * from "./train/optim/mod.ts";
export * from "./train/schedules/mod.ts";
export type { ModelFacts } from "./train/model_facts.ts";
export { loadModel } from "./train/model_file.ts";
export { type LoadedModel, modelFromBytes } from "./train/model_from_bytes.ts";
export * from "./train/verification/mod.ts";
export { train, type TrainOptions, type TrainResult } from "./train/train.ts";
export { evaluate, type EvaluateRequest, type EvaluateResult } from "./train/evaluate.ts";
export { type EvaluationFiles, writeEvaluation } from "./train/evaluation/write.ts";
export type { PartRequest } from "./train/evaluation/part.ts";
export type { EvaluationReport, ReportContext, UnknownClass } from "./train/evaluation/report.ts";
export type { Skipped } from "./train/model_recordings.ts";
export type { Outcome } from "./train/evaluation/outcome.ts";
export * from "./train/metrics/mod.ts";
export * from "./train/export/mod.ts";
export * from "./train/import/mod.ts";
export { infer, type InferRequest, type InferResult } from "./train/infer.ts";
export { type Prediction, writePredictions } from "./train/predictions_csv.ts";
export {
  type Ablation,
  defineRecipe,
  type Recipe,
  recipeNamed,
  type RecipeOptions,
  recipes,
} from "./train/recipes/mod.ts";
export type { LossName, ModelName, ScheduleName, TrainConfig } from "./train/train_config.ts";
export type { ModelOptions } from "./train/models/mod.ts";
export type { Viewing } from "./train/viewing.ts";
export { type Bar, type BarFields, type BarOptions, Screen, type ScreenOptions } from "./train/progress.ts";
