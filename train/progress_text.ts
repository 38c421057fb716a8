/** The texts of progress bars and lines. @module */

/** Where a piece of work stands. */
export interface ProgressState {
  readonly label: string;
  readonly unit: string;
  readonly done: number;
  readonly total?: number;
  readonly elapsedSeconds: number;
  /** Units a second, lately. */
  readonly rate: number;
  /** `name=value` each. */
  readonly fields: readonly string[];
}

/** Characters of the bar itself at most, and the fewest that still look like one. */
const widest = 30, narrowest = 5;

/**
 * One line of at most `columns` characters:
 * `Train:  40% |████████            | 800/2000 [01:05<01:38, 12.3 step/s, loss=1.2346, accuracy=0.6500]`.
 * What comes last is cut where the terminal is too narrow.
 */
export function barText(state: ProgressState, columns: number): string {
  const { label, done, total, elapsedSeconds, fields } = state;
  const details = [rateText(state), ...fields].join(", ");
  if (total === undefined) {
    return cut(`${label}: ${done} ${state.unit} [${clock(elapsedSeconds)}, ${details}]`, columns);
  }
  const part = total > 0 ? Math.min(1, done / total) : 1;
  const left = `${label}: ${String(Math.floor(part * 100)).padStart(3)}% `;
  const right = ` ${done}/${total} [${clock(elapsedSeconds)}<${clock(secondsLeft(state))}, ${details}]`;
  const width = Math.min(widest, columns - left.length - right.length - 2);
  if (width < narrowest) return cut(left.trimEnd() + right, columns);
  const full = Math.floor(part * width);
  return `${left}|${"█".repeat(full)}${" ".repeat(width - full)}|${right}`;
}

/** The same for a log file: `Train: 40%, 800/2000, 12.3 step/s, 01:38 left, loss=1.2346, accuracy=0.6500`. */
export function lineText(state: ProgressState): string {
  const { label, done, total, unit, elapsedSeconds, fields } = state;
  const rest = secondsLeft(state);
  const time = total !== undefined && done < total ? `${clock(rest)} left` : `${clock(elapsedSeconds)} in all`;
  const count = total === undefined
    ? `${done} ${unit}`
    : `${Math.floor(100 * done / Math.max(1, total))}%, ${done}/${total}`;
  return `${label}: ${[count, rateText(state), time, ...fields].join(", ")}`;
}

/** 0.65 → `0.6500`, 0.00095 → `9.5e-4`, 20000 → `20000`. */
export function formatField(value: number | string): string {
  if (typeof value === "string" || Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  return Math.abs(value) < 1e-2 ? value.toExponential(1) : value.toFixed(4);
}

function rateText({ rate, unit }: ProgressState): string {
  return `${rate >= 100 ? rate.toFixed(0) : rate >= 10 ? rate.toFixed(1) : rate.toFixed(2)} ${unit}/s`;
}

function secondsLeft({ done, total = 0, rate }: ProgressState): number {
  return done >= total ? 0 : rate > 0 ? (total - done) / rate : NaN;
}

/** 65 → `01:05`, 3725 → `1:02:05`. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "--:--";
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return `${hours > 0 ? `${hours}:` : ""}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : text.slice(0, Math.max(0, columns - 1)) + "…";
}
