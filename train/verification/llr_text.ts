/** How a fit of log-likelihood ratios reads in reports. @module */
import type { LlrCalibration } from "./llr.ts";

/** `−6.21 + 14.3 · score + 0.41 · ln of the shorter − 0.11 · ln of the longer duration; prior 0.5, fitted on these trials`. */
export function llrText({ bias, weight, duration, prior }: LlrCalibration): string {
  const terms: [number, string][] = [[weight, "score"]];
  if (duration !== null) {
    terms.push([duration.shorter, "ln of the shorter"], [duration.longer, "ln of the longer duration"]);
  }
  const sum = terms.map(([x, name]) => ` ${x < 0 ? "−" : "+"} ${number(Math.abs(x))} · ${name}`).join("");
  return `${number(bias).replace("-", "−")}${sum}; prior ${prior}, fitted on these trials`;
}

function number(x: number): string {
  return String(Number(x.toPrecision(3)));
}
