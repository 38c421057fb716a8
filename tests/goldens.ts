/**
 * Reads golden cases (tests/goldens/README.md) and compares arrays with them.
 * @module
 */
import { type NamedArray, openSafetensors } from "../data/files/safetensors.ts";

/** Options of a case, by PyTorch's names in camelCase. */
export type GoldenArgs = Readonly<Record<string, unknown>>;

/** Arrays by name. */
export type GoldenArrays = Readonly<Record<string, NamedArray>>;

/** One case of a family. */
export interface GoldenCase {
  readonly name: string;
  readonly op: string;
  readonly args: GoldenArgs;
  readonly rtol: number;
  readonly atol: number;
  readonly inputs: GoldenArrays;
  readonly outputs: GoldenArrays;
  /** Cotangents of the outputs that the loss Σ out × cot sums over. */
  readonly cotangents: GoldenArrays;
  readonly gradients: GoldenArrays;
}

/** Names of the families in a folder. */
export function goldenFamilies(folder: string): string[] {
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((name) =>
    name.endsWith(".safetensors")
  );
  if (names.length === 0) throw new Error(`Cannot test goldens: no .safetensors file in "${folder}"`);
  return names.map((name) => name.slice(0, -".safetensors".length)).sort();
}

/** Every case of a family. */
export function readGoldens(folder: string, family: string): GoldenCase[] {
  using file = openSafetensors(`${folder}/${family}.safetensors`);
  const cases = JSON.parse(file.metadata.cases) as Omit<
    GoldenCase,
    "inputs" | "outputs" | "cotangents" | "gradients"
  >[];
  const under = (prefix: string): GoldenArrays =>
    Object.fromEntries(
      file.names.filter((n) => n.startsWith(prefix)).map((n) => [n.slice(prefix.length), file.read(n)]),
    );
  return cases.map((c) => ({
    ...c,
    inputs: under(`${c.name}/in/`),
    outputs: under(`${c.name}/out/`),
    cotangents: under(`${c.name}/cot/`),
    gradients: under(`${c.name}/grad/`),
  }));
}

/** What a comparison needs of ours: any array of numbers with a shape. */
export interface ComparedArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Says where `ours` is farther from `golden` than atol + rtol · |golden|; empty where it matches. */
export function difference(
  ours: ComparedArray | undefined,
  golden: NamedArray,
  { rtol, atol }: { rtol: number; atol: number },
): string {
  if (ours === undefined) return "missing";
  if (String(ours.shape) !== String(golden.shape)) return `shape [${ours.shape}], wanted [${golden.shape}]`;
  let [worst, worstAt, misses] = [0, -1, 0];
  for (let i = 0; i < golden.data.length; i++) {
    const [x, y] = [ours.data[i], golden.data[i]];
    const excess = Math.abs(x - y) / (atol + rtol * Math.abs(y));
    if (x === y || excess <= 1) continue;
    misses++;
    if (worstAt < 0 || !(excess <= worst)) [worst, worstAt] = [excess, i];
  }
  if (misses === 0) return "";
  return `${misses} of ${golden.data.length} values differ, at ${worstAt} it is ${ours.data[worstAt]}, wanted ` +
    `${golden.data[worstAt]} (${worst.toPrecision(3)} times the tolerance)`;
}
