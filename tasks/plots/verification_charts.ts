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
  const least = 0.4 / Math.max(trials.target, trials.nontarget); // what is below cannot be measured
  const inside = curves.det.filter(({ far, frr }) => far < 0.995 && frr < 0.995);
  const shares = inside.flatMap(({ far, frr }) => [far, frr]).filter((share) => share > 0);
  const low = Math.max(0.00005, Math.min(0.01, ...shares, least * 2) * 0.7);
  const high = Math.min(0.995, Math.max(0.1, 1.6 * eer.value + 0.15));
  const [from, to] = [probit(low), probit(high)];
  const place = ({ far, frr }: { far: number; frr: number }) => ({
    x: clamp(probit(far), from),
    y: clamp(probit(frr), from),
  });
  const curve = inside.map((point, i) => ({ ...place(point), i })).filter(({ x, y }) => x <= to + 0.5 && y <= to + 0.5);
  const marked = points.map(({ name, far, frr }) => ({
    ...place({ far: far.value, frr: frr.value }),
    what: `${pointTitle(name)}: ${rounded(far.value)} / ${rounded(frr.value)}`,
  })).filter(({ x, y }) => x <= to && y <= to);
  const axis = (title: string) => ({
    type: "quantitative",
    title,
    scale: { domain: [from, to], nice: false, zero: false },
    axis: { values: ticks.map(probit).filter((t) => t >= from && t <= to), labelExpr: tickLabels() },
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
      layer(marked, { type: "point", filled: true, size: 90, opacity: 1 }, {
        x,
        y,
        color: legend(marked.map(({ what }) => what), "accepted / rejected wrongly"),
        shape: { field: "what", type: "nominal", sort: null, title: "accepted / rejected wrongly" },
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
    sweep.flatMap((row) => of(row) === null ? [] : [{ name, t: row.threshold, value: Math.min(1.02, of(row)!) }])
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
  const named = marks.map((mark) => ({ ...mark, what: `${mark.what} at ${mark.t.toFixed(3)}` }));
  const x = { field: "t", type: "quantitative", title: "Threshold", scale: { zero: false, nice: false } };
  const y = {
    field: "value",
    type: "quantitative",
    title: "Share (of the cost: up to 1)",
    scale: { domain: [0, 1.02] },
    axis: { tickCount: 6 },
  };
  const names = lines.map(([name]) => name);
  return {
    width: 640,
    height: 330,
    layer: [
      layer(values, { type: "line", strokeWidth: 1.8, clip: true }, {
        x,
        y,
        color: {
          field: "name",
          type: "nominal",
          title: null,
          scale: { domain: names, range: lines.map(([, colour]) => colour) },
        },
      }),
      layer(named, { type: "point", filled: true, size: 110, opacity: 1, stroke: "white", strokeWidth: 1 }, {
        x,
        y,
        fill: { ...legend(named.map(({ what }) => what), "Marked", ["#D00000", "#0040D0", yellow]) },
        shape: { field: "what", type: "nominal", sort: null, title: "Marked" },
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
      layer(values, { type: "bar", opacity: 0.6, binSpacing: 0 }, {
        x,
        x2: { field: "to" },
        y: {
          field: "share",
          type: "quantitative",
          title: "Share of the trials of each kind",
          stack: null,
          axis: { format: "%" },
        },
        color: legend(kinds.map(([kind]) => kind), null, [orange, blue], "kind"),
      }),
      layer(threshold, { type: "rule", stroke: ink, strokeWidth: 1.5, strokeDash: [5, 4] }, { x }),
      layer(threshold, { type: "text", align: "left", dx: 6, baseline: "top", fill: ink, fontSize: 11 }, {
        x,
        y: { value: 2 },
        text: { field: "text" },
      }),
    ],
  };
}

function layer(values: readonly object[], mark: object, encoding: object): Chart {
  return { data: { values }, mark, encoding };
}

function legend(
  names: readonly string[],
  title: string | null,
  range = [orange, ink, green, pink, sky, yellow],
  field = "what",
) {
  return {
    field,
    type: "nominal",
    title,
    sort: null,
    scale: { domain: names, range: range.slice(0, names.length) },
    legend: { labelLimit: 340 },
  };
}

function clamp(x: number, least: number): number {
  return Math.max(x, least);
}

/** The label of each tick: a chain of questions which it is. */
function tickLabels(): string {
  return ticks.reduceRight(
    (rest, share) => `abs(datum.value - ${probit(share)}) < 1e-6 ? '${rounded(share)}' : ${rest}`,
    "''",
  );
}

/** 0.0123 → "1.23 %", 0.02 → "2 %". */
function rounded(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
