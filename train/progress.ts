/**
 * What a long task shows: lines of text on stdout, and progress on stderr; on a terminal a bar that is redrawn in place,
 * elsewhere a line every so often.
 * @module
 */
import { printable } from "./printable.ts";
import { barText, formatField, lineText } from "./progress_text.ts";

/** Settings of {@linkcode Screen}; the defaults are this process's own outputs. */
export interface ScreenOptions {
  /** Takes whole lines. */
  readonly writeOut?: (text: string) => void;
  /** Takes progress. */
  readonly writeErr?: (text: string) => void;
  /** Whether progress can be redrawn in place; default: whether stderr is a terminal. */
  readonly isTerminal?: boolean;
  /** Width of the terminal in characters; default: its width whenever something is drawn. */
  readonly columns?: () => number;
  /** Milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /** Seconds between two lines of progress where there is no terminal; default 10. */
  readonly lineSeconds?: number;
}

/** Settings of {@linkcode Screen.bar}. */
export interface BarOptions {
  /** What is going on: `Train`. */
  readonly label: string;
  /** Units in all; leave out where that is not known. */
  readonly total?: number;
  /** What is counted: `step`, `uttr`. */
  readonly unit: string;
  /** Units done before this bar began, as in a resumed run; default 0. */
  readonly start?: number;
  /** Wipe the bar away when it ends, instead of leaving its last state to be read; default false. */
  readonly transient?: boolean;
}

/** Values shown after the bar: numbers are shortened, texts shown as they are. */
export type BarFields = Readonly<Record<string, number | string>>;

/** Back to the start of the line and wipe it, on a terminal. */
const eraseLine = "\r\x1b[K";
/** Milliseconds between two drawings of a bar, so that drawing costs nothing. */
const redrawMs = 100;
/** The rate is that of so many last seconds. */
const rateWindowMs = 10_000;

/**
 * The one place that a task writes to while it runs, so that text lines and bars do not garble one another.
 *
 * @example
 * ```ts
 * import { Screen } from "./progress.ts";
 *
 * const screen = new Screen();
 * screen.info("Finish loading data!");
 * using bar = screen.bar({ label: "Train", total: 100, unit: "step" });
 * for (let step = 1; step <= 100; step++) bar.update(step, { loss: 1 / step });
 * ```
 */
export class Screen {
  readonly #options: Required<ScreenOptions>;
  /** Bars not yet finished; the last one is shown. */
  readonly #bars: Bar[] = [];

  /** Makes a screen; it writes nothing yet. */
  constructor(options: ScreenOptions = {}) {
    this.#options = {
      writeOut: (text) => writeTo(Deno.stdout, text),
      writeErr: (text) => writeTo(Deno.stderr, text),
      isTerminal: options.isTerminal ?? Deno.stderr.isTerminal(),
      columns: terminalColumns,
      now: () => performance.now(),
      lineSeconds: 10,
      ...options,
    };
  }

  /** Writes a line of text, above the bar where there is one. */
  log(line: string): void {
    const shown = this.#bars.at(-1);
    if (this.#options.isTerminal && shown) this.#options.writeErr(eraseLine);
    this.#options.writeOut(printable(line) + "\n");
    shown?.draw();
  }

  /** Writes a line about the state of things: `[Info]: …`. */
  info(text: string): void {
    this.log(`[Info]: ${text}`);
  }

  /** A screen for work of which nothing is to stay: its lines are not shown, its bars only on a terminal until they end. */
  quiet(): Screen {
    const { isTerminal, writeErr } = this.#options;
    const wiped = (text: string) => writeErr(text.replace("\n", eraseLine));
    return new Screen({ ...this.#options, writeOut: () => {}, writeErr: isTerminal ? wiped : () => {} });
  }

  /**
   * Starts a bar. One started while another runs takes its place until it ends; meanwhile the other's clock stands still.
   */
  bar(options: BarOptions): Bar {
    this.#bars.at(-1)?.pause();
    const bar = new Bar(options, this.#options, () => {
      const wasShown = this.#bars.at(-1) === bar;
      this.#bars.splice(this.#bars.indexOf(bar), 1);
      if (wasShown) this.#bars.at(-1)?.resume();
    });
    this.#bars.push(bar);
    bar.draw();
    return bar;
  }
}

/** One counted piece of work; made by {@linkcode Screen.bar}. */
export class Bar implements Disposable {
  readonly #bar: BarOptions;
  readonly #screen: Required<ScreenOptions>;
  readonly #onEnd: () => void;
  readonly #startedAt: number;
  /** The last seconds' (time, done) pairs, oldest first. */
  readonly #recent: [number, number][] = [];
  #done: number;
  #fields: BarFields = {};
  #shownAt: number;
  #pausedAt: number | undefined;
  #pausedMs = 0;
  #lastLine = "";
  #ended = false;

  /** Use {@linkcode Screen.bar} instead. */
  constructor(bar: BarOptions, screen: Required<ScreenOptions>, onEnd: () => void) {
    this.#bar = bar;
    this.#screen = screen;
    this.#onEnd = onEnd;
    this.#done = bar.start ?? 0;
    this.#startedAt = this.#shownAt = screen.now();
    this.#recent.push([0, this.#done]);
  }

  /** Says that so many units are done in all; fields left out keep their value. */
  update(done: number, fields: BarFields = {}): void {
    this.#done = done;
    this.#fields = { ...this.#fields, ...fields };
    const now = this.#screen.now();
    const wait = this.#screen.isTerminal ? redrawMs : this.#screen.lineSeconds * 1000;
    if (now - this.#shownAt < wait || this.#pausedAt !== undefined) return;
    this.#remember();
    this.#shownAt = now;
    if (this.#screen.isTerminal) this.draw();
    else this.#writeLine();
  }

  /** Changes fields from now on, whatever has been done meanwhile. */
  note(fields: BarFields): void {
    this.#fields = { ...this.#fields, ...fields };
  }

  /** Ends the bar, leaving its last state as a line unless it is transient. Does nothing the second time. */
  finish(fields: BarFields = {}): void {
    if (this.#ended) return;
    this.#fields = { ...this.#fields, ...fields };
    this.#remember();
    const { isTerminal, writeErr } = this.#screen;
    if (isTerminal && this.#bar.transient) writeErr(eraseLine);
    else if (!this.#bar.transient) this.#writeLine();
    this.#ended = true;
    this.#onEnd();
  }

  /** Ends the bar, at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.finish();
  }

  /** Draws the bar now, on a terminal. */
  draw(): void {
    if (!this.#screen.isTerminal || this.#ended) return;
    this.#screen.writeErr(eraseLine + barText(this.#state(), this.#screen.columns() - 1));
  }

  /** Stops the clock while another bar is shown. */
  pause(): void {
    this.#pausedAt ??= this.#screen.now();
  }

  /** Lets the clock go on, and shows the bar again. */
  resume(): void {
    if (this.#pausedAt !== undefined) this.#pausedMs += this.#screen.now() - this.#pausedAt;
    this.#pausedAt = undefined;
    this.draw();
  }

  /** The state as a line that stays; the same line is not written twice. */
  #writeLine(): void {
    this.draw();
    const line = lineText(this.#state());
    if (this.#screen.isTerminal) this.#screen.writeErr("\n");
    else if (line !== this.#lastLine) this.#screen.writeErr(line + "\n");
    this.#lastLine = line;
  }

  #elapsedMs(): number {
    return (this.#pausedAt ?? this.#screen.now()) - this.#startedAt - this.#pausedMs;
  }

  #remember(): void {
    const elapsed = this.#elapsedMs();
    this.#recent.push([elapsed, this.#done]);
    while (this.#recent.length > 2 && this.#recent[1][0] < elapsed - rateWindowMs) this.#recent.shift();
  }

  #state() {
    const { label, total, unit } = this.#bar;
    const [time, done] = this.#recent[0];
    const elapsedMs = this.#elapsedMs();
    const rate = elapsedMs > time ? (this.#done - done) / (elapsedMs - time) * 1000 : 0;
    const fields = Object.entries(this.#fields).map(([name, value]) => `${name}=${formatField(value)}`);
    return { label, total, unit, done: this.#done, elapsedSeconds: elapsedMs / 1000, rate, fields };
  }
}

function writeTo(output: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += output.writeSync(bytes.subarray(done));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // nobody reads on (`… | head`): the work goes on
  }
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80; // a terminal that does not tell its size
  }
}
