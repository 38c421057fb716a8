/** `deno task import --check`: compares an imported model with its own toolkit. @module */
import type { CheckRequest, RecordingCheck, StageCheck } from "../../train/import/mod.ts";
import type { Screen } from "../../train/progress.ts";
import { exitCodes } from "../cli/run_task.ts";

interface Request extends CheckRequest {
  readonly device: "auto" | "webgpu" | "cpu";
}

/** Compares, prints a line for each recording, and returns the exit code. */
export async function runCheck(path: string, request: Request, screen: Screen): Promise<number> {
  const [{ checkImport }, { onDevice }] = await Promise.all([
    import("../../train/import/mod.ts"),
    import("../../train/on_device.ts"),
  ]);
  const { what, recordings, differs } = await onDevice(request.device, {
    screen,
    work: () => checkImport(path, request),
  });
  screen.info(`Compared ${what} with ${request.reference}`);
  for (const recording of recordings) screen.info(lineOf(recording));
  if (differs === "") {
    screen.info(
      `All ${recordings.length} embeddings are equal: cosine at least 0.99999, difference at most 1e-3 of the norm`,
    );
    return exitCodes.done;
  }
  const count = recordings.filter(({ isEqual }) => !isEqual).length;
  screen.info(`${count} of ${recordings.length} differ; the first difference is in: ${differs}`);
  return exitCodes.failed;
}

function lineOf({ name, stages, isEqual }: RecordingCheck): string {
  return `${isEqual ? "equal" : "OTHER"}  ${name}: ${stages.map(stageText).join("; ")}`;
}

function stageText({ stage, cosine, difference, shapes }: StageCheck): string {
  if (shapes !== "") return `${stage} ${shapes}`;
  return `${stage} cosine ${cosine.toFixed(8)}, largest difference ${difference.toExponential(1)} of the norm`;
}
