/** Measures of a verifier, against slow ones that count trial by trial. @module */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { Random } from "../../../data/random.ts";
import {
  bestF1,
  type DetCurve,
  detCurve,
  equalErrorRate,
  minDcf,
  probit,
  ratesAt,
  sortTrials,
  speakerBootstrap,
  thresholdForFar,
} from "../../../train/metrics/mod.ts";

interface Trials {
  readonly scores: Float32Array;
  readonly isTarget: Uint8Array;
}

/** Scores of both kinds; rounded to steps, so that many are equal. */
function drawn(count: number, { seed = 1, step = 0 } = {}): Trials {
  const random = new Random(seed);
  const isTarget = Uint8Array.from({ length: count }, (_, i) => i < 2 ? i : random.below(4) === 0 ? 1 : 0);
  const scores = Float32Array.from(isTarget, (target) => {
    const score = random.uniform() + random.uniform() - 1 + 0.7 * target;
    return step === 0 ? score : Math.round(score / step) * step;
  });
  return { scores, isTarget };
}

/** Both rates at a threshold, counted. */
function counted(
  { scores, isTarget }: Trials,
  threshold: number,
): { far: number; frr: number; hits: number; alarms: number } {
  let [alarms, misses, hits] = [0, 0, 0];
  scores.forEach((score, i) => {
    if (isTarget[i] === 1) score >= threshold ? hits++ : misses++;
    else if (score >= threshold) alarms++;
  });
  const targets = hits + misses;
  return { far: alarms / (scores.length - targets), frr: misses / targets, hits, alarms };
}

/** Every threshold that makes a difference. */
function thresholdsOf({ scores }: Trials): number[] {
  return [...new Set(scores)].sort((a, b) => a - b).concat(Infinity);
}

/** Where the polyline through all points meets the diagonal, segment by segment. */
function slowEer(trials: Trials): number {
  const points = thresholdsOf(trials).map((threshold) => counted(trials, threshold));
  for (let k = 1; k < points.length; k++) {
    const [a, b] = [points[k - 1], points[k]];
    const [before, after] = [a.frr - a.far, b.frr - b.far];
    if (before <= 0 && after >= 0) {
      const part = before === after ? 0 : -before / (after - before);
      return a.far + part * (b.far - a.far);
    }
  }
  throw new Error("no crossing");
}

const near = (found: number, wanted: number, what = "") =>
  ok(Math.abs(found - wanted) < 1e-9, `${what} ${found}, wanted ${wanted}`);

const cases = [[5, 0], [12, 0.25], [40, 0], [200, 0.1], [501, 0.02], [300, 1]].flatMap(([count, step]) =>
  [1, 2, 3].map((seed) => drawn(count, { seed, step }))
);

Deno.test("the curve has the counted rates at every threshold, ties decided together", () => {
  for (const trials of cases) {
    const curve = detCurve(trials.scores, trials.isTarget);
    const thresholds = thresholdsOf(trials);
    deepStrictEqual([...curve.lowest].map((x) => x + 0), thresholds.map((x) => x + 0)); // −0 is 0
    thresholds.forEach((threshold, k) => {
      const { far, frr } = counted(trials, threshold);
      near(curve.falseAcceptance[k], far);
      near(curve.falseRejection[k], frr);
    });
    strictEqual(curve.targets + curve.nontargets, trials.scores.length);
  }
});

Deno.test("the equal error rate is where the curve meets the diagonal", () => {
  for (const trials of cases) {
    const curve = detCurve(trials.scores, trials.isTarget);
    const { rate, threshold, point } = equalErrorRate(curve);
    near(rate, slowEer(trials));
    const { far, frr } = counted(trials, threshold);
    deepStrictEqual([far, frr], [curve.falseAcceptance[point], curve.falseRejection[point]]);
    const gap = Math.abs(far - frr);
    ok(
      thresholdsOf(trials).every((other) => {
        const { far, frr } = counted(trials, other);
        return Math.abs(far - frr) >= gap - 1e-12;
      }),
      "no threshold comes nearer",
    );
    // told the other way round the same errors are made
    const turned = detCurve(trials.scores.map((x) => -x), trials.isTarget.map((x) => 1 - x));
    near(equalErrorRate(turned).rate, rate);
  }
});

Deno.test("known curves: perfect, useless, wrong, all equal, one each", () => {
  const eer = (scores: number[], labels: number[]) =>
    equalErrorRate(detCurve(Float32Array.from(scores), Uint8Array.from(labels))).rate;
  strictEqual(eer([3, 2, 1, 0], [1, 1, 0, 0]), 0);
  strictEqual(eer([3, 2, 1, 0], [0, 0, 1, 1]), 1);
  strictEqual(eer([1, 1, 1, 1, 1], [1, 0, 0, 1, 0]), 0.5);
  strictEqual(eer([5, 7], [1, 0]), 1);
  near(eer([4, 3, 2.5, 2, 1, 0], [1, 1, 0, 1, 0, 0]), 1 / 3);
  near(eer([4, 2, 2, 0], [1, 1, 0, 0]), 0.25); // one of each at 2: decided by lot
});

Deno.test("the least cost, best F1 and the threshold for a rate are those of a search through all", () => {
  for (const trials of cases) {
    const curve = detCurve(trials.scores, trials.isTarget);
    const rows = thresholdsOf(trials).map((threshold) => counted(trials, threshold));
    for (const [pTarget, costMiss, costFalseAlarm] of [[0.01, 1, 1], [0.05, 1, 1], [0.5, 10, 1], [0.9, 1, 3]]) {
      const found = minDcf(curve, { pTarget, costMiss, costFalseAlarm });
      const cost = ({ far, frr }: { far: number; frr: number }) =>
        (costMiss * frr * pTarget + costFalseAlarm * far * (1 - pTarget)) /
        Math.min(costMiss * pTarget, costFalseAlarm * (1 - pTarget));
      near(found.cost, Math.min(...rows.map(cost)), "cost");
      near(cost(counted(trials, found.threshold)), found.cost, "cost at its threshold");
      ok(found.cost <= 1, "never worse than not looking");
    }
    const f1 = ({ hits, alarms, frr }: typeof rows[number]) =>
      hits === 0 ? 0 : 2 * hits / (hits / (1 - frr) + hits + alarms);
    const best = bestF1(curve);
    near(best.f1, Math.max(...rows.map(f1)), "F1");
    near(f1(counted(trials, best.threshold)), best.f1, "F1 at its threshold");
    for (const far of [0, 0.001, 0.1, 1]) {
      const { threshold } = thresholdForFar(curve, far), found = counted(trials, threshold);
      ok(found.far <= far);
      near(found.frr, Math.min(...rows.filter((row) => row.far <= far).map(({ frr }) => frr)));
    }
  }
});

Deno.test("rates at any threshold, those at the ends included", () => {
  for (const trials of cases) {
    const curve = detCurve(trials.scores, trials.isTarget);
    for (const threshold of [-9, -0.3, 0, trials.scores[3], 0.111, 0.8, 9]) {
      const { far, frr, hits, alarms } = counted(trials, threshold), rates = ratesAt(curve, threshold);
      near(rates.falseAcceptance, far);
      near(rates.falseRejection, frr);
      near(rates.recall, 1 - frr);
      if (hits + alarms === 0) strictEqual(rates.precision, null);
      else near(rates.precision!, hits / (hits + alarms));
      ok(Number.isFinite(rates.f1));
    }
  }
});

Deno.test("trials are sorted with negative scores, zeros of both signs and infinities", () => {
  const scores = Float32Array.of(0.5, -0.5, 0, -0, -Infinity, 1e-40, -1e-40, Infinity, -2, 3);
  const sorted = sortTrials(scores, new Uint8Array(10));
  deepStrictEqual([...sorted.scores].map((x) => x + 0), [...scores].sort((a, b) => a - b).map((x) => x + 0)); // −0 is 0
  deepStrictEqual([...sorted.order].map((place) => scores[place]), [...sorted.scores]);
});

Deno.test("what has no meaning is refused", () => {
  const one = Float32Array.of(1, 2);
  throws(() => detCurve(one, Uint8Array.of(1, 1)), {
    name: "RangeError",
    message: "Cannot measure errors: there are no trials of different speakers",
  });
  throws(() => detCurve(one, Uint8Array.of(0, 0)), /there are no trials of the same speaker/);
  throws(() => detCurve(new Float32Array(0), new Uint8Array(0)), /there are no trials of the same speaker/);
  throws(() => detCurve(one, Uint8Array.of(1)), /^TypeError: Cannot sort trials: there are 2 scores and 1 labels/);
  throws(() => detCurve(Float32Array.of(1, NaN), Uint8Array.of(1, 0)), /^RangeError: .* score 1 is NaN/);
  const curve = detCurve(one, Uint8Array.of(0, 1));
  throws(() => minDcf(curve, { pTarget: 1 }), /pTarget is 1, wanted a number between 0 and 1/);
  throws(() => minDcf(curve, { costMiss: 0 }), /the costs are 0 and 1/);
});

/** Trials of all pairs of some speakers' recordings, whose scores depend on the pair of speakers. */
function speakerTrials(count: number, each: number, seed = 1) {
  const random = new Random(seed);
  const [left, right, isTarget, scores]: number[][] = [[], [], [], []];
  const offsets = Array.from({ length: count }, () => random.uniform() - 0.5);
  for (let i = 0; i < count * each; i++) {
    for (let j = i + 1; j < count * each; j++) {
      const [a, b] = [i % count, j % count];
      left.push(a);
      right.push(b);
      isTarget.push(a === b ? 1 : 0);
      scores.push((a === b ? 0.6 : 0) + 0.5 * (offsets[a] + offsets[b]) + random.uniform() - 0.5);
    }
  }
  const speakers = [Uint32Array.from(left), Uint32Array.from(right)] as const;
  return { speakers, scores: Float32Array.from(scores), isTarget: Uint8Array.from(isTarget) };
}

Deno.test("drawing speakers: an interval around the measure, the same for a seed, wider for fewer speakers", () => {
  const rateOf = (curve: DetCurve) => [equalErrorRate(curve).rate, minDcf(curve, { pTarget: 0.05 }).cost];
  const intervals = (count: number, each: number, seed = 1) => {
    const { speakers, scores, isTarget } = speakerTrials(count, each);
    const [[eer], found] = [
      rateOf(detCurve(scores, isTarget)),
      speakerBootstrap(sortTrials(scores, isTarget), rateOf, { speakers, draws: 300, seed }),
    ];
    ok(found[0]!.low <= eer && eer <= found[0]!.high, `${eer} in ${JSON.stringify(found)}`);
    return found.map((interval) => interval!.high - interval!.low);
  };
  deepStrictEqual(intervals(12, 5), intervals(12, 5));
  ok(intervals(12, 5)[0] !== intervals(12, 5, 2)[0]);
  ok(intervals(6, 10)[0] > 1.5 * intervals(60, 4)[0]);
});

Deno.test("a draw counts each trial as often as its speakers were drawn", () => {
  const { speakers, scores, isTarget } = speakerTrials(4, 4);
  const sums: number[] = [];
  const targetsOf = (times: number[]) => times.reduce((sum, n) => sum + n * 6, 0); // 4 recordings: 6 pairs
  speakerBootstrap(sortTrials(scores, isTarget), ({ targets, nontargets }) => {
    sums.push(targets, nontargets);
    return [0];
  }, { speakers, draws: 50, seed: 3 });
  const random = new Random(3), wanted: number[] = [];
  for (let draw = 0; draw < 50; draw++) {
    const times = [0, 0, 0, 0];
    for (let i = 0; i < 4; i++) times[random.below(4)]++;
    let pairs = 0;
    for (let a = 0; a < 4; a++) for (let b = a + 1; b < 4; b++) pairs += times[a] * times[b] * 16;
    if (pairs > 0) wanted.push(targetsOf(times), pairs);
  }
  deepStrictEqual(sums, wanted);
});

Deno.test("of many trials a draw sees fewer points, and measures the same to a few thousandths", () => {
  const { scores, isTarget } = drawn(200_000, { seed: 5 });
  const same = new Uint32Array(scores.length); // a single speaker: every draw is all trials, once each
  let points = 0;
  const take = (curve: DetCurve) => {
    points = curve.lowest.length;
    return [equalErrorRate(curve).rate, minDcf(curve).cost, minDcf(curve, { pTarget: 0.05 }).cost];
  };
  const exact = take(detCurve(scores, isTarget));
  ok(points > 100_000);
  const found = speakerBootstrap(sortTrials(scores, isTarget), take, { speakers: [same, same], draws: 20 });
  ok(points < 20_000);
  found.forEach((interval, i) => {
    strictEqual(interval!.low, interval!.high);
    ok(Math.abs(interval!.low / exact[i] - 1) < 0.003, `${interval!.low}, wanted ${exact[i]}`);
  });
});

Deno.test("a draw decides trials of equal score together", () => {
  for (const trials of cases) {
    const same = new Uint32Array(trials.scores.length);
    const rateOf = (curve: DetCurve) => [equalErrorRate(curve).rate];
    const speakers = [same, same] as const;
    const [found] = speakerBootstrap(sortTrials(trials.scores, trials.isTarget), rateOf, { speakers, draws: 20 });
    near(found!.low, slowEer(trials));
  }
});

Deno.test("too few speakers to draw give no interval", () => {
  const { speakers, scores, isTarget } = speakerTrials(2, 3);
  const found = speakerBootstrap(sortTrials(scores, isTarget), () => [1, 2], { speakers, draws: 10 });
  deepStrictEqual(found, [null, null]);
});

Deno.test("probits are those of tables", () => {
  for (
    const [share, wanted] of [[0.5, 0], [0.975, 1.959963985], [0.001, -3.090232306], [0.01, -2.326347874], [
      0.9,
      1.281551566,
    ]]
  ) {
    ok(Math.abs(probit(share) - wanted) < 2e-8, `${share}: ${probit(share)}`);
  }
  deepStrictEqual([probit(0), probit(1)], [-Infinity, Infinity]);
  throws(() => probit(1.1), RangeError);
});
