/** `deno task preprocess`: turns recordings into a data set. @module */
import { preprocess } from "../data/preprocess/preprocess.ts";
import { describeSummary } from "../data/preprocess/summary.ts";
import { flag, integer, text } from "../train/fields.ts";
import { Screen } from "../train/progress.ts";
import { type CommandSpec, parseCommand, required, withDefault } from "./cli/command.ts";
import { asUsageError } from "./cli/errors.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import { chooseFeatures, featureFields, featureKeys, featureNames } from "./preprocess/feature_flags.ts";

const options = {
  in: required(
    text(
      "Recordings: a folder for each class; any folder with --label; a list of lines PATH<tab>LABEL; or a .csv file " +
        "with the columns file and class",
      { placeholder: "DIR|LIST" },
    ),
  ),
  out: required(text("Folder for the data set; new or empty", { placeholder: "DIR" })),
  test: text("Recordings without labels for the test part", { placeholder: "DIR|LIST" }),
  label: text("The group of this pattern is the label, in paths below --in", { placeholder: "PATTERN" }),
  labelColumn: text("Column of the .csv file that holds the label (default: class, else label)", {
    placeholder: "NAME",
  }),
  features: withDefault(text(`Preset or kind: ${featureNames.join(", ")}`, { placeholder: "NAME" }), "hw4"),
  workers: integer("Threads; 0 is none besides the main one (default: one a processor core, at most 8)", {
    min: 0,
    max: 256,
  }),
  strict: withDefault(flag("Stop at the first recording that cannot be used"), false),
  overwrite: withDefault(flag("Replace a data set that preprocess made at --out before"), false),
  ...featureFields,
};

const spec: CommandSpec<typeof options> = {
  name: "preprocess",
  about: "Turns recordings (wav, flac, mp3, ogg) into features: a data set for `deno task train --data DIR`.",
  options,
  groups: { "Feature settings, over the preset's": featureKeys },
  notes: "Recordings that cannot be used are skipped and named; the exit code is 1 then.",
  examples: [
    "deno task preprocess --in recordings --out Dataset",
    "deno task preprocess --in fsdd --label '^[0-9]_([a-z]+)_' --out Dataset --features ecapa80",
    "deno task preprocess --in clips.csv --label-column speaker --out Dataset --features sound64",
    "deno task preprocess --in train.txt --test new-recordings --out Dataset --n-mels 64 --workers 4",
  ],
};

await runTask(async () => {
  const { options: given } = parseCommand(spec, Deno.args);
  const { in: input, out: output, test, label, labelColumn, features: name, workers, strict, overwrite, ...settings } =
    given;
  const features = orUsageError(() => chooseFeatures(name, settings));
  const screen = new Screen();
  using stop = stopSignal();
  using bar = lateBar(screen);
  const summary = await preprocess({
    ...{ input, output, test, label, labelColumn, features, workers, strict, overwrite, signal: stop.signal },
    onProgress: ({ done, total, skipped, seconds }) => bar.update(done, total, { skipped, hours: seconds / 3600 }),
  }).catch((error) => {
    if (stop.signal.aborted) return undefined;
    throw error;
  });
  bar[Symbol.dispose]();
  if (summary === undefined) {
    console.error("Stopped: nothing was written");
    return exitCodes.interrupted;
  }
  for (const line of describeSummary(summary)) screen.log(line);
  return summary.skipped.length > 0 ? exitCodes.failed : exitCodes.done;
});

function orUsageError<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw asUsageError(error);
  }
}

/** A bar that begins with the first recording, when it is known how many there are. */
function lateBar(screen: Screen) {
  let bar: ReturnType<Screen["bar"]> | undefined;
  return {
    update(done: number, total: number, fields: Record<string, number>): void {
      bar ??= screen.bar({ label: "Preprocess", total, unit: "recording" });
      bar.update(done, fields);
    },
    [Symbol.dispose](): void {
      bar?.finish();
    },
  };
}

/** Aborted by the first Ctrl-C; the second one ends the process at once. */
function stopSignal() {
  const asked = new AbortController();
  const onSignal = () => {
    if (asked.signal.aborted) Deno.exit(exitCodes.interrupted);
    asked.abort();
  };
  Deno.addSignalListener("SIGINT", onSignal);
  return { signal: asked.signal, [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", onSignal) };
}
