import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Screen, type ScreenOptions } from "../../train/progress.ts";
import { barText, formatField, lineText } from "../../train/progress_text.ts";

/** A screen that writes into memory, with a clock that the test turns. */
function memoryScreen(options: ScreenOptions) {
  const clock = { ms: 0 };
  const written = { out: "", err: "", all: "" };
  const screen = new Screen({
    writeOut: (text) => (written.out += text, written.all += text),
    writeErr: (text) => (written.err += text, written.all += text),
    columns: () => 120,
    now: () => clock.ms,
    ...options,
  });
  return { screen, clock, written };
}

const erase = "\x1b[K";

/** What a terminal shows after some output: lines, with `\r` and "erase to the end of the line" carried out. */
function shown(text: string): string[] {
  return text.split("\n").map((line) =>
    line.split("\r").reduce((before, part) => {
      return part.startsWith(erase) ? part.slice(erase.length) : part + before.slice(part.length);
    }, "")
  );
}

const state = {
  label: "Train",
  unit: "step",
  done: 800,
  total: 2000,
  elapsedSeconds: 65,
  rate: 12.3,
  fields: ["loss=1.2346", "accuracy=0.6500", "lr=9.5e-4"],
};

Deno.test("barText fits the terminal", () => {
  strictEqual(
    barText(state, 122),
    `Train:  40% |${"█".repeat(12)}${
      " ".repeat(18)
    }| 800/2000 [01:05<01:38, 12.3 step/s, loss=1.2346, accuracy=0.6500, lr=9.5e-4]`,
  );
  strictEqual(barText(state, 70), "Train:  40% 800/2000 [01:05<01:38, 12.3 step/s, loss=1.2346, accuracy…");
  for (let columns = 1; columns < 140; columns++) ok(barText(state, columns).length <= columns);
  strictEqual(barText({ ...state, total: undefined, fields: [] }, 80), "Train: 800 step [01:05, 12.3 step/s]");
  strictEqual(
    barText({ ...state, done: 0, rate: 0, fields: [] }, 56),
    `Train:   0% |${" ".repeat(8)}| 0/2000 [01:05<--:--, 0.00 step/s]`,
  );
});

Deno.test("lineText and formatField", () => {
  strictEqual(
    lineText(state),
    "Train: 40%, 800/2000, 12.3 step/s, 01:38 left, loss=1.2346, accuracy=0.6500, lr=9.5e-4",
  );
  strictEqual(
    lineText({ ...state, done: 2000, elapsedSeconds: 3725, fields: [] }),
    "Train: 100%, 2000/2000, 12.3 step/s, 1:02:05 in all",
  );
  deepStrictEqual([0.65, 0.00095, 20000, 0, "high", NaN].map(formatField), [
    "0.6500",
    "9.5e-4",
    "20000",
    "0",
    "high",
    "NaN",
  ]);
});

Deno.test("on a terminal, lines stand above the bar and nothing is garbled", () => {
  const { screen, clock, written } = memoryScreen({ isTerminal: true });
  screen.info("Use cpu now!");
  const bar = screen.bar({ label: "Train", total: 20, unit: "step" });
  clock.ms = 1000;
  bar.update(10, { loss: 0.5 });
  screen.log("Step 10, best model saved. (accuracy=0.9000)");
  clock.ms = 2000;
  bar.update(20, { accuracy: 1 });
  bar.finish();
  deepStrictEqual(shown(written.all), [
    "[Info]: Use cpu now!",
    "Step 10, best model saved. (accuracy=0.9000)",
    `Train: 100% |${"█".repeat(30)}| 20/20 [00:02<00:00, 10.0 step/s, loss=0.5000, accuracy=1]`,
    "",
  ]);
  strictEqual(written.out, "[Info]: Use cpu now!\nStep 10, best model saved. (accuracy=0.9000)\n", "stdout has no bar");
});

Deno.test("what a line quotes cannot steer the terminal", () => {
  const lines: string[] = [];
  const screen = new Screen({ writeOut: (text) => lines.push(text), writeErr: () => {}, isTerminal: false });
  screen.log("\x1b]0;title\x07 \x9b2J a\tb\n\rnaïve – 語");
  strictEqual(lines.join(""), "·]0;title· ·2J a\tb\n·naïve – 語\n");
});

Deno.test("a bar is not redrawn more often than ten times a second", () => {
  const { screen, clock, written } = memoryScreen({ isTerminal: true });
  using bar = screen.bar({ label: "Train", total: 1000, unit: "step" });
  for (let step = 1; step <= 1000; step++) {
    clock.ms = step;
    bar.update(step);
  }
  strictEqual(written.err.split("\r").length - 2, 10);
});

Deno.test("a second bar takes the place of the first, whose clock stands still meanwhile", () => {
  const { screen, clock, written } = memoryScreen({ isTerminal: true });
  const train = screen.bar({ label: "Train", total: 20, unit: "step" });
  clock.ms = 1000;
  train.update(10);
  const valid = screen.bar({ label: "Valid", total: 5, unit: "uttr", transient: true });
  clock.ms = 9000;
  valid.update(5);
  ok(shown(written.err).at(-1)?.startsWith("Valid: 100%"));
  valid.finish();
  valid.finish();
  strictEqual(
    shown(written.err).at(-1),
    `Train:  50% |${"█".repeat(15)}${" ".repeat(15)}| 10/20 [00:01<00:01, 10.0 step/s]`,
  );
  strictEqual(shown(written.err).length, 1, "the transient bar leaves no line");
});

Deno.test("off a terminal, a line every so often and one at the end, without control characters", () => {
  const { screen, clock, written } = memoryScreen({ isTerminal: false, lineSeconds: 10 });
  {
    using bar = screen.bar({ label: "Train", total: 400, start: 100, unit: "step" });
    for (let step = 101; step <= 400; step++) {
      clock.ms += 100;
      bar.update(step, { loss: 2 });
    }
  }
  deepStrictEqual(written.err.split("\n"), [
    "Train: 50%, 200/400, 10.0 step/s, 00:20 left, loss=2",
    "Train: 75%, 300/400, 10.0 step/s, 00:10 left, loss=2",
    "Train: 100%, 400/400, 10.0 step/s, 00:30 in all, loss=2",
    "",
  ]);
});

Deno.test("of quiet work nothing stays: its bar is wiped away, its lines are not shown", () => {
  for (const isTerminal of [true, false]) {
    const { screen, clock, written } = memoryScreen({ isTerminal });
    screen.log("before");
    const quiet = screen.quiet();
    const bar = quiet.bar({ label: "Train", total: 2, unit: "step" });
    clock.ms = 60_000;
    bar.update(1);
    quiet.log("Step 1");
    bar.finish();
    screen.log("after");
    strictEqual(written.err.includes("Train:  50%"), isTerminal);
    deepStrictEqual(shown(written.all), ["before", "after", ""]);
  }
});
