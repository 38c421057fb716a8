import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { type CommandSpec, HelpRequest, parseCommand, required, withDefault } from "../../tasks/cli/command.ts";
import { UsageError } from "../../tasks/cli/errors.ts";
import { choice, flag, integer, number, numbers, text } from "../../train/fields.ts";

const options = {
  model: required(text("The trained model", { placeholder: "RUN|FILE" })),
  topK: withDefault(integer("Best guesses", { min: 1 }), 1),
  lr: number("Learning rate", { above: 0 }),
  betas: numbers("Averages", { length: 2, min: 0, below: 1 }),
  device: withDefault(choice("Device", ["auto", "webgpu", "cpu"]), "auto"),
  optimizer: choice("Optimizer", ["adamw", "adam", "sgd", "rmsprop"]),
  normFirst: flag("Normalise first"),
};
const spec: CommandSpec<typeof options> = {
  name: "infer",
  about: "Writes predictions",
  positionals: { name: "RECORDING", help: "Recordings to name", max: 2 },
  options,
  groups: { Model: ["normFirst"] },
  shownDefaults: { lr: 0.001 },
  examples: ["deno task infer --model runs/quickstart"],
};

function refused(args: string[], message: string) {
  throws(() => parseCommand(spec, args), (error: Error) => {
    strictEqual(error.message, message);
    return error instanceof UsageError;
  });
}

Deno.test("parseCommand: values come typed, with defaults", () => {
  const parsed = parseCommand(spec, ["--model", "run", "a.wav", "--lr=1e-3", "--betas", "0.9,0.98", "--no-norm-first"]);
  const topK: number = parsed.options.topK;
  const lr: number | undefined = parsed.options.lr;
  const device: "auto" | "webgpu" | "cpu" = parsed.options.device;
  deepStrictEqual([topK, lr, device], [1, 1e-3, "auto"]);
  deepStrictEqual(parsed.options.betas, [0.9, 0.98]);
  strictEqual(parsed.options.normFirst, false);
  strictEqual(parseCommand(spec, ["--model", "run", "--norm-first"]).options.normFirst, true);
  strictEqual(parseCommand(spec, ["--model", "run"]).options.normFirst, undefined);
  deepStrictEqual(parsed.positionals, ["a.wav"]);
});

Deno.test("parseCommand: an unknown option names the near ones", () => {
  refused(["--model", "m", "--topk", "3"], "Cannot use --topk: there is no such option; did you mean --top-k?");
  refused(["--modle=m"], "Cannot use --modle: there is no such option; did you mean --model?");
  refused(["--norm-first=no"], "Cannot use --norm-first with a value: write --norm-first or --no-norm-first");
  refused(["--colour", "3"], "Cannot use --colour: there is no such option; see deno task infer --help");
});

Deno.test("parseCommand: a wrong value names the option, the value and what is expected", () => {
  const set = (flag: string, value: string) => ["--model", "m", flag, value];
  refused(set("--top-k", "0"), 'Cannot set --top-k to "0": expected a whole number of at least 1');
  refused(set("--top-k", "2.5"), 'Cannot set --top-k to "2.5": expected a whole number of at least 1');
  refused(set("--top-k", ""), 'Cannot set --top-k to "": expected a whole number of at least 1');
  refused(set("--lr", "-1"), 'Cannot set --lr to "-1": expected a number above 0');
  refused(
    set("--betas", "0.9"),
    'Cannot set --betas to "0.9": expected 2 numbers, each at least 0 and below 1, separated by commas',
  );
  refused(set("--device", "gpu"), 'Cannot set --device to "gpu": expected one of "auto", "webgpu", "cpu"');
});

Deno.test("parseCommand: what is missing or too much is named", () => {
  refused([], "Cannot go without --model: The trained model");
  refused(["--model"], "Cannot use --model: its value is missing");
  refused(["--model", "m", "a", "b", "c"], 'Cannot use "c": deno task infer takes 2 words besides its options');
  const strict = { ...spec, positionals: { name: "RECORDING", help: "Recordings to name", min: 1 } };
  throws(() => parseCommand(strict, ["--model", "m"]), { message: "Cannot go without RECORDING: Recordings to name" });
});

Deno.test("parseCommand: --help shows options, defaults, groups and examples", () => {
  throws(() => parseCommand(spec, ["--help"]), (error: Error) => {
    match(error.message, /Usage: deno task infer \[options\] \[RECORDING\.\.\.\]/);
    match(error.message, /--lr <X>\s+Learning rate \(default: 0\.001\)/);
    match(error.message, /--model <RUN\|FILE>\s+The trained model/);
    match(error.message, /--top-k <N>\s+Best guesses \(default: 1\)/);
    match(error.message, /--optimizer <NAME>\s+Optimizer: adamw, adam, sgd, rmsprop/);
    match(error.message, /Model:\n\s+--norm-first\s+Normalise first/);
    match(error.message, /Examples:\n {2}deno task infer --model runs\/quickstart/);
    return error instanceof HelpRequest;
  });
});
