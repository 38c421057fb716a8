/** `deno task embed`: turns recordings into embeddings. @module */
import { choice, integer, number, text } from "../train/fields.ts";
import { checkWritable } from "../train/predictions_csv.ts";
import { Screen } from "../train/progress.ts";
import { type CommandSpec, parseCommand, required, withDefault } from "./cli/command.ts";
import { UsageError } from "./cli/errors.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";

const options = {
  model: required(text("Run folder (its best model is taken), or a .safetensors file", { placeholder: "RUN|FILE" })),
  data: text("Folder of recordings, or a list of them, a path a line", { placeholder: "DIR|FILE" }),
  out: withDefault(text("File to write", { placeholder: "FILE" }), "embeddings.safetensors"),
  windowSeconds: withDefault(
    number("Longer recordings are embedded in equal windows of at most so many seconds", { min: 0.1, max: 3600 }),
    30,
  ),
  batchSize: withDefault(integer("Windows a batch", { min: 1 }), 16),
  device: withDefault(
    choice("Where to compute; auto: a real GPU, else the CPU", ["auto", "webgpu", "cpu"]),
    "auto",
  ),
};

const spec: CommandSpec<typeof options> = {
  name: "embed",
  about: "Writes an embedding of length 1 for each recording into a safetensors file, with names and lengths.",
  positionals: { name: "RECORDING", help: "Recordings (wav, flac, mp3, ogg), in place of --data" },
  options,
  examples: [
    "deno task embed --model runs/ecapa data/samples/theo/0_*.wav",
    "deno task embed --model runs/ecapa --data recordings --out recordings.safetensors",
  ],
};

await runTask(async () => {
  const { options, positionals: recordings } = parseCommand(spec, Deno.args);
  const { model, data, out, windowSeconds, batchSize, device } = options;
  if ((data === undefined) === (recordings.length === 0)) {
    throw new UsageError("Cannot embed: give either recordings or --data DIR");
  }
  await checkWritable(out);
  const screen = new Screen();
  const { checkReplaceable, embed, writeEmbeddings } = await import("../train/verification/embed.ts"); // only now: --help needs no engine
  await checkReplaceable(out);
  const result = await embed({ model, data, recordings, windowSeconds, batchSize, device }, { screen });
  await writeEmbeddings(out, result);
  screen.info(`Wrote ${result.embeddings.length} embeddings to ${out}`);
  return result.skipped.length > 0 ? exitCodes.failed : exitCodes.done;
});
