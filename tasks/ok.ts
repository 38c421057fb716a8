/** `deno task ok`: everything that has to hold before a change is handed in. @module */
import { parseCommand } from "./cli/command.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";

/** The folders with code that others import, whose examples are run. */
const sources = ["tensor", "nn", "data", "train", "tasks", "mod.ts"];

const checks: readonly { readonly name: string; readonly args: readonly string[] }[] = [
  { name: "format", args: ["fmt", "--check", "--quiet"] },
  { name: "lint", args: ["lint", "--quiet"] },
  { name: "types", args: ["check", "--quiet", "."] },
  { name: "documentation", args: ["doc", "--lint", "--quiet", "mod.ts"] },
  { name: "package", args: ["publish", "--dry-run", "--allow-dirty", "--quiet"] },
  { name: "examples", args: ["test", "-A", "--doc", "--quiet", "--permit-no-files", ...sources] },
  { name: "tests", args: ["task", "--quiet", "test"] },
];

await runTask(async () => {
  parseCommand(
    {
      name: "ok",
      about: `Runs in sequence: ${checks.map(({ name }) => name).join(", ")}`,
      options: {},
      examples: ["deno task ok"],
    },
    Deno.args,
  );
  const results = [];
  for (const { name, args } of checks) results.push({ name, ...await run(args) });
  console.log("\nSummary");
  for (const { name, passed, seconds } of results) {
    console.log(`  ${passed ? "ok    " : "FAILED"} ${name.padEnd(14)} ${seconds.toFixed(1).padStart(6)} s`);
  }
  return results.every(({ passed }) => passed) ? exitCodes.done : exitCodes.failed;
});

/** Runs `deno ARGS` with this process's own output. */
async function run(args: readonly string[]): Promise<{ passed: boolean; seconds: number }> {
  console.log(`\ndeno ${args.join(" ")}`);
  const start = performance.now();
  const { success } = await new Deno.Command(Deno.execPath(), { args: [...args] }).spawn().status;
  return { passed: success, seconds: (performance.now() - start) / 1000 };
}
