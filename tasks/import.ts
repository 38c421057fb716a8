/** `deno task import`: makes a model of ours of another toolkit's. @module */
import { choice, flag, integer, text } from "../train/fields.ts";
import { toolkits } from "../train/import/toolkits.ts";
import { Screen } from "../train/progress.ts";
import { type CommandSpec, parseCommand, withDefault } from "./cli/command.ts";
import { UsageError } from "./cli/errors.ts";
import { runCheck } from "./import/check.ts";
import { runTask } from "./cli/run_task.ts";

const options = {
  check: withDefault(flag("Compare with --reference instead of writing a model"), false),
  reference: text("With --check: safetensors with embeddings that its own toolkit made of the recordings", {
    placeholder: "FILE",
  }),
  out: text("Where to: a file if it ends in .safetensors, else a folder (default: models/NAME)", {
    placeholder: "MODEL",
  }),
  overwrite: withDefault(flag("Replace a model that is there"), false),
  from: choice("Toolkit, where a folder could be of more than one", toolkits),
  features: text("Features that it takes, where its files do not say: a preset, or settings as JSON", {
    placeholder: "PRESET",
  }),
  labels: text("Names of its classes in the order of its scores, one a line", { placeholder: "FILE" }),
  heads: integer("Heads of attention, where no file tells", { min: 1, max: 1024 }),
  root: text("Folder with the files that belong to a FILE", { placeholder: "DIR" }),
  device: withDefault(choice("With --check: where to compute", ["auto", "webgpu", "cpu"]), "auto"),
};

const spec: CommandSpec<typeof options> = {
  name: "import",
  about: "Makes a model for --model of a folder or file of another toolkit. Nothing of it is executed.",
  positionals: {
    name: "FOLDER|FILE",
    help: "The model as its toolkit stores it; with --check followed by the recordings of the reference's rows",
    min: 1,
  },
  options,
  notes:
    'It knows models of Hugging Face, SpeechBrain, WeSpeaker, torchvision and others: see "Bring a model" in the README.',
  examples: [
    "deno task import downloads/wavlm-base-plus-sv",
    "deno task import downloads/spkrec-ecapa-voxceleb --out models/ecapa",
    "deno task import --check downloads/wavlm-base-plus-sv --reference theirs.safetensors a.wav b.wav",
    "deno task import resnet18.pth --features sound64 --labels classes.txt --out models/resnet18.safetensors",
  ],
};

await runTask(async () => {
  const { options, positionals: [path, ...recordings] } = parseCommand(spec, Deno.args);
  const screen = new Screen();
  const { check, reference } = options;
  if (check !== (reference !== undefined)) throw new UsageError("Cannot check: give both --check and --reference FILE");
  if (!check && recordings.length > 0) {
    throw new UsageError(`Cannot use "${recordings[0]}": one model is imported at a time`);
  }
  const { importModel, ImportRefusal } = await import("../train/import/mod.ts"); // only now: --help needs no engine
  const refused = (error: unknown) => {
    throw error instanceof ImportRefusal ? new UsageError(error.message, { cause: error }) : error;
  };
  if (reference !== undefined) {
    return await runCheck(path, { ...options, reference, recordings }, screen).catch(refused);
  }
  const { what, model, file, facts, said } = await importModel(path, options).catch(refused);
  screen.info(`Found ${what}${facts.classes.length > 0 ? `, ${facts.classes.length} classes` : ""}`);
  for (const line of said) screen.info(line);
  screen.info(`Wrote ${file} (${sizeText((await Deno.stat(file)).size)})`);
  if (facts.featureSettings !== null) screen.info(`Try: deno task embed --model ${model} RECORDING`);
});

function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
