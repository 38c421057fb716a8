/** `deno task bench`: times training steps, matrix products and features. @module */
import { choice, flag, integer, text } from "../train/fields.ts";
import { nameHint } from "../train/name_hint.ts";
import { writeAtomic } from "../data/files/mod.ts";
import { chooseDevice, setDevice } from "../tensor/mod.ts";
import { type CommandSpec, parseCommand, withDefault } from "./cli/command.ts";
import { UsageError } from "./cli/errors.ts";
import { exitCodes, runTask } from "./cli/run_task.ts";
import { benchLogMel } from "./bench/log_mel.ts";
import { benchMatmul } from "./bench/matmul.ts";
import { stepCases } from "./bench/step_cases.ts";
import { benchStep } from "./bench/training_step.ts";

const products: Readonly<Record<string, number>> = { "matmul-256": 256, "matmul-1024": 1024, "matmul-2048": 2048 };
const names = [...Object.keys(stepCases), ...Object.keys(products), "log-mel"];

const options = {
  device: withDefault(choice("Where to compute; auto: a real GPU, else the CPU", ["auto", "webgpu", "cpu"]), "auto"),
  steps: withDefault(integer("Timed steps of each training case", { min: 1 }), 10),
  kernels: flag("Also print a line for every kernel of a training step"),
  json: text("Also write the results here", { placeholder: "FILE" }),
};

const spec: CommandSpec<typeof options> = {
  name: "bench",
  about:
    "Times training steps (forward, backward, AdamW; of wavlm the forward pass alone), matrix products and log-mel " +
    "features. Medians after warm-up.",
  positionals: { name: "CASE", help: `Any of ${names.join(", ")}; default all` },
  options,
  examples: [
    "deno task bench",
    "deno task bench hw4-simple hw4-medium --device cpu",
    "deno task bench --device webgpu --json bench.json",
  ],
};

/** One line of results. */
type Row = { engine: string; case: string; text: string; values: Record<string, number> };

await runTask(async () => {
  const { options, positionals } = parseCommand(spec, Deno.args);
  const wanted = positionals.length > 0 ? positionals : names;
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`Cannot bench "${unknown}": ${nameHint(unknown, names)}`);
  const { device, reason } = await chooseDevice(options.device);
  await setDevice(device);
  console.error(`${device.type}: ${device.description} (${reason})`);
  const engine = `voxgrad-${device.type}`;
  const rows: Row[] = [];
  for (const name of wanted) {
    const row = await measure(name);
    rows.push(row);
    console.log(`${row.engine} ${row.case} ${row.text}`);
  }
  if (options.json !== undefined) {
    const results = rows.map(({ engine, case: name, values }) => ({ engine, case: name, ...values }));
    await writeAtomic(options.json, JSON.stringify({ device: device.description, results }, null, 2) + "\n");
  }
  device.close();
  return exitCodes.done;

  async function measure(name: string): Promise<Row> {
    if (name in stepCases) {
      const { steps, kernels: wantsKernels } = options;
      const result = await benchStep(stepCases[name], device, {
        steps,
        kernelLine: wantsKernels ? console.log : undefined,
      });
      const { msPerStep, firstMs, kernels, bytes, losses } = result;
      const loss = losses ? `, loss ${losses.first.toFixed(3)} -> ${losses.last.toFixed(3)}` : "";
      const details = `${kernels} kernels, ${(bytes / 1e6).toFixed(0)} MB, first call ${firstMs.toFixed(0)} ms${loss}`;
      return {
        engine,
        case: name,
        text: `${msPerStep.toFixed(msPerStep < 10 ? 3 : 1)} ms/step (${details})`,
        values: {
          msPerStep,
          firstMs,
          kernels,
          bytes,
          ...(losses && { firstLoss: losses.first, lastLoss: losses.last }),
        },
      };
    }
    if (name in products) {
      const { gflops, ms } = await benchMatmul(products[name], device);
      return { engine, case: name, text: `${gflops.toFixed(1)} GFLOP/s (${ms.toFixed(2)} ms)`, values: { gflops, ms } };
    }
    const { realTimeFactor } = benchLogMel();
    return {
      engine: "voxgrad",
      case: name,
      text: `${realTimeFactor.toFixed(0)} x real time (80 bands, one thread)`,
      values: { realTimeFactor },
    };
  }
});
