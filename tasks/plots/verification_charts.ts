/** Pictures of a verifier: both errors against each other, all rates over the threshold, and how scores are spread. @module */
import { probit } from "../../train/metrics/probit.ts";
import type { VerificationReport } from "../../train/verification/report.ts";
import { scoreText } from "../../train/verification/score_text.ts";
import { pointTitle } from "../../train/verification/text_report.ts";
import type { Chart } from "./draw.ts";

const [blue, orange, green, pink, yellow, sky, ink] = [
  ...["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333"],
];

/** The largest share that a DET curve shows. */
const MOST = 0.995;
/** Shares that the axes of a DET curve name. */
const ticks = [0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99];

/** False rejections against false acceptances on probit axes; down and to the left is better. */
export function detChart(report: VerificationReport): Chart {
  const [from, to] = detRange(report).map(probit);
  const place = (far: number, frr: number) => ({ x: Math.max(probit(far), from), y: Math.max(probit(frr), from) });
  const curve = report.curves.det.map(({ far, frr }, i) => ({ ...place(far, frr), i }))
    .filter(({ x, y }) => Math.max(x, y) <= to + 1);
  const marked = report.points.map(({ name, far, frr }) => ({
    ...place(Math.min(far.value, MOST), Math.min(frr.value, MOST)),
    what: `${pointTitle(name)}: accepts ${rounded(far.value)}, rejects ${rounded(frr.value)}`,
  }));
  const x = { field: "x", ...detAxis("Different speakers accepted", [from, to]) };
  const y = { field: "y", ...detAxis("Same speaker rejected", [from, to]) };
  const ends = [{ x: from, y: from }, { x: to, y: to }];
  return {
    width: 440,
    height: 440,
    layer: [
      layer(ends, { type: "line", stroke: "#AAAAAA", strokeDash: [4, 4] }, { x, y }),
      layer(curve, { type: "line", stroke: blue, strokeWidth: 2, clip: true }, { x, y, order: { field: "i" } }),
      layer(marked, { type: "point", filled: true, size: 100, opacity: 1 }, { x, y, ...marks("color", marked) }),
    ],
  };
}

/** The shares that the picture shows: from what can hardly be measured to a little more than the marked points have. */
function detRange({ eer, points, trials }: VerificationReport): [number, number] {
  const rates = points.flatMap(({ far, frr }) => [far.value, frr.value]);
  const least = 0.5 / Math.max(trials.target, trials.nontarget);
  return [
    Math.max(0.00005, Math.min(0.01, least, eer.value === 0 ? 1 : eer.value / 4)),
    Math.min(MOST, Math.max(0.1, 1.6 * eer.value, 1.3 * Math.max(...rates))),
  ];
}

function detAxis(title: string, [from, to]: readonly [number, number]) {
  const values = ticks.map(probit).filter((t) => t >= from && t <= to);
  return {
    type: "quantitative",
    title,
    scale: { domain: [from, to], nice: false, zero: false },
    axis: { values, labelExpr: tickLabels(), labelOverlap: false },
  };
}

/** FAR, FRR, cost, precision, recall and F1 over the threshold; marked: equal errors, least cost, highest F1. */
export function thresholdChart(report: VerificationReport): Chart {
  const { curves: { sweep }, protocol } = report;
  const lines: [string, string, (row: (typeof sweep)[number]) => number | null][] = [
    ["False acceptances", orange, ({ far }) => far],
    ["False rejections", blue, ({ frr }) => frr],
    [protocol === "s4" ? "DCF (S4)" : "DCF (p = 0.01)", ink, ({ dcf }) => dcf],
    ["Precision", green, ({ precision }) => precision],
    ["Recall", sky, ({ recall }) => recall],
    ["F1", pink, ({ f1 }) => f1],
  ];
  const values = lines.flatMap(([name, , of]) =>
    sweep.flatMap((row) => of(row) === null ? [] : [{ name, t: row.threshold, value: of(row)! }])
  );
  const marked = threePoints(report);
  const x = { field: "t", type: "quantitative", title: "Threshold", scale: { zero: false, nice: false } };
  const [scale, axis] = [{ domain: [0, 1] }, { tickCount: 6 }];
  const y = { field: "value", type: "quantitative", title: "Share, or cost", scale, axis };
  const range = lines.map(([, colour]) => colour);
  const color = named(lines.map(([name]) => name), { range, field: "name", columns: 2 });
  const dots = { type: "point", filled: true, size: 110, opacity: 1, stroke: "white", strokeWidth: 1 };
  return {
    width: 620,
    height: 330,
    layer: [
      layer(values, { type: "line", strokeWidth: 1.8, clip: true }, { x, y, color }),
      layer(marked, dots, { x, y, ...marks("fill", marked, ["#D00000", "#0040D0", yellow]) }),
    ],
  };
}

/** The protocol's own equal error rate, least cost and highest F1. */
function threePoints({ eer, minDcf: [cost], points, s4 }: VerificationReport) {
  const best = points.find(({ name }) => name === "f1")!;
  const three = s4 ?? { eer, minDcf: cost, maxF1: { value: best.f1, threshold: best.threshold } };
  const point = (name: string, { value, threshold: t }: { value: number; threshold: number }, shown: string) => {
    return { what: `${name} ${shown} at ${scoreText(t)}`, t, value };
  };
  return [
    point("EER", three.eer, rounded(three.eer.value)),
    point("Min DCF", three.minDcf, three.minDcf.value.toFixed(4)),
    point("Max F1", three.maxF1, three.maxF1.value.toFixed(3)),
  ];
}

/** How the scores of either kind are spread, and the chosen threshold. */
export function histogramChart({ curves: { histogram }, points: [chosen] }: VerificationReport): Chart {
  const kinds = [
    ["Different speakers", histogram.nontarget],
    ["Same speaker", histogram.target],
  ] as const;
  const values = kinds.flatMap(([kind, shares]) =>
    shares.map((share, i) => ({ kind, from: histogram.edges[i], to: histogram.edges[i + 1], share }))
  );
  const x = {
    field: "from",
    type: "quantitative",
    title: "Score",
    scale: { zero: false, nice: false },
    axis: { grid: false },
  };
  const threshold = [{ from: chosen.threshold, text: `${pointTitle(chosen.name)}: ${scoreText(chosen.threshold)}` }];
  return {
    width: 640,
    height: 260,
    layer: [
      layer(values, { type: "rect", opacity: 0.6 }, {
        x,
        x2: { field: "to" },
        y: { field: "share", type: "quantitative", title: "Share of the trials of each kind", axis: { format: ".0%" } },
        y2: { datum: 0 },
        color: named(kinds.map(([kind]) => kind), { range: [orange, blue], field: "kind", columns: 2 }),
      }),
      layer(threshold, { type: "rule", stroke: ink, strokeWidth: 1.5, strokeDash: [5, 4] }, { x }),
      layer(threshold, { type: "text", baseline: "bottom", fill: ink, fontSize: 11 }, {
        x,
        y: { value: -4 },
        text: { field: "text" },
      }),
    ],
  };
}

function layer(values: readonly object[], mark: object, encoding: object): Chart {
  return { data: { values }, mark, encoding };
}

/** The colour (of one kind) and the shape of marked points, by what they are. */
function marks(channel: "color" | "fill", points: readonly { what: string }[], range?: readonly string[]) {
  const shape = { field: "what", type: "nominal", sort: null, title: null, legend: below(1) };
  return { [channel]: named(points.map(({ what }) => what), { range }), shape };
}

/** Options of {@linkcode named}. */
interface NamedOptions {
  readonly range?: readonly string[];
  readonly field?: string;
  /** Of the legend. */
  readonly columns?: number;
}

/** Colours by name, in the order of the names. */
function named(
  names: readonly string[],
  { range = [orange, ink, green, pink, sky, yellow], field = "what", columns = 1 }: NamedOptions = {},
) {
  const scale = { domain: names, range: range.slice(0, names.length) };
  return { field, type: "nominal", title: null, sort: null, scale, legend: below(columns) };
}

/** A legend below the chart, where it takes no width. (Without a canvas widths of texts are guessed, far too high: hence the limit.) */
function below(columns: number) {
  return { orient: "bottom", columns, labelLimit: 800 };
}

/** The label of each tick: a chain of questions which it is. */
function tickLabels(): string {
  return ticks.reduceRight(
    (rest, share) => `abs(datum.value - ${probit(share)}) < 1e-6 ? '${rounded(share)}' : ${rest}`,
    "''",
  );
}

/** 0.01234 → "1.23 %", 0.02 → "2 %", 0.000667 → "0.07 %". */
function rounded(share: number): string {
  return `${Number((share * 100).toPrecision(share < 0.001 ? 1 : 3))} %`;
}
