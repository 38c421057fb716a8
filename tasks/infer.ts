/** `deno task infer`: writes a trained model's predictions. @module */
import { choice, integer, text } from "../train/fields.ts";
import { checkWritable, type Prediction, writePredictions } from "../train/predictions_csv.ts";
import { Screen } from "../train/progress.ts";
import { type CommandSpec, parseCommand, required, withDefault } from "./cli/command.ts";
import { UsageError } from "./cli/errors.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";

const options = {
  model: required(text("Run folder (its best model is taken), or a .safetensors file", { placeholder: "RUN|FILE" })),
  data: text("Data set whose test part is predicted, or folder of recordings; unless told, what was trained on", {
    placeholder: "DIR",
  }),
  out: withDefault(text("File to write", { placeholder: "FILE" }), "predictions.csv"),
  topK: withDefault(integer("Likeliest classes of each, with their probabilities", { min: 1 }), 1),
  batchSize: withDefault(integer("Utterances a batch", { min: 1 }), 16),
  crops: integer("Crops of each utterance whose scores are averaged (default: as the model was validated)", { min: 1 }),
  device: withDefault(
    choice("Where to compute; auto: a real GPU, else the CPU", ["auto", "webgpu", "cpu"]),
    "auto",
  ),
};

const spec: CommandSpec<typeof options> = {
  name: "infer",
  about: "Writes a trained model's predictions for whole utterances as CSV: Id,Category.",
  positionals: { name: "RECORDING", help: "Recordings (wav, flac, mp3, ogg), in place of --data" },
  options,
  examples: [
    "deno task infer --model runs/hw4-simple --data Dataset --out predictions.csv",
    "deno task infer --model runs/quickstart data/samples/theo/0_*.wav --top-k 3",
  ],
};

/** Recordings on the command line whose predictions are shown as well as written, at most. */
const mostShown = 20;

/** `a.wav: theo 0.981, george 0.012`. */
function lineOf({ id, classes }: Prediction): string {
  return `${id}: ${classes.map(({ name, probability }) => `${name} ${probability.toFixed(3)}`).join(", ")}`;
}

await runTask(async () => {
  const { options, positionals: recordings } = parseCommand(spec, Deno.args);
  const { model, data, out, topK, batchSize, crops, device } = options;
  if (data !== undefined && recordings.length > 0) {
    throw new UsageError("Cannot predict two things at once: give either --data DIR or recordings");
  }
  await checkWritable(out);
  const screen = new Screen();
  const { infer } = await import("../train/infer.ts"); // only now: --help and typos need no engine
  const { predictions, skipped } = await infer({ model, data, recordings, topK, batchSize, crops, device }, { screen });
  await writePredictions(out, predictions);
  if (recordings.length <= mostShown) predictions.slice(0, recordings.length).forEach((p) => screen.log(lineOf(p)));
  screen.info(`Wrote ${predictions.length} predictions to ${out}`);
  return skipped.length > 0 ? exitCodes.failed : exitCodes.done;
});
