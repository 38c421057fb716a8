/**
 * Command lines: a task states its options once and gets typed values, `--help`, and messages that name near options.
 * The only file that knows the parser (commander), so that another could take its place.
 * @module
 */
import { Command, CommanderError, Option } from "npm:commander@15.1.0";
import { type Field, flagOf } from "../../train/fields.ts";
import { nearNames } from "../../data/near_names.ts";
import { UsageError } from "./errors.ts";

/** A field that always has a value: it is required, or it has a default. */
export type Given<T> = Field<T> & { readonly given: true; readonly fallback?: T };

/** An option that the task cannot do without. */
export function required<T>(field: Field<T>): Given<T> {
  return { ...field, given: true };
}

/** An option with a default, shown in `--help`. */
export function withDefault<T>(field: Field<T>, fallback: T): Given<T> {
  return { ...field, given: true, fallback };
}

/** An option that may be given more than once: its values in order, none unless given. */
export function repeated<T>(field: Field<T>): Given<readonly T[]> & { readonly each: Field<T> } {
  const check = (x: unknown) => Array.isArray(x) && x.every((v) => field.check(v) !== undefined) ? x as T[] : undefined;
  const parse = (text: string) => check([field.parse(text)]);
  return { ...field, check, parse, given: true, fallback: [], each: field };
}

/** A table of options by key. */
export type Fields = { readonly [key: string]: Field<unknown> };

/** The values of a table of options: `undefined` only where neither required nor with a default. */
export type Values<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends Given<infer T> ? T : F[K] extends Field<infer T> ? T | undefined : never;
};

/** Words without a dash, such as a recipe's name or a list of recordings. */
export interface Positionals {
  /** Shown in `--help`, such as `RECORDING`. */
  readonly name: string;
  readonly help: string;
  /** At least so many; 0 unless told. */
  readonly min?: number;
  /** At most so many; any number unless told. */
  readonly max?: number;
}

/** What a task takes on its command line. */
export interface CommandSpec<F extends Fields> {
  /** As in `deno task NAME`. */
  readonly name: string;
  readonly about: string;
  readonly positionals?: Positionals;
  /** By camelCase key: `topK` is `--top-k`. */
  readonly options: F;
  /** Further options, listed in `--help` under a heading of their own. */
  readonly groups?: { readonly [heading: string]: readonly (keyof F & string)[] };
  /** Defaults to show in `--help` for options that get theirs elsewhere, such as from a recipe. */
  readonly shownDefaults?: Readonly<Record<string, unknown>>;
  /** Text after the list of options. */
  readonly notes?: string;
  /** Command lines as typed. */
  readonly examples: readonly string[];
}

/** What the user gave. */
export interface Parsed<F extends Fields> {
  readonly options: Values<F>;
  readonly positionals: readonly string[];
}

/** `--help` was asked for: the text to print. */
export class HelpRequest extends Error {}

/**
 * Reads a command line.
 *
 * @throws {UsageError} Where it is wrong, naming the option and near ones.
 * @throws {HelpRequest} Where `--help` is given.
 *
 * @example
 * ```ts
 * import { parseCommand, required, withDefault } from "./command.ts";
 * import { integer, text } from "../../train/fields.ts";
 *
 * const { options } = parseCommand({
 *   name: "infer",
 *   about: "Predicts",
 *   options: { model: required(text("The trained model")), topK: withDefault(integer("Best guesses", { min: 1 }), 1) },
 *   examples: ["deno task infer --model runs/quickstart"],
 * }, ["--model", "runs/quickstart"]);
 * options.topK; // 1
 * ```
 */
export function parseCommand<F extends Fields>(spec: CommandSpec<F>, args: readonly string[]): Parsed<F> {
  const program = programOf(spec);
  try {
    program.parse([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) throw translated(error, spec);
    throw error;
  }
  const texts = program.opts<Record<string, string | boolean | string[]>>();
  const options: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(spec.options)) options[key] = valueOf(key, field, texts[key]);
  checkCount(program.args, spec);
  return { options: options as Values<F>, positionals: program.args };
}

/** Without these commander would look into the environment, which a task may have no permission to read. */
const plainOutput = { getOutHasColors: () => false, getErrHasColors: () => false };

function programOf<F extends Fields>(spec: CommandSpec<F>): Command {
  const program = new Command(`deno task ${spec.name}`)
    .description(spec.about)
    .exitOverride()
    .allowExcessArguments()
    .helpOption("-h, --help", "Show this help")
    .configureOutput({ ...plainOutput, writeOut: () => {}, writeErr: () => {} })
    .configureHelp({ helpWidth: 110 });
  const { positionals } = spec;
  if (positionals) {
    const name = positionals.max === 1 ? positionals.name : `${positionals.name}...`;
    program.argument(`[${name}]`, positionals.help);
  }
  const headings = new Map<string, string>();
  for (const [heading, keys] of Object.entries(spec.groups ?? {})) keys.forEach((key) => headings.set(key, heading));
  for (const [key, field] of Object.entries(spec.options)) {
    addOption(program, key, { fallback: spec.shownDefaults?.[key], ...field }, headings.get(key));
  }
  const examples = spec.examples.map((line) => `  ${line}`).join("\n");
  return program.addHelpText("after", `${spec.notes ? `\n${spec.notes}\n` : ""}\nExamples:\n${examples}`);
}

function addOption(program: Command, key: string, field: Field<unknown> & { fallback?: unknown }, heading?: string) {
  const isShort = field.placeholder.length <= 20;
  const flags = field.placeholder ? `${flagOf(key)} <${isShort ? field.placeholder : "NAME"}>` : flagOf(key);
  const help = field.help + (isShort ? "" : `: ${field.placeholder.replaceAll("|", ", ")}`);
  const options = [new Option(flags, help + fallbackText(field.fallback))];
  if (!field.placeholder) options.push(new Option(flagOf(key).replace("--", "--no-")).hideHelp());
  if ("each" in field) options[0].argParser((text, before: string[] = []) => [...before, text]);
  for (const option of options) program.addOption(heading ? option.helpGroup(`${heading}:`) : option);
}

function fallbackText(fallback: unknown): string {
  const isNothing = fallback === undefined || fallback === false || String(fallback) === "";
  if (isNothing) return "";
  return ` (default: ${Array.isArray(fallback) ? fallback.join(",") : fallback})`;
}

type AnyField = Field<unknown> & Partial<Given<unknown>> & { readonly each?: Field<unknown> };

function valueOf(key: string, field: AnyField, given?: string | boolean | string[]): unknown {
  if (given === undefined) {
    if (field.given && field.fallback === undefined) {
      throw new UsageError(`Cannot go without ${flagOf(key)}: ${field.help}`);
    }
    return field.fallback;
  }
  if (typeof given === "boolean") return given;
  if (Array.isArray(given)) return given.map((text) => valueOf(key, field.each!, text));
  const value = field.parse(given);
  if (value === undefined) throw new UsageError(`Cannot set ${flagOf(key)} to "${given}": expected ${field.expects}`);
  return value;
}

function checkCount<F extends Fields>(words: readonly string[], { name, positionals }: CommandSpec<F>): void {
  const { min = 0, max = Infinity } = positionals ?? { max: 0 };
  if (words.length > max) throw new UsageError(`Cannot use "${words[max]}": deno task ${name} takes ${countText(max)}`);
  if (words.length < min) throw new UsageError(`Cannot go without ${positionals?.name}: ${positionals?.help}`);
}

function countText(max: number): string {
  return max === 0 ? "options only" : max === 1 ? "one word besides its options" : `${max} words besides its options`;
}

/** Commander's errors in this project's words. */
function translated<F extends Fields>(error: CommanderError, spec: CommandSpec<F>): Error {
  if (error.code === "commander.helpDisplayed") return new HelpRequest(helpText(spec));
  const flag = /'(-[^\s'=]*)/.exec(error.message)?.[1] ?? "";
  if (error.code === "commander.unknownOption") {
    if (Object.keys(spec.options).some((key) => flagOf(key) === flag)) { // what stands after its = made it unknown
      return new UsageError(`Cannot use ${flag} with a value: write ${flag} or ${flag.replace("--", "--no-")}`);
    }
    const near = nearNames(flag, [...Object.keys(spec.options), "help"]).map(flagOf);
    const hint = near.length > 0 ? `did you mean ${near.join(" or ")}?` : `see deno task ${spec.name} --help`;
    return new UsageError(`Cannot use ${flag}: there is no such option; ${hint}`);
  }
  if (error.code === "commander.optionMissingArgument") {
    return new UsageError(`Cannot use ${flag}: its value is missing`);
  }
  return new UsageError(`Cannot read the command line: ${error.message.replace(/^error: /, "")}`);
}

/** What `--help` prints. */
export function helpText<F extends Fields>(spec: CommandSpec<F>): string {
  let text = "";
  const program = programOf(spec).configureOutput({ ...plainOutput, writeOut: (part) => text += part });
  program.outputHelp();
  return text;
}
