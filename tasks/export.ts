/** `deno task export`: writes a model for another toolkit. @module */
import { exportTargets } from "../train/export/exporter.ts";
import { choice, flag, text } from "../train/fields.ts";
import { Screen } from "../train/progress.ts";
import { type CommandSpec, parseCommand, required, withDefault } from "./cli/command.ts";
import { UsageError } from "./cli/errors.ts";
import { runTask } from "./cli/run_task.ts";

const options = {
  to: required(choice("Toolkit to write for", exportTargets)),
  out: required(text("Where to: a folder; for torch and voxgrad also a file (.pt, .pth, .ckpt, .bin; .safetensors)", {
    placeholder: "PATH",
  })),
  overwrite: withDefault(flag("Replace files that are there"), false),
};

const spec: CommandSpec<typeof options> = {
  name: "export",
  about: "Writes a model with the names and files that another toolkit loads.",
  positionals: { name: "MODEL", help: "The trained or imported model: a run folder or a model file", min: 1, max: 1 },
  options,
  notes: "What a toolkit cannot hold is refused by name. A model that was imported from it gets its old names back.",
  examples: [
    "deno task export models/wavlm-base-plus-sv --to huggingface --out upload",
    "deno task export runs/quickstart --to torch --out model.pt",
  ],
};

await runTask(async () => {
  const { options, positionals: [path] } = parseCommand(spec, Deno.args);
  const screen = new Screen();
  const { exportModel, ExportRefusal } = await import("../train/export/mod.ts"); // only now: --help needs no engine
  const { what, files, said } = await exportModel(path, options).catch((error) => {
    throw error instanceof ExportRefusal ? new UsageError(error.message, { cause: error }) : error;
  });
  screen.info(`Wrote ${what}: ${files.join(", ")}`);
  for (const line of said) screen.info(line);
});
