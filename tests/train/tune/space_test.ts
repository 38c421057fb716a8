import { deepStrictEqual, match, notDeepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { Random } from "../../../data/random.ts";
import { axisText, draw, parseAxis, parseChoices } from "../../../train/tune/axis.ts";
import { parseSpace, pointsOf } from "../../../train/tune/space.ts";

/** Many draws from an axis. */
function draws(text: string, count = 4000): number[] {
  const random = new Random(1);
  return Array.from({ length: count }, () => Number(draw(parseAxis(text), random)));
}

Deno.test("tune: values are checked by the key's field; keys in camelCase or as flags", () => {
  deepStrictEqual(parseChoices("lr=1e-3,5e-4"), { key: "lr", values: [0.001, 0.0005] });
  deepStrictEqual(parseChoices("d-model=80, 160"), { key: "dModel", values: [80, 160] });
  deepStrictEqual(parseChoices("--norm-first=false,true"), { key: "normFirst", values: [false, true] });
  deepStrictEqual(parseChoices("pooling=mean,attentive").values, ["mean", "attentive"]);
  deepStrictEqual(parseChoices("betas=0.9,0.999;0.8,0.99").values, [[0.9, 0.999], [0.8, 0.99]]);
  deepStrictEqual(parseChoices("betas=0.9,0.999").values, [[0.9, 0.999]]);
  deepStrictEqual(parseChoices("testFold=1,2;3").values, ["1,2", "3"]);
});

Deno.test("tune: what cannot be searched is refused with the reason", () => {
  const refused = (text: string, message: RegExp, kind: typeof RangeError | typeof SyntaxError = RangeError) => {
    throws(() => parseChoices(text), (error) => error instanceof kind && (match(error.message, message), true));
  };
  refused("lr", /^Cannot search over "lr": expected a key with values, as in lr=1e-3,5e-4$/, SyntaxError);
  refused("=3", /^Cannot search over "=3": expected a key/, SyntaxError);
  refused("total-stps=3", /"total-stps": there is no such key; did you mean "totalSteps"/, SyntaxError);
  refused("constructor=3", /there is no such key/, SyntaxError);
  refused("lr=1e-3,fast", /^Cannot search over lr with "fast": expected a number above 0$/);
  refused("lr=1e-4..1e-2", /with "1e-4\.\.1e-2": expected a number above 0; a range goes with --random$/);
  refused("lr=", /^Cannot search over lr with "": expected/);
  refused("dModel=80,80.5", /^Cannot search over dModel with "80\.5": expected a whole number of at least 1$/);
  refused("lr=1e-3,0.001", /^Cannot search over lr: 0\.001 stands there twice$/);
  refused("out=a,b", /^Cannot search over out: each trial has a folder of its own$/);
  refused("recipe=a,b", /^Cannot search over recipe: /);
  throws(
    () => parseAxis("lr=1e-2..1e-4"),
    /^RangeError: Cannot search over lr from 0\.01 to 0\.0001: the range is empty$/,
  );
  throws(() => parseAxis("lr=0..1"), /^RangeError: Cannot search over lr from "0": expected a number above 0$/);
  throws(() => parseAxis("pooling=a..b"), /^RangeError: Cannot search over pooling from "a": expected one of "mean"/);
  throws(() => parseSpace({}), /Cannot search: nothing is varied; give --grid or --random/);
  throws(() => parseSpace({ grid: ["lr=1"], random: ["lr=1..2"], trials: 2 }), /over lr: it is given twice/);
  throws(() => parseSpace({ random: ["lr=1..2"] }), /how often is not said; give --trials N/);
  throws(() => parseSpace({ grid: ["lr=1,2"], trials: 2 }), /Cannot use --trials: /);
});

Deno.test("tune: a grid is all combinations, the last key fastest", () => {
  const space = parseSpace({ grid: ["lr=1,2", "dModel=3,4,5"] });
  const points = pointsOf(space, 0);
  strictEqual(points.length, 6);
  deepStrictEqual(points.slice(0, 4), [
    { lr: 1, dModel: 3 },
    { lr: 1, dModel: 4 },
    { lr: 1, dModel: 5 },
    { lr: 2, dModel: 3 },
  ]);
});

Deno.test("tune: draws depend on the seed alone, and more of them begin with the same", () => {
  const space = (trials: number) => parseSpace({ random: ["lr=1e-4..1e-2", "dropout=0..0.5"], trials });
  const ten = pointsOf(space(10), 7);
  deepStrictEqual(pointsOf(space(10), 7), ten);
  deepStrictEqual(pointsOf(space(25), 7).slice(0, 10), ten);
  notDeepStrictEqual(pointsOf(space(10), 8), ten);
  // as they were on the day this was written
  deepStrictEqual(pointsOf(space(2), 0), [{ lr: 0.006924, dropout: 0.4037 }, { lr: 0.0001681, dropout: 0.08499 }]);
});

Deno.test("tune: with a grid every combination gets the same draws", () => {
  const points = pointsOf(parseSpace({ grid: ["pooling=mean,attentive"], random: ["lr=1e-4..1e-2"], trials: 3 }), 0);
  strictEqual(points.length, 6);
  for (const pooling of ["mean", "attentive"]) {
    const rates = points.filter((point) => point.pooling === pooling).map(({ lr }) => lr);
    deepStrictEqual(rates, [0, 2, 4].map((i) => points[i].lr));
    strictEqual(new Set(rates).size, 3);
  }
});

Deno.test("tune: no draw is made twice, and a space that is too small is said", () => {
  const space = (trials: number) => parseSpace({ random: ["nHead=1..2", "pooling=mean,attentive"], trials });
  strictEqual(new Set(pointsOf(space(4), 0).map((point) => JSON.stringify(point))).size, 4);
  throws(
    () => pointsOf(space(5), 0),
    /^RangeError: Cannot draw 5 different trials: there seem to be only 4; lower --t/,
  );
});

Deno.test("tune: ranges within a decade are uniform, wider ones log-uniform; whole numbers where the key wants them", () => {
  const share = (numbers: number[], below: number) => numbers.filter((x) => x < below).length / numbers.length;
  const near = (value: number, wanted: number) => ok(Math.abs(value - wanted) < 0.03, `${value} is not ${wanted}`);
  const wide = draws("lr=1e-4..1e-2");
  ok(wide.every((lr) => lr >= 1e-4 && lr <= 1e-2));
  near(share(wide, 1e-3), 0.5); // uniform would give 0.09
  const decade = draws("lr=1e-4..1e-3");
  near(share(decade, 5.5e-4), 0.5);
  near(share(draws("dropout=0..0.8"), 0.4), 0.5); // no logarithm of 0
  const widths = draws("dModel=8..12");
  deepStrictEqual([...new Set(widths)].sort((a, b) => a - b), [8, 9, 10, 11, 12]);
  near(share(widths, 10), 0.4);
  const whole = draws("batchSize=1..64");
  ok(whole.every((size) => Number.isInteger(size) && size >= 1 && size <= 64));
  near(share(whole, 8), Math.log(8) / Math.log(65));
  ok(!draws("gradClip=1..5").every(Number.isInteger), "whole ends do not make a number whole");
  strictEqual(axisText(parseAxis("lr=1e-4..1e-2")), "lr=0.0001..0.01");
});
