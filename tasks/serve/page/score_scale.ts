/// <reference lib="dom" />
/** Scores drawn against the threshold. @module */
import { scoreText } from "../../../train/verification/score_text.ts";
import { draw } from "./dom.ts";

/** Ends of a scale on which all scores lie, those of cosines always about the same. */
export function scaleOf(threshold: number, scores: readonly number[]): { readonly low: number; readonly high: number } {
  const all = [threshold, ...scores];
  const least = Math.min(...all), most = Math.max(...all);
  if (least >= -1 && most <= 1) return { low: Math.min(-0.2, least - 0.05), high: 1 };
  const margin = 0.1 * (most - least) + 0.5;
  return { low: least - margin, high: most + margin };
}

/** Where a value lies on a scale, in per cent. */
export function place(value: number, { low, high }: { readonly low: number; readonly high: number }): number {
  return 100 * Math.max(0, Math.min(1, (value - low) / (high - low)));
}

/** A score as text. */
export function showScore(score: number): string {
  return scoreText(score).replace("-", "−");
}

/** A line from "somebody else" to "the same", with the threshold and the score on it. */
export function scoreScale(
  { score, threshold, same }: { score: number; threshold: number; same: boolean },
): SVGElement {
  const scale = scaleOf(threshold, [score]);
  const at = place(score, scale), limit = place(threshold, scale);
  const percent = (value: number) => `${value}%`;
  const anchor = (x: number) => x < 20 ? "start" : x > 80 ? "end" : "middle";
  const label = `Score ${showScore(score)}, threshold ${showScore(threshold)}`;
  return draw(
    "svg",
    { class: "scale", role: "img", "aria-label": label },
    draw("rect", { class: "track-no", x: "0", y: "30", width: percent(limit), height: "14", rx: "7" }),
    draw("rect", {
      class: "track-yes",
      x: percent(limit),
      y: "30",
      width: percent(100 - limit),
      height: "14",
      rx: "7",
    }),
    draw("line", { class: "threshold", x1: percent(limit), x2: percent(limit), y1: "24", y2: "50" }),
    draw("circle", { class: same ? "needle yes" : "needle no", cx: percent(at), cy: "37", r: "10" }),
    draw("text", { class: "score", x: percent(at), y: "17", "text-anchor": anchor(at) }, showScore(score)),
    draw("text", { x: percent(limit), y: "66", "text-anchor": anchor(limit) }, `threshold ${showScore(threshold)}`),
    draw("text", { x: "0", y: "80", "text-anchor": "start" }, "somebody else"),
    draw("text", { x: "100%", y: "80", "text-anchor": "end" }, "the same"),
  );
}
