/**
 * What attention does to one row of scores: biases, masking, softmax with dropout, and the scores' gradient.
 * @module
 */
import type { Body, Func, ModuleBuilder } from "./module.ts";
import { f32, f32x4, type I32, i32, i32x4, type V128, v128 } from "./ops.ts";
import type { Local, Value } from "./value.ts";
import { VectorMath } from "./vec_math.ts";

/**
 * Goes over n elements of a dense row and another one with `step` bytes between its elements: by fours where those are neighbours, one by
 * one elsewhere and at the end, nothing past it touched. Moves both addresses.
 */
function forPairs(
  f: Body,
  { row, other, step, n }: Record<"row" | "other" | "step" | "n", Local<"i32">>,
  body: { four: () => void; one: () => void },
): void {
  f.if(i32.eq(step, 4), () =>
    f.while(i32.geS(n, 4), () => {
      body.four();
      f.step(row, 16);
      f.step(other, 16);
      f.step(n, -4);
    }));
  f.while(i32.gtS(n, 0), () => {
    body.one();
    f.step(row, 4);
    f.step(other, step);
    f.step(n, -1);
  });
}

/** Adds `biasRow(row, bias, step, n, gate)`: the biases times the gate are added to a row of scores. */
export function addBiasRow(module: ModuleBuilder): Func {
  return module.func(["i32", "i32", "i32", "i32", "f32"], (f, row, other, step, n, gate) => {
    const all = f.hoist(f32x4.splat(gate));
    forPairs(f, { row, other, step, n }, {
      four: () => f.do(v128.store(row, f32x4.add(v128.load(row), f32x4.mul(v128.load(other), all)))),
      one: () => f.do(f32.store(row, f32.add(f32.load(row), f32.mul(f32.load(other), gate)))),
    });
  });
}

/** Adds `biasSlopeRow(to, slopes, n, gate, add)`: slopes times the gate go to the biases' gradient, to what is there already if `add`. */
export function addBiasSlopeRow(module: ModuleBuilder): Func {
  return module.func(["i32", "i32", "i32", "f32", "i32"], (f, row, other, n, gate, add) => {
    const all = f.hoist(f32x4.splat(gate));
    const step = f.hoist(i32.const(4));
    const four = f32x4.mul(v128.load(other), all);
    const one = f32.mul(f32.load(other), gate);
    f.if(
      add,
      () =>
        forPairs(f, { row, other, step, n }, {
          four: () => f.do(v128.store(row, f32x4.add(v128.load(row), four))),
          one: () => f.do(f32.store(row, f32.add(f32.load(row), one))),
        }),
      () =>
        forPairs(f, { row, other, step, n }, {
          four: () => f.do(v128.store(row, four)),
          one: () => f.do(f32.store(row, one)),
        }),
    );
  });
}

/** Adds `gateSlope(slopes, bias, step, n)`: the gradient of a query's gate, Σ slopes · biases. */
export function addGateSlope(module: ModuleBuilder): Func {
  return module.funcOf(["i32", "i32", "i32", "i32"], "f32", (f, row, other, step, n): Value<"f32"> => {
    const sum = f.local("v128", f32x4.splat(0));
    const rest = f.local("f32");
    forPairs(f, { row, other, step, n }, {
      four: () => f.set(sum, f32x4.add(sum, f32x4.mul(v128.load(row), v128.load(other)))),
      one: () => f.set(rest, f32.add(rest, f32.mul(f32.load(row), f32.load(other)))),
    });
    return f32.add(rest, f32x4.lane(acrossLanes(f, sum, f32x4.add), 0));
  });
}

/** Calls `body` with the offset of every four elements among `count`; the last may reach past it. */
function forQuads(f: Body, count: I32, body: (offset: Local<"i32">) => void): void {
  const offset = f.local("i32");
  f.for(offset, 0, f.local("i32", i32.shl(count, 2)), 16, () => body(offset));
}

/** Combines four lanes into all lanes. */
function acrossLanes(f: Body, x: V128, combine: (a: V128, b: V128) => V128): Local<"v128"> {
  const all = f.local("v128", x);
  f.set(all, combine(all, v128.shuffle(all, all, [2, 3, 0, 1])));
  f.set(all, combine(all, v128.shuffle(all, all, [1, 0, 3, 2])));
  return all;
}

/** Adds `maskRow(row, mask, step, n)`: scores of masked keys, and those that fill up the last vector, become −infinity. */
export function addMaskRow(module: ModuleBuilder): Func {
  return module.func(["i32", "i32", "i32", "i32"], (f, row, mask, step, n) => {
    const math = new VectorMath(f, module.target);
    const j = f.local("i32");
    const score = i32.add(row, i32.shl(j, 2));
    f.for(j, n, i32.and(i32.add(n, 3), -4), 1, () => f.do(f32.store(score, -Infinity)));
    f.if(i32.eqz(mask), () => f.return());
    f.set(j, 0);
    f.if(i32.eq(step, 4), () =>
      f.while(i32.leS(j, i32.sub(n, 4)), () => {
        const open = i32x4.eq(v128.load(mask), math.integer(0));
        f.do(v128.store(score, v128.bitselect(v128.load(score), math.constant(-Infinity), open)));
        f.step(mask, 16);
        f.step(j, 4);
      }));
    f.while(i32.ltS(j, n), () => {
      f.if(i32.load(mask), () => f.do(f32.store(score, -Infinity)));
      f.step(mask, step);
      f.step(j, 1);
    });
  });
}

/**
 * Adds `softmaxRow(row, n, lse, factor, random, drop, keepScale)`: e^(score − largest) instead of scores, 0 where dropped; the number that
 * makes them probabilities, keepScale included, goes to `factor`, and the log-sum-exp to `lse`. `random` 0 stands for no dropout. A row
 * masked everywhere gets zeros and log-sum-exp 0.
 */
export function addSoftmaxRow(module: ModuleBuilder): Func {
  const params = ["i32", "i32", "i32", "i32", "i32", "f32", "f32"] as const;
  return module.func(params, (f, row, n, lse, factor, random, drop, keepScale) => {
    const math = new VectorMath(f, module.target);
    const largest = f.local("v128", f32x4.splat(-Infinity));
    forQuads(f, n, (at) => f.set(largest, f32x4.pmax(largest, v128.load(i32.add(row, at)))));
    const top = acrossLanes(f, largest, f32x4.pmax);
    const masked = math.keep(f32x4.eq(top, math.constant(-Infinity)));
    const shift = math.keep(v128.andNot(top, masked));
    const sum = f.local("v128", f32x4.splat(0));
    const exponentials = (keep: (e: V128, at: Local<"i32">) => V128) =>
      forQuads(f, n, (at) => {
        const p = f.local("i32", i32.add(row, at));
        const e = math.expOfNegative(f32x4.sub(v128.load(p), shift));
        f.set(sum, f32x4.add(sum, e));
        f.do(v128.store(p, keep(e, at)));
      });
    f.if(random, () => {
      const least = f.hoist(f32x4.splat(drop));
      exponentials((e, at) => v128.and(e, f32x4.ge(v128.load(i32.add(random, at)), least)));
    }, () => exponentials((e) => e));
    const total = acrossLanes(f, sum, f32x4.add);
    const logSum = math.keep(v128.andNot(f32x4.add(shift, math.log(total)), masked));
    const scale = v128.andNot(f32x4.div(f32x4.splat(keepScale), total), masked);
    f.do(v128.store32Lane(lse, logSum, 0), v128.store32Lane(factor, math.keep(scale), 0));
  });
}

/**
 * Adds `slopeRow(scores, slopes, n, lse, out, dOut, headDim, random, drop, keepScale, scale)`: from scores S and dP = dOut·Vᵀ, the dropped
 * out probabilities P·D instead of S, and dS = P·(dP·D − Σ out·dOut)·scale instead of dP.
 */
export function addSlopeRow(module: ModuleBuilder): Func {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "f32", "f32"] as const;
  return module.func(params, (f, scores, slopes, n, lse, out, dOut, headDim, random, drop, keepScale, scale) => {
    const math = new VectorMath(f, module.target);
    const delta = f.local("v128", f32x4.splat(dot(f, out, dOut, headDim)));
    const logSum = f.local("v128", v128.load32Splat(lse));
    const factor = f.local("v128", f32x4.splat(scale));
    const slopesOf = (keep: (at: Local<"i32">) => V128 | null) =>
      forQuads(f, n, (at) => {
        const [s, d] = [f.local("i32", i32.add(scores, at)), f.local("i32", i32.add(slopes, at))];
        const p = math.expOfNegative(f32x4.sub(v128.load(s), logSum));
        const kept = keep(at);
        const [weight, slope] = kept === null ? [p, v128.load(d)] : [f32x4.mul(p, kept), f32x4.mul(v128.load(d), kept)];
        f.do(v128.store(d, f32x4.mul(f32x4.mul(p, f32x4.sub(slope, delta)), factor)), v128.store(s, weight));
      });
    f.if(random, () => {
      const [least, keptScale] = [f.hoist(f32x4.splat(drop)), f.hoist(f32x4.splat(keepScale))];
      slopesOf((at) => math.keep(v128.and(keptScale, f32x4.ge(v128.load(i32.add(random, at)), least))));
    }, () => slopesOf(() => null));
  });
}

/** Σ a·b over n elements, nothing past them read as a number. */
function dot(f: Body, a: Local<"i32">, b: Local<"i32">, n: Local<"i32">): Local<"f32"> {
  const sum = f.local("v128", f32x4.splat(0));
  const left = f.local("i32", n);
  f.while(i32.geS(left, 4), () => {
    f.set(sum, f32x4.add(sum, f32x4.mul(v128.load(a), v128.load(b))));
    f.step(a, 16);
    f.step(b, 16);
    f.step(left, -4);
  });
  const total = f.local("f32", f32x4.lane(acrossLanes(f, sum, f32x4.add), 0));
  f.while(i32.gtS(left, 0), () => {
    f.set(total, f32.add(total, f32.mul(f32.load(a), f32.load(b))));
    f.step(a, 4);
    f.step(b, 4);
    f.step(left, -1);
  });
  return total;
}

/** Adds `scaleRow(row, n, factor)`: multiplies n elements by the float at `factor`. */
export function addScaleRow(module: ModuleBuilder): Func {
  return module.func(["i32", "i32", "i32"], (f, row, n, factor) => {
    const all = f.local("v128", v128.load32Splat(factor));
    f.while(i32.geS(n, 4), () => {
      f.do(v128.store(row, f32x4.mul(v128.load(row), all)));
      f.step(row, 16);
      f.step(n, -4);
    });
    f.while(i32.gtS(n, 0), () => {
      f.do(f32.store(row, f32.mul(f32.load(row), f32x4.lane(all, 0))));
      f.step(row, 4);
      f.step(n, -1);
    });
  });
}
