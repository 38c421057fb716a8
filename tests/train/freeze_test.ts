/** Weights that stay as they are while others are trained. @module */
import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { BatchNorm1d, Dropout, Linear, Module, Sequential } from "../../nn/mod.ts";
import { manualSeed, randn, type Tensor } from "../../tensor/mod.ts";
import { freezeWeights } from "../../train/freeze.ts";
import { loadModel } from "../../train/model_file.ts";
import { AdamW } from "../../train/optim/mod.ts";
import { forEachDevice } from "../devices.ts";
import { runSmall, withData } from "./small_run.ts";

/** Two stages with batch normalisation and dropout, and a head. */
class Net extends Module {
  readonly low = new Sequential(new Linear(3, 4), new BatchNorm1d(4), new Dropout(0.5));
  readonly high = new Sequential(new Linear(4, 4), new BatchNorm1d(4), new Dropout(0.5));
  readonly head = new Linear(4, 2);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.high.forward(this.low.forward(x)));
  }
}

const valuesOf = async (model: Module) =>
  Object.fromEntries(Object.entries(await model.stateArrays()).map(([name, { data }]) => [name, [...data]]));

Deno.test("patterns freeze by name, and modules as a whole where nothing in them is left to train", () => {
  const net = new Net();
  deepStrictEqual(freezeWeights(net, ["low.*", "high.0.*", "*ad.bias"]), {
    numbers: 12 + 4 + 8 + 16 + 4 + 2,
    modules: ["low", "high.0"],
  });
  const trained = net.namedParameters().filter(([, p]) => p.requiresGrad).map(([name]) => name);
  deepStrictEqual(trained, ["high.1.weight", "high.1.bias", "head.weight"]);
  net.train();
  const training = net.namedModules().filter(([, module]) => module.training).map(([name]) => name);
  deepStrictEqual(training, ["", "high", "high.1", "high.2", "head"]);
  ok(net.low.frozen && !net.head.frozen);
});

Deno.test("freezing nothing changes nothing", () => {
  const net = new Net();
  deepStrictEqual(freezeWeights(net, []), { numbers: 0, modules: [] });
  ok(net.parameters().every((p) => p.requiresGrad) && net.namedModules().every(([, m]) => m.training));
});

Deno.test("a pattern that fits nothing names near ones, and everything is too much", () => {
  const refused = (globs: string[], message: string) =>
    throws(() => freezeWeights(new Net(), globs), ({ name, message: found }: Error) => {
      deepStrictEqual([name, found.slice(0, message.length)], ["RangeError", message]);
      return true;
    });
  refused(["lwo.*"], 'Cannot freeze "lwo.*": no weight has such a name; did you mean "low.*"');
  refused(["high.0.wieght"], 'Cannot freeze "high.0.wieght": no weight has such a name; did you mean "high.0.weight"');
  refused(
    ["classifier.*"],
    'Cannot freeze "classifier.*": no weight has such a name; its parts are "low.*", "high.*", "head.*"',
  );
  refused(
    ["low.1.running_mean"],
    'Cannot freeze "low.1.running_mean": no weight has such a name; did you mean "low.1.*" or "low.*"?',
  );
  refused(["low.*", "h*"], 'Cannot freeze "low.*", "h*": that is every weight, and nothing is left to train');
});

Deno.test("a pattern's other signs mean themselves", () => {
  throws(() => freezeWeights(new Net(), ["low.0.weigh[t]"]), RangeError);
  throws(() => freezeWeights(new Net(), ["low.0.weigh?"]), RangeError);
  strictEqual(freezeWeights(new Net(), ["l*w*0.b*"]).numbers, 4);
});

forEachDevice("frozen parts keep no way back, hold still, and cost the optimizer nothing", async () => {
  manualSeed(3);
  const net = new Net();
  freezeWeights(net, ["low.*"]);
  const optimizer = new AdamW(net.parameters().filter((p) => p.requiresGrad), { lr: 0.1, weightDecay: 0.5 });
  const states = optimizer.groups.flatMap(({ parts }) => parts.flatMap(({ flat }) => flat.parameters)).reduce(
    (sum, { size }) => sum + size,
    0,
  );
  strictEqual(states, 16 + 4 + 8 + 8 + 2);
  const before = await valuesOf(net);
  const x = randn([6, 3]);
  const low = net.low.forward(x);
  ok(low.node === null && !low.requiresGrad, "nothing is recorded");
  deepStrictEqual([...await low.data()], [...await net.low.forward(x).data()], "no dropout");
  for (let i = 0; i < 3; i++) {
    optimizer.zeroGrad();
    net.forward(x).square().sum().backward();
    optimizer.step();
  }
  const after = await valuesOf(net);
  for (const [name, values] of Object.entries(before)) {
    if (name.startsWith("low.")) deepStrictEqual(after[name], values, name);
    else notDeepStrictEqual(after[name], values, name);
  }
  ok(net.low.parameters().every(({ grad }) => grad === null));
});

forEachDevice("a frozen part in the middle passes gradients on to what comes before it", async () => {
  manualSeed(3);
  const net = new Net();
  net.high.train(false); // no dropout, running statistics: what frozen parts do
  const x = randn([6, 3]);
  const gradient = async () => {
    for (const p of net.parameters()) p.grad = null;
    net.low.eval();
    net.forward(x).square().sum().backward();
    return [...await net.low.parameters()[0].grad!.data()];
  };
  const wanted = await gradient();
  freezeWeights(net, ["high.*"]);
  deepStrictEqual(await gradient(), wanted);
  ok(net.high.parameters().every(({ grad }) => grad === null));
});

forEachDevice("a run freezes as it says, and goes on as if never stopped", async (device) => {
  await withData(async (folder, data) => {
    const config = {
      data,
      totalSteps: 12,
      validSteps: 6,
      saveSteps: 6,
      logSteps: 1,
      freeze: ["encoder.*", "prenet.*"],
    };
    const whole = await runSmall(device, { ...config, out: join(folder, "whole") });
    ok(whole.lines.some((line) => /parameters, \d+ of them frozen \(prenet, encoder\)$/.test(line)), `${whole.lines}`);
    await runSmall(device, { ...config, out: join(folder, "parts") }, { stopAt: 6 });
    const parts = await runSmall(device, { ...config, out: join(folder, "parts") }, { resume: true });
    deepStrictEqual(parts.rows, whole.rows);
    const start = await runSmall(device, { ...config, out: join(folder, "start"), totalSteps: 1, validSteps: 1 });
    strictEqual(start.step, 1);
    const [first, last] = await Promise.all(["start", "whole"].map((run) => loadModel(join(folder, run))));
    const [a, b] = [await valuesOf(first.model), await valuesOf(last.model)];
    for (const [name, values] of Object.entries(a)) {
      if (/^(encoder|prenet)\./.test(name)) deepStrictEqual(b[name], values, name);
      else notDeepStrictEqual(b[name], values, name);
    }
  });
});
