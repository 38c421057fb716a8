import assert from "node:assert/strict";
import { CosineHead, type HeadName, Linear, makeHead, SpeakerClassifier } from "../../nn/mod.ts";
import { aamSoftmax, amSoftmax, randn, scope, type Tensor, tensor } from "../../tensor/mod.ts";
import { forEachDevice } from "../devices.ts";
import { assertClose } from "./close.ts";

const names = (name: HeadName, cosine: boolean) =>
  makeHead(name, { dim: 8, classes: 3, cosine }).namedParameters().map(([name, { shape }]) => `${name} ${shape}`);

Deno.test("Heads by name have the homework's layers, and directions instead of the last one where cosines are wanted", () => {
  assert.deepEqual(names("linear", false), ["weight 3,8", "bias 3"]);
  assert.deepEqual(names("two-layer", false), ["0.weight 8,8", "0.bias 8", "2.weight 3,8", "2.bias 3"]);
  assert.deepEqual(names("2023", false), ["0.weight 1024,8", "0.bias 1024", "3.weight 3,1024", "3.bias 3"]);
  assert.deepEqual(names("xvector", false), [
    ...["1.weight 8", "1.bias 8", "2.weight 8,8", "2.bias 8", "4.weight 8", "4.bias 8"],
    ...["5.weight 3,8", "5.bias 3"],
  ]);
  const wide = makeHead("xvector", { dim: 8, classes: 3, width: 5 });
  assert.deepEqual(wide.namedParameters().filter(([name]) => /^[25]\.weight/.test(name)).map(([, p]) => p.shape), [
    [5, 8],
    [3, 5],
  ]);
  assert.deepEqual(names("linear", true), ["weight 3,8"]);
  assert.deepEqual(names("two-layer", true), ["weight 3,8", "hidden.0.weight 8,8", "hidden.0.bias 8"]);
  assert.deepEqual(names("2023", true), ["weight 3,1024", "hidden.0.weight 1024,8", "hidden.0.bias 1024"]);
});

forEachDevice("A cosine head ignores lengths of embeddings and weights and scales the cosines", async () => {
  const head = new CosineHead(2, 3, { scale: 10 });
  head.loadStateDict({ weight: { shape: [3, 2], data: Float32Array.of(5, 0, 0, -0.1, 3, 3) } });
  const x = tensor([[2, 0], [0, -7]]);
  const half = Math.SQRT1_2;
  await assertClose(head.cosine(x), [1, 0, half, 0, 1, -half], 1e-6);
  await assertClose(head.forward(x), [10, 0, 10 * half, 0, 10, -10 * half], 1e-5);
  await assertClose(new CosineHead(2, 1).forward(tensor([[0, 0]])), [0], 0, "an embedding of zeros");
  assert.throws(() => new CosineHead(2, 3, { scale: 0 }), {
    name: "RangeError",
    message: "Cannot scale cosines by 0: expected a number above 0",
  });
});

forEachDevice(
  "Margins train through a cosine head even where embedding and weights point the same or opposite way",
  async () => {
    const losses = [amSoftmax, aamSoftmax, (c: Tensor, t: Tensor) => aamSoftmax(c, t, { beyond: "continuous" })];
    for (const loss of losses) {
      const head = new CosineHead(3, 2);
      head.loadStateDict({ weight: { shape: [2, 3], data: Float32Array.of(0.1, 0.7, -0.3, 1, 2, 3) } });
      const x = tensor([[0.1, 0.7, -0.3], [-1, -2, -3], [4, 5, 6]], { requiresGrad: true });
      const value = scope(() => {
        const value = loss(head.cosine(x), tensor(Int32Array.of(0, 1, 1)));
        value.backward();
        return value;
      });
      assert.ok(Number.isFinite(await value.item()));
      for (const grad of [x.grad!, head.weight.grad!]) {
        const values = [...await grad.data()];
        assert.ok(values.every(Number.isFinite) && values.some((v) => v !== 0), `gradient ${values}`);
      }
    }
  },
);

forEachDevice("A classifier's scores are its head's, of its embedding", async () => {
  const sizes = { numSpeakers: 5, nMels: 4, dModel: 8, dimFeedforward: 16 };
  const x = randn([2, 6, 4]);
  const lengths = tensor(Int32Array.of(6, 3));
  for (const head of ["linear", "two-layer", "2023", "xvector"] as const) {
    const model = new SpeakerClassifier({ ...sizes, head, cosineHead: true, scale: 12 }).eval();
    const embedding = model.embed(x, lengths);
    assert.deepEqual(embedding.shape, [2, 8]);
    await assertClose(model.forward(x, lengths), model.head.forward(embedding), 1e-6);
    assert.ok(model.head instanceof CosineHead && model.head.scale === 12);
    assert.ok([...await model.head.cosine(embedding).data()].every((c) => Math.abs(c) <= 1 + 1e-6));
  }
  assert.ok(new SpeakerClassifier({ ...sizes, head: "linear" }).head instanceof Linear);
});
