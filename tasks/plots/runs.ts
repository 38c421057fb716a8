/** The runs that a picture shows. @module */
import { basename, dirname, join, resolve } from "node:path";
import { type MetricRow, readMetrics } from "../../train/metrics_file.ts";

/** A run's name in the picture, and what it measured. */
export interface PlottedRun {
  readonly name: string;
  readonly rows: readonly MetricRow[];
}

/** What to tell the user about runs. */
export interface RunNotes {
  /** Told of lines that are no rows. */
  readonly say: (line: string) => void;
}

/**
 * Reads the measurements of run folders, or of `metrics.jsonl` files.
 *
 * @returns runs in the order given, one named twice only once; those that have measured nothing have no rows
 * @throws {Error} where a path holds no run
 */
export async function readRuns(paths: readonly string[], { say }: RunNotes): Promise<PlottedRun[]> {
  const files = await Promise.all(paths.map(metricsFileOf));
  const distinct = [...new Map(files.map((file) => [resolve(file), file])).values()];
  const names = shortNames(distinct.map((file) => dirname(resolve(file))));
  return await Promise.all(distinct.map(async (file, i) => {
    const broken: string[] = [];
    const rows = await readMetrics(file, { onBroken: (fact) => broken.push(fact) });
    if (broken.length > 0) say(`${broken.length} damaged lines of "${file}" are left out, first: ${broken[0]}`);
    return { name: names[i], rows };
  }));
}

/** The measurements in a run folder, or the path itself. */
async function metricsFileOf(path: string): Promise<string> {
  const refuse = (fact: string) => new Error(`Cannot plot "${path}": ${fact}`);
  const stat = await Deno.stat(path).catch(() => undefined);
  if (stat === undefined) throw refuse("there is no such file or folder");
  if (!stat.isDirectory) return path;
  const file = join(path, "metrics.jsonl");
  if (await exists(file)) return file;
  if (await exists(join(path, "config.json"))) throw refuse("it holds a run that has measured nothing yet");
  const runs = [];
  for await (const { name } of Deno.readDir(path)) if (await exists(join(path, name, "metrics.jsonl"))) runs.push(name);
  const some = runs.sort().slice(0, 3).map((name) => `"${join(path, name)}"`).join(", ");
  throw refuse(runs.length > 0 ? `it holds ${runs.length} runs; name them: ${some}` : "it holds no metrics.jsonl");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** As much of the end of each path as tells them all apart. */
export function shortNames(paths: readonly string[]): string[] {
  const endings = (count: number) =>
    paths.map((path) => {
      let [rest, name] = [dirname(path), basename(path)];
      for (let i = 1; i < count && dirname(rest) !== rest; i++) {
        [rest, name] = [dirname(rest), join(basename(rest), name)];
      }
      return name;
    });
  const longest = Math.max(0, ...paths.map((path) => path.length));
  for (let count = 1; count < longest; count++) {
    const names = endings(count);
    if (new Set(names).size === paths.length) return names;
  }
  return [...paths];
}
