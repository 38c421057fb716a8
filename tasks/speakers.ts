/** `deno task speakers`: who is enrolled, and forgetting somebody. @module */
import { type Speaker, SpeakerStore } from "../data/speakers/speaker_store.ts";
import { text } from "../train/fields.ts";
import { printable } from "../train/printable.ts";
import { type CommandSpec, parseCommand } from "./cli/command.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import { dbOption, jsonOption, nameArgument, screenFor } from "./speakers/service_task.ts";

const options = {
  ...dbOption,
  forget: text("Forget this person: nothing of their recordings is left in the database's files", {
    placeholder: "NAME",
  }),
  ...jsonOption,
};

const spec: CommandSpec<typeof options> = {
  name: "speakers",
  about: "Lists who is enrolled, or forgets somebody completely.",
  options,
  examples: ["deno task speakers", "deno task speakers --forget ana"],
};

await runTask(() => {
  const { options } = parseCommand(spec, Deno.args);
  const forget = options.forget === undefined ? null : nameArgument(options.forget), screen = screenFor(options);
  using store = new SpeakerStore(options.db);
  if (forget !== null) {
    const recordings = store.forget(forget);
    if (recordings === 0) {
      throw new Error(`Cannot forget "${forget}": nobody of that name is enrolled in "${options.db}"`);
    }
    screen.info(`Forgot "${forget}" and ${recordings} recordings`);
  }
  const speakers = store.speakers(), { model } = store;
  if (options.json) console.log(JSON.stringify({ speakers, model }));
  else if (forget === null) screen.log(tableOf(speakers));
  return exitCodes.done;
});

function tableOf(speakers: readonly Speaker[]): string {
  if (speakers.length === 0) return "Nobody is enrolled";
  const rows = speakers.map(({ name, recordings, seconds, enrolled }) => [
    ...[printable(name), String(recordings), seconds.toFixed(1), enrolled.slice(0, 16).replace("T", " ")],
  ]);
  const table = [["name", "recordings", "seconds", "enrolled (UTC)"], ...rows];
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => [...row[i]].length)));
  const line = (row: string[]) =>
    row.map((cell, i) => i === 1 || i === 2 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])).join("  ").trimEnd();
  return table.map(line).join("\n");
}
