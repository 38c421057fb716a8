/** `deno task enroll`: makes a person known by recordings of their voice. @module */
import { flag } from "../train/fields.ts";
import { readVoices } from "../train/verification/read_voices.ts";
import { type CommandSpec, parseCommand } from "./cli/command.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import { jsonOption, modelOptions, nameArgument, screenFor, withService } from "./speakers/service_task.ts";

const options = {
  ...modelOptions,
  replace: flag("Forget the person's earlier recordings first; otherwise the new ones are added"),
  ...jsonOption,
};

const spec: CommandSpec<typeof options> = {
  name: "enroll",
  about: "Makes a person known by recordings of their voice. The database keeps embeddings, never recordings.",
  positionals: { name: "WORD", help: "The person's name, then one or more recordings (wav, flac, mp3, ogg)", min: 2 },
  options,
  examples: [
    "deno task enroll ana ana/*.wav --model runs/ecapa-small",
    'deno task enroll "Zoë Müller" zoe.flac --replace',
  ],
};

await runTask(async () => {
  const { options, positionals: [given, ...paths] } = parseCommand(spec, Deno.args);
  const name = nameArgument(given), screen = screenFor(options);
  return await withService({ ...options, create: true, judge: "if calibrated" }, {
    screen,
    work: async ({ service, embedder }) => {
      const { voices, skipped } = await readVoices(paths, embedder, { screen });
      const { repeated, ...enrolled } = service.enroll(name, voices, { replace: options.replace });
      if (options.json) console.log(JSON.stringify({ ...enrolled, repeated, skipped, model: service.model.id }));
      const { added, recordings, seconds } = enrolled;
      if (repeated > 0) screen.info(`${repeated} of the recordings were enrolled already and stay as they are`);
      screen.info(`Enrolled "${name}": ${added} new, now ${recordings} recordings of ${seconds.toFixed(1)} s together`);
      return skipped.length > 0 ? exitCodes.failed : exitCodes.done;
    },
  });
});
