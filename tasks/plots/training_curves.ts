/** The picture of training curves: a panel for each measure, a colour for each run. @module */
import { type Curve, curveOf, smoothed, thinned } from "./curves.ts";
import type { Chart } from "./draw.ts";
import type { PlottedRun } from "./runs.ts";
import { lineColours } from "./style.ts";

/** What the picture shows. */
export interface CurveOptions {
  /** Keys of metrics.jsonl, a panel each: `loss` shows `validLoss` as well. */
  readonly metrics: readonly string[];
  /** How far training values are smoothed, from 0 (not at all) to below 1. */
  readonly smooth: number;
  /** Stands above all; may be empty. */
  readonly title: string;
}

const [width, height] = [660, 190];
/** With so many points or fewer, each is marked. */
const fewPoints = 60;

type Kind = "training" | "validation";
/** A point of a line as vega takes it. */
type Point = { run: string; kind: Kind; step: number; value: number };

/** Keys that can be drawn: those with numbers, validation's aside, which go with theirs. */
export function plottableKeys(runs: readonly PlottedRun[]): string[] {
  const keys = new Set(runs.flatMap(({ rows }) => rows.flatMap((row) => Object.keys(row))));
  for (const none of ["step", ""]) keys.delete(none);
  const names = [...keys].map((key) => {
    const own = /^valid([A-Z])(.*)$/.exec(key);
    return own === null ? key : own[1].toLowerCase() + own[2];
  });
  return [...new Set(names)].filter((key) => runs.some(({ rows }) => pointsOf(rows, key).length > 0));
}

function pointsOf(rows: PlottedRun["rows"], key: string): Curve["steps"] {
  return [...curveOf(rows, key).steps, ...curveOf(rows, validKey(key)).steps];
}

/** `loss` → `validLoss`. */
export function validKey(key: string): string {
  return `valid${key[0].toUpperCase()}${key.slice(1)}`;
}

/** The chart. */
export function trainingCurves(runs: readonly PlottedRun[], { metrics, smooth, title }: CurveOptions): Chart {
  const names = runs.map(({ name }) => name);
  const last = metrics.length - 1;
  const lines = smooth > 0 ? `training smoothed (${smooth}), pale as measured` : "";
  return {
    ...(title || lines ? { title: { text: title, subtitle: lines } } : {}),
    vconcat: metrics.map((key, i) => panel(runs, { key, smooth, names, isLast: i === last })),
    spacing: 18,
    resolve: { scale: { x: "shared", color: "shared", strokeDash: "shared" } },
  };
}

function panel(
  runs: readonly PlottedRun[],
  { key, smooth, names, isLast }: { key: string; smooth: number; names: string[]; isLast: boolean },
): Chart {
  const raw: Point[] = [], drawn: Point[] = [];
  for (const { name, rows } of runs) {
    const training = curveOf(rows, key);
    const isSmooth = smooth > 0 && key !== "lr";
    if (isSmooth) raw.push(...pointList(training, name, "training"));
    drawn.push(...pointList(isSmooth ? smoothed(training, smooth) : training, name, "training"));
    drawn.push(...pointList(curveOf(rows, validKey(key)), name, "validation"));
  }
  const encoding = encodingOf(key, { names, isLast });
  const pale = { data: { values: raw }, mark: { type: "line", strokeWidth: 1, opacity: 0.25 }, encoding };
  const lines = { data: { values: drawn }, mark: { type: "line", strokeWidth: 1.8 }, encoding };
  const { strokeDash: _, ...plain } = encoding;
  const dots = {
    data: { values: dotted(drawn) },
    mark: { type: "point", filled: true, size: 26, opacity: 1 },
    encoding: plain,
  };
  return { width, height, layer: raw.length > 0 ? [pale, lines, dots] : [lines, dots] };
}

function pointList(curve: Curve, run: string, kind: Kind): Point[] {
  const { steps, values } = thinned(curve);
  return steps.map((step, i) => ({ run, kind, step, value: values[i] }));
}

/** The points of validation, which are measured at single steps, and of lines so short that they would not be seen. */
function dotted(points: readonly Point[]): Point[] {
  const lines = [...Map.groupBy(points, ({ run, kind }) => `${kind} ${run}`).values()];
  return lines.filter((line) => line.length === 1 || (line[0].kind === "validation" && line.length <= fewPoints))
    .flat();
}

function encodingOf(key: string, { names, isLast }: { names: string[]; isLast: boolean }): Chart {
  const { title, ...labels } = axisOf(key);
  return {
    x: {
      field: "step",
      type: "quantitative",
      title: isLast ? "Step" : null,
      axis: { labelExpr: stepLabel, tickCount: 8 },
    },
    y: {
      field: "value",
      type: "quantitative",
      title,
      scale: { zero: key === "lr" },
      axis: { tickCount: 5, minExtent: 46, ...labels },
    },
    color: {
      field: "run",
      type: "nominal",
      title: "Run",
      sort: null,
      scale: names.length <= lineColours.length
        ? { domain: names, range: lineColours.slice(0, names.length) }
        : { domain: names, scheme: { name: "viridis", count: names.length, extent: [0, 0.92] } },
      legend: { orient: "right", symbolType: "stroke", symbolStrokeWidth: 3, symbolOpacity: 1, labelLimit: 320 },
    },
    strokeDash: {
      field: "kind",
      type: "nominal",
      title: "Measured in",
      sort: null,
      scale: { domain: ["training", "validation"], range: [[1, 0], [5, 3]] },
      legend: { orient: "right", symbolType: "stroke", symbolStrokeWidth: 2, symbolOpacity: 1 },
    },
  };
}

/** Steps as 500, 1.5k, 2M. */
const stepLabel = "datum.value < 1000 ? format(datum.value, '~r') : format(datum.value, '~s')";
/** Rates as 0, 5e-4, 1e-3. */
const rateLabel = "datum.value === 0 ? '0' : format(datum.value, '~e')";

/** The title of a key's axis, and how its numbers are written. */
function axisOf(key: string): { title: string; format?: string; labelExpr?: string } {
  if (key === "lr") return { title: "Learning rate", labelExpr: rateLabel };
  const words = key.replaceAll(/[A-Z]/g, (letter) => " " + letter.toLowerCase());
  const title = words[0].toUpperCase() + words.slice(1);
  return /accuracy$/i.test(key) ? { title, format: "~%" } : { title };
}
