import assert from "node:assert/strict";
import {
  capture,
  checkpoint,
  type Device,
  dropout,
  gelu,
  linear,
  manualSeed,
  memory,
  noGrad,
  scaledDotProductAttention,
  scope,
  type Tensor,
  tensor,
} from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { drawn } from "../gradcheck.ts";

type Wrap = (fn: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]) => Tensor;
const plainly: Wrap = (fn, ...inputs) => fn(...inputs);

const WIDTH = 16;

/** Weights of `depth` layers with a hidden layer each. */
function weights(depth: number): Tensor[][] {
  return Array.from({ length: depth }, (_, i) => [
    drawn(2 * i + 1, [4 * WIDTH, WIDTH], -0.3, 0.3).requireGrad(),
    drawn(2 * i + 2, [WIDTH, 4 * WIDTH], -0.3, 0.3).requireGrad(),
  ]);
}

/** A residual layer that starts and ends with elementwise ops, which a captured step likes to move and join. */
function layer([up, down]: Tensor[], p: number, extra?: Tensor): (x: Tensor) => Tensor {
  return (x) => {
    const hidden = dropout(gelu(linear(x.mul(1.5).tanh(), up)), p);
    const out = x.add(dropout(linear(hidden, down), p));
    return extra === undefined ? out : out.add(extra);
  };
}

/** The loss and all gradients after a step over layers, each of them wrapped. */
function step(layers: readonly Tensor[][], x: Tensor, { wrap, p = 0.2 }: { wrap: Wrap; p?: number }): Tensor[] {
  const leaves = layers.flat();
  for (const leaf of leaves) leaf.grad = null;
  const loss = layers.reduce((h, w) => wrap(layer(w, p), h), x).square().mean();
  loss.backward();
  return [loss, ...leaves.map((leaf) => leaf.grad!)];
}

async function read(tensors: readonly Tensor[]): Promise<number[][]> {
  return await Promise.all(tensors.map(async (t) => [...await t.data()]));
}

/** Equal but for the order in which gradients are added up. */
function assertNear(got: readonly number[][], wanted: readonly number[][]): void {
  assert.deepEqual(got.map((values) => values.length), wanted.map((values) => values.length));
  got.forEach((values, i) =>
    values.forEach((value, j) => {
      const near = Math.abs(value - wanted[i][j]) < 1e-5 * Math.max(1, Math.abs(value));
      assert.ok(near, `result ${i}, element ${j} is ${value}, wanted ${wanted[i][j]}`);
    })
  );
}

forEachDevice("a checkpoint changes no loss and no gradient, dropout included", async () => {
  const layers = weights(3);
  const x = drawn(9, [5, WIDTH]);
  const run = async (wrap: Wrap) => {
    manualSeed(3);
    return [...await read(step(layers, x, { wrap })), ...await read(step(layers, x, { wrap }))];
  };
  const wanted = await run(plainly);
  assert.deepEqual(await run(checkpoint), wanted);
  assert.notDeepEqual(wanted[0], wanted[7], "the second step drops others");
});

forEachDevice("captured steps with checkpoints replay what eager ones without do", async () => {
  const layers = weights(3);
  const run = async (make: (x: Tensor) => Tensor[]) => {
    manualSeed(4);
    const results: number[][] = [];
    for (const seed of [1, 2, 3]) results.push(...await read(make(drawn(seed, [5, WIDTH]))));
    return results;
  };
  const captured = capture((x: Tensor) => step(layers, x, { wrap: checkpoint }));
  const wanted = await run((x) => step(layers, x, { wrap: plainly }));
  const got = await run(captured);
  assertNear(got, wanted);
  captured.dispose();
});

forEachDevice("gradients reach tensors that the function uses without being given them", async () => {
  const run = async (wrap: Wrap) => {
    manualSeed(5);
    const [table, w] = [drawn(1, [WIDTH]).requireGrad(), weights(1)[0]];
    const shared = table.exp(); // computed once, used by every layer and after them
    const x = drawn(2, [5, WIDTH]).requireGrad();
    const hidden = wrap(layer(w, 0.1, shared), wrap(layer(w, 0.1, shared), x));
    hidden.mul(shared).sum().backward();
    return await read([hidden, ...[table, x, ...w].map((t) => t.grad!)]);
  };
  assertNear(await run(checkpoint), await run(plainly));
});

forEachDevice("checkpoints may be nested, with attention and its dropout inside, and be walked twice", async () => {
  const block = (wrap: Wrap, bias: Tensor) => (x: Tensor): Tensor => {
    const attended = wrap((y) => scaledDotProductAttention(y, y.mul(2), y, { dropout: 0.3, bias }), dropout(x, 0.2));
    return wrap((y) => dropout(y.tanh(), 0.3), attended.add(x));
  };
  const run = async (outer: Wrap, inner: Wrap) => {
    manualSeed(6);
    const [x, bias] = [drawn(1, [1, 2, 5, 4]).requireGrad(), drawn(2, [2, 5, 5]).requireGrad()];
    const out = outer(block(inner, bias), outer(block(inner, bias), x)).square().sum();
    out.backward({ retainGraph: true });
    out.backward();
    return await read([out, x.grad!, bias.grad!]);
  };
  const wanted = await run(plainly, plainly);
  assertNear(await run(checkpoint, checkpoint), wanted);
  assertNear(await run(checkpoint, plainly), wanted);
});

/** The most memory in use at the start of any layer's run, above what is in use now. */
function eagerPeak(device: Device, layers: readonly Tensor[][], x: Tensor, wrap: Wrap): number {
  const before = memory(device).used;
  let most = 0;
  const watched: Wrap = (fn, ...inputs) =>
    wrap((...given) => {
      most = Math.max(most, memory(device).used - before);
      return fn(...given);
    }, ...inputs);
  scope(() => void step(layers, x, { wrap: watched }));
  return most;
}

forEachDevice("deep networks need a fraction of the memory, eagerly and captured", (device) => {
  const layers = weights(12);
  const x = drawn(9, [256, WIDTH]);
  scope(() => void step(layers, x, { wrap: plainly })); // gradients have their memory from here on
  const eager = [plainly, checkpoint].map((wrap) => eagerPeak(device, layers, x, wrap));
  assert.ok(eager[1] < 0.4 * eager[0], `eagerly ${eager} bytes`);
  const captured = [plainly, checkpoint].map((wrap) => capturedBytes(device, x, (x) => step(layers, x, { wrap })[0]));
  assert.ok(captured[1] < 0.4 * captured[0], `captured ${captured} bytes`);
});

/** Bytes that a captured step holds. */
function capturedBytes(device: Device, x: Tensor, step: (x: Tensor) => Tensor): number {
  const before = memory(device).used;
  const run = capture(step);
  run(x);
  const bytes = memory(device).used - before;
  run.dispose();
  return bytes;
}

forEachDevice("a captured step does not compute early, and keep, what it computes again", (device) => {
  const matrices = [1, 2].map((seed) => drawn(seed, [WIDTH, WIDTH], -0.2, 0.2).requireGrad());
  const branches = (x: Tensor) => [x.tanh(), x.sin()].map((y, i) => linear(y, matrices[i])).reduce((a, b) => a.add(b));
  const x = drawn(9, [256, WIDTH]);
  const bytes = [plainly, checkpoint].map((wrap) =>
    capturedBytes(device, x, (x) => {
      let h = x;
      for (let i = 0; i < 12; i++) h = wrap(branches, h);
      for (const m of matrices) m.grad = null;
      const loss = h.square().mean();
      loss.backward();
      return loss;
    })
  );
  assert.ok(bytes[1] < 0.5 * bytes[0], `${bytes} bytes`);
});

forEachDevice("without gradients a checkpoint is the function, and leaves its result only", async (device) => {
  const w = tensor([2, 3], { requiresGrad: true });
  const before = memory(device).buffers;
  const out = noGrad(() => checkpoint((x) => x.mul(w).exp().log(), w));
  assert.equal(memory(device).buffers - before, 1);
  assert.equal(out.requiresGrad, false);
  const given = checkpoint((x) => x, w);
  given.mul(5).sum().backward();
  assert.deepEqual(await read([given, w.grad!]), [[2, 3], [5, 5]]);
  assert.equal(checkpoint((x) => x.mul(2), tensor([1])).requiresGrad, false);
});

Deno.test("a checkpoint refuses what it cannot run again", () => {
  const x = tensor([1, 2], { requiresGrad: true });
  assert.throws(() => checkpoint((() => 3) as unknown as () => Tensor), {
    name: "TypeError",
    message: "Cannot checkpoint a function that does not return one tensor",
  });
  let runs = 0;
  const changing = (change: (run: number) => Tensor) => () => {
    runs = 0;
    checkpoint((_x) => change(runs++), x).sum().backward();
  };
  const message = (before: number, now: string) =>
    `Cannot compute again what a checkpoint left out: its function made ${before} random draws at first and ${now} now; ` +
    "it must do the same both times";
  assert.throws(changing((run) => run === 0 ? x.mul(2) : dropout(x, 0.5)), { message: message(0, "more") });
  assert.throws(changing((run) => run > 0 ? x.mul(2) : dropout(x, 0.5)), { message: message(1, "0") });
  assert.throws(changing((run) => run === 0 ? x.mul(2) : x.slice(0, 0, 1)), {
    message: "Cannot compute again what a checkpoint left out: its function returned [2] at first and [1] now; " +
      "it must do the same both times",
  });
});
