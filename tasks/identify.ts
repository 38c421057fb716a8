/** `deno task identify`: who speaks in recordings. @module */
import type { Identification } from "../train/verification/speaker_service.ts";
import { readVoices } from "../train/verification/read_voices.ts";
import { scoreText } from "../train/verification/score_text.ts";
import { type CommandSpec, parseCommand } from "./cli/command.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import { jsonOption, judgeOptions, modelOptions, screenFor, withService } from "./speakers/service_task.ts";

const options = { ...modelOptions, ...judgeOptions, ...jsonOption };

const spec: CommandSpec<typeof options> = {
  name: "identify",
  about: "Says who speaks in each recording: a person who is enrolled, or nobody it knows.",
  positionals: { name: "RECORDING", help: "Recordings (wav, flac, mp3, ogg), each judged by itself", min: 1 },
  options,
  examples: ["deno task identify test.wav", "deno task identify calls/*.wav --json"],
};

await runTask(async () => {
  const { options, positionals: paths } = parseCommand(spec, Deno.args);
  const screen = screenFor(options);
  return await withService({ ...options, create: false, judge: "needed" }, {
    screen,
    work: async ({ service, embedder }) => {
      const { voices, skipped } = await readVoices(paths, embedder, { screen });
      const answers = voices.map(({ path, ...voice }) => ({ path, ...service.identify([voice]) }));
      if (options.json) console.log(JSON.stringify({ answers, skipped, model: service.model.id }));
      else answers.forEach((answer) => screen.log(`${answer.path}: ${textOf(answer)}`));
      return skipped.length > 0 ? exitCodes.failed : exitCodes.done;
    },
  });
});

/** `ana 0.812, next bo 0.301`. */
function textOf({ best, ranking, threshold }: Identification): string {
  const [first, second] = ranking.map(({ name, score }) => `${name} ${scoreText(score)}`);
  if (best !== null) return second === undefined ? first : `${first}, next ${second}`;
  if (first === undefined) return "nobody I know: nobody is enrolled";
  return `nobody I know: nearest ${first}, below ${scoreText(threshold)}`;
}
