/** Pictures of a verifier: both errors against each other, all rates over the threshold, and how scores are spread. @module */
import { probit } from "../../train/metrics/probit.ts";
import type { VerificationReport } from "../../train/verification/report.ts";
import { pointTitle } from "../../train/verification/text_report.ts";
import type { Chart } from "./draw.ts";

const [blue, orange, green, pink, yellow, sky, ink] = [
  ...["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333"],
];

/** Shares that the axes of a DET curve name. */
const ticks = [0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99];

/** False rejections against false acceptances on probit axes; down and to the left is better. */
export function detChart({ curves, eer, points, trials }: VerificationReport): Chart {
  const rates = points.map(({ far, frr }) => [far.value, frr.value]);
  const least = 0.5 / Math.max(trials.target, trials.nontarget); // less cannot be measured
  const low = Math.max(0.00005, Math.min(0.01, least, eer.value === 0 ? 1 : eer.value / 4));
  const high = Math.min(0.995, Math.max(0.1, 1.6 * eer.value, 1.3 * Math.max(...rates.flat())));
  const [from, to] = [probit(low), probit(high)];
  const place = (far: number, frr: number) => ({ x: Math.max(probit(far), from), y: Math.max(probit(frr), from) });
  const curve = curves.det.map(({ far, frr }, i) => ({ ...place(far, frr), i }))
    .filter(({ x, y }) => Number.isFinite(x + y) && Math.max(x, y) <= to + 1);
  const marked = points.map(({ name, far, frr }) => ({
    ...place(far.value, frr.value),
    what: `${pointTitle(name)}: accepts ${rounded(far.value)}, rejects ${rounded(frr.value)}`,
  }));
  const axis = (title: string) => ({
    type: "quantitative",
    title,
    scale: { domain: [from, to], nice: false, zero: false },
    axis: {
      values: ticks.map(probit).filter((t) => t >= from && t <= to),
      labelExpr: tickLabels(),
      labelOverlap: false,
    },
  });
  const [x, y] = [{ field: "x", ...axis("Different speakers accepted") }, {
    field: "y",
    ...axis("Same speaker rejected"),
  }];
  return {
    width: 440,
    height: 440,
    layer: [
      layer([{ x: from, y: from }, { x: to, y: to }], { type: "line", stroke: "#AAAAAA", strokeDash: [4, 4] }, {
        x,
        y,
      }),
      layer(curve, { type: "line", stroke: blue, strokeWidth: 2, clip: true }, { x, y, order: { field: "i" } }),
      layer(marked, { type: "point", filled: true, size: 100, opacity: 1 }, {
        x,
        y,
        color: named(marked.map(({ what }) => what)),
        shape: { field: "what", type: "nominal", sort: null, title: null, legend: below(1) },
      }),
    ],
  };
}

/** FAR, FRR, cost, precision, recall and F1 over the threshold; marked: equal errors, least cost, highest F1. */
export function thresholdChart({ curves: { sweep }, eer, minDcf, points, s4, protocol }: VerificationReport): Chart {
  const costName = protocol === "s4" ? "DCF (S4)" : "DCF (p = 0.01)";
  const lines: [string, string, (row: (typeof sweep)[number]) => number | null][] = [
    ["False acceptances", orange, ({ far }) => far],
    ["False rejections", blue, ({ frr }) => frr],
    [costName, ink, ({ dcf }) => dcf],
    ["Precision", green, ({ precision }) => precision],
    ["Recall", sky, ({ recall }) => recall],
    ["F1", pink, ({ f1 }) => f1],
  ];
  const values = lines.flatMap(([name, , of]) =>
    sweep.flatMap((row) => of(row) === null ? [] : [{ name, t: row.threshold, value: of(row)! }])
  );
  const f1 = points.find(({ name }) => name === "f1")!;
  const marks = s4 === null
    ? [
      { what: `EER ${rounded(eer.value)}`, t: eer.threshold, value: eer.value },
      { what: `Min DCF ${minDcf[0].value.toFixed(3)}`, t: minDcf[0].threshold, value: minDcf[0].value },
      { what: `Max F1 ${f1.f1.toFixed(3)}`, t: f1.threshold, value: f1.f1 },
    ]
    : [
      { what: `EER ${rounded(s4.eer.value)}`, t: s4.eer.threshold, value: s4.eer.value },
      { what: `Min DCF ${s4.minDcf.value.toFixed(4)}`, t: s4.minDcf.threshold, value: s4.minDcf.value },
      { what: `Max F1 ${s4.maxF1.value.toFixed(3)}`, t: s4.maxF1.threshold, value: s4.maxF1.value },
    ];
  const marked = marks.map((mark) => ({ ...mark, what: `${mark.what} at ${mark.t.toFixed(3)}` }));
  const x = { field: "t", type: "quantitative", title: "Threshold", scale: { zero: false, nice: false } };
  const y = {
    field: "value",
    type: "quantitative",
    title: "Share, or cost",
    scale: { domain: [0, 1], clamp: false },
    axis: { tickCount: 6 },
  };
  const [names, colours] = [lines.map(([name]) => name), lines.map(([, colour]) => colour)];
  return {
    width: 620,
    height: 330,
    layer: [
      layer(values, { type: "line", strokeWidth: 1.8, clip: true }, {
        x,
        y,
        color: named(names, { range: colours, field: "name", columns: 2 }),
      }),
      layer(marked, { type: "point", filled: true, size: 110, opacity: 1, stroke: "white", strokeWidth: 1 }, {
        x,
        y,
        fill: named(marked.map(({ what }) => what), { range: ["#D00000", "#0040D0", yellow] }),
        shape: { field: "what", type: "nominal", sort: null, title: null, legend: below(1) },
      }),
    ],
    resolve: { scale: { color: "independent" } },
  };
}

/** How the scores of either kind are spread, and the chosen threshold. */
export function histogramChart({ curves: { histogram }, points: [chosen] }: VerificationReport): Chart {
  const kinds: [string, readonly number[]][] = [["Different speakers", histogram.nontarget], [
    "Same speaker",
    histogram.target,
  ]];
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
  const threshold = [{ from: chosen.threshold, text: `${pointTitle(chosen.name)}: ${chosen.threshold.toFixed(3)}` }];
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
