/** `deno task verify`: whether a recording is of the person who is named. @module */
import { readVoices } from "../train/verification/read_voices.ts";
import { scoreText } from "../train/verification/score_text.ts";
import { type CommandSpec, parseCommand } from "./cli/command.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import {
  jsonOption,
  judgeOptions,
  modelOptions,
  nameArgument,
  screenFor,
  withService,
} from "./speakers/service_task.ts";

const options = { ...modelOptions, ...judgeOptions, ...jsonOption };

const spec: CommandSpec<typeof options> = {
  name: "verify",
  about: "Says whether a recording is of the person who is named.",
  positionals: { name: "WORD", help: "A name, then one recording (wav, flac, mp3, ogg)", min: 2, max: 2 },
  options,
  notes: "Ends with 0 for the same person, with 3 for another one, with 1 where there is no answer.",
  examples: ["deno task verify ana test.wav", "deno task verify ana test.wav --threshold 0.45 --json"],
};

await runTask(async () => {
  const { options, positionals: [given, path] } = parseCommand(spec, Deno.args);
  const name = nameArgument(given), screen = screenFor(options);
  return await withService({ ...options, create: false, judge: "needed" }, {
    screen,
    work: async ({ service, embedder }) => {
      const { voices } = await readVoices([path], embedder, { screen });
      const verdict = service.verify(name, voices);
      const { same, score, threshold, llr } = verdict;
      if (options.json) console.log(JSON.stringify({ ...verdict, model: service.model.id }));
      else {
        const sign = same ? "≥" : "<",
          ratio = llr === null || llr === score ? "" : `, log-likelihood ratio ${llr.toFixed(2)}`;
        screen.log(
          `${same ? "same" : "not the same"}: "${verdict.name}", score ${scoreText(score)} ${sign} threshold ${
            scoreText(threshold)
          }${ratio}`,
        );
      }
      return same ? exitCodes.done : exitCodes.notSame;
    },
  });
});
