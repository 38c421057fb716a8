import assert from "node:assert/strict";
import { outlineTorchFile, readTorchFile, readTorchTensor, readTorchValues } from "../../../data/files/torch_file.ts";

function fixture(name: string): string {
  return new URL(`../../fixtures/torch/${name}.pt`, import.meta.url).pathname;
}

const RAMP = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** What make.py put into "state": shape, values, and whether they are floating. */
const STATE: Record<string, [number[], number[], boolean]> = {
  "layer.weight": [[3, 4], RAMP, true],
  "layer.transposed": [[4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], true],
  "layer.row": [[4], [4, 5, 6, 7], true],
  "shared.a": [[12], RAMP.map((x) => x / 2), true],
  "shared.b": [[6], [0, 1, 2, 3, 4, 5], true],
  "parameter": [[2], [1.5, -2.5], true],
  "scalar": [[], [3.25], true],
  "empty": [[0, 5], [], true],
  "expanded": [[2, 3], [7, 7, 7, 7, 7, 7], true],
  "double": [[2], [1, Math.fround(0.1)], true],
  "half": [[3], [1, -0.5, 65504], true],
  "bfloat": [[2], [1, -3], true],
  "long": [[3], [1, -2, 2147483647], false],
  "int": [[2], [5, -6], false],
  "short": [[1], [-7], false],
  "char": [[1], [-8], false],
  "byte": [[1], [200], false],
  "bool": [[3], [1, 0, 1], false],
};

for (const suffix of ["", "_legacy"]) {
  const format = suffix === "" ? "zip" : "legacy";

  Deno.test(`torch ${format}: a single tensor`, () => {
    const expected = { shape: [2, 3], data: new Float32Array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]) };
    assert.deepEqual(readTorchTensor(fixture(`single${suffix}`)), expected);
    assert.deepEqual(readTorchTensor(Deno.readFileSync(fixture(`single${suffix}`))), expected);
    assert.deepEqual(readTorchFile(fixture(`single${suffix}`)), { "": expected });
  });

  Deno.test(`torch ${format}: types, views, strides, shared storages`, () => {
    const arrays = readTorchFile(fixture(`state${suffix}`));
    assert.deepEqual(Object.keys(arrays), Object.keys(STATE));
    for (const [name, [shape, values, floating]] of Object.entries(STATE)) {
      const data = floating ? new Float32Array(values) : new Int32Array(values);
      assert.deepEqual(arrays[name], { shape, data }, name);
    }
    arrays["layer.weight"].data[4] = 99; // they looked into one storage; here each has its own memory
    assert.equal(arrays["layer.row"].data[0], 4);
  });

  Deno.test(`torch ${format}: the state dict of a module, with its _metadata`, () => {
    const arrays = readTorchFile(fixture(`linear${suffix}`));
    assert.deepEqual(Object.keys(arrays), ["weight", "bias"]);
    assert.deepEqual([arrays.weight.shape, arrays.bias.shape], [[2, 3], [2]]);
  });

  Deno.test(`torch ${format}: names of nested dictionaries and lists are joined, other values passed over`, () => {
    const arrays = readTorchFile(fixture(`nested${suffix}`));
    assert.deepEqual(Object.keys(arrays).sort(), ["0", "list.0", "list.1.0", "model.w"]);
    assert.deepEqual(arrays["list.1.0"], { shape: [], data: new Int32Array([2]) });
  });

  Deno.test(`torch ${format}: os.system is refused and does not run`, async () => {
    const path = fixture(`evil${suffix}`);
    const message = `Cannot read "${path}": it asks for posix.system, ` +
      "which is not on the list of what a weights file may contain";
    assert.throws(() => readTorchFile(path), { name: "SyntaxError", message });
    await assert.rejects(Deno.stat("/tmp/voxgrad_was_here"), Deno.errors.NotFound);
  });
}

const FORBIDDEN = "which is not on the list of what a weights file may contain";

const REFUSED: [string, string][] = [
  ["evil_os", `it asks for os.system, ${FORBIDDEN}`],
  ["evil4", `it asks for posix.system, ${FORBIDDEN}`],
  ["evil_plain", `it asks for posix.system, ${FORBIDDEN}`],
  ["plain_pickle", "it is a pickle, but not a PyTorch file"],
  ["number", "it holds no tensors"],
  ["number_legacy", "it holds no tensors"],
  ["big_integer", "its integer 1099511627776 does not fit into 32 bits"],
  ["big_integer_legacy", "its integer 1099511627776 does not fit into 32 bits"],
  ["complex", `it asks for torch.ComplexFloatStorage, ${FORBIDDEN}`],
  ["script", "it is a TorchScript program, not weights; save its state_dict() with torch.save instead"],
  ["not_torch", "it is a zip archive, but not a PyTorch file (it has no data.pkl)"],
  ["truncated", "it is a zip archive cut short (its end record is missing)"],
  ["truncated_legacy", "it is cut short within storage "],
  ["wrong_crc", 'its entry "single/data/0" is damaged (wrong CRC-32)'],
  ["big_endian", "it was written on a big-endian machine"],
  ["bad_reach", "a tensor in it reaches element 4 of a storage of 4"],
  ["bad_stride", "a tensor in it has no valid offset, sizes and strides"],
  ["bad_rank", "a tensor in it has no valid offset, sizes and strides"],
  ["bad_storage", "its storage 0 has 16 bytes instead of 1600"],
  ["bad_missing", 'it has no entry "archive/data/7"'],
  ["bad_bomb", "it blows 4 stored elements up to 4294967296"],
  ["bad_cycle", "it is nested without end"],
  ["bad_laughs", "it is nested without end"],
  ["bad_call", "its pickle calls something that cannot be called"],
  ["bad_stack", "its pickle takes a mark that was never set"],
  ["bad_opcode", 'its pickle has the unknown opcode "i"'],
  ["bad_persistent", "it refers to a storage in an unknown way"],
  ["bad_build", "its pickle sets attributes of something that has none"],
];

Deno.test("torch: damaged, foreign and hostile files are refused with the reason", () => {
  for (const [name, fact] of REFUSED) {
    const path = fixture(name);
    assert.throws(() => readTorchFile(path), (error: Error) => {
      assert.equal(error.name, "SyntaxError", name);
      assert.ok(error.message.startsWith(`Cannot read "${path}": ${fact}`), error.message);
      return true;
    });
  }
});

Deno.test("torch: every prefix of a file is refused, none hangs or crashes", () => {
  for (const name of ["single", "single_legacy", "state"]) {
    const bytes = Deno.readFileSync(fixture(name));
    for (let length = 0; length < bytes.length; length += name === "state" ? 37 : 1) {
      assert.throws(() => readTorchFile(bytes.subarray(0, length)), /^SyntaxError: Cannot read data in memory: /);
    }
  }
});

Deno.test("torch: a flipped byte gives a tensor or an error, never a crash", () => {
  const original = Deno.readFileSync(fixture("single"));
  for (let at = 0; at < original.length; at++) {
    const bytes = original.slice();
    bytes[at] ^= 0xff;
    try {
      readTorchFile(bytes);
    } catch (error) {
      assert.match(String(error), /^SyntaxError: Cannot read data in memory: /);
    }
  }
});

Deno.test("torch: newer files (protocol 4, untyped storage, uint16) and deflated ones are read", () => {
  assert.deepEqual(readTorchTensor(fixture("protocol4")).data, new Float32Array([1, 2]));
  assert.deepEqual(readTorchTensor(fixture("v3_uint16")).data, new Int32Array([65535, 7]));
  assert.deepEqual(readTorchTensor(fixture("deflated")), { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) });
});

Deno.test("torch: a copy is made of what the file holds, unless sharing is asked for", () => {
  for (const name of ["single", "single_legacy"]) {
    const bytes = Deno.readFileSync(fixture(name));
    assert.notEqual(readTorchTensor(bytes).data.buffer, bytes.buffer);
    const before = readTorchTensor(bytes);
    const shared = readTorchTensor(bytes, { share: true });
    assert.deepEqual(shared, before);
    bytes.fill(0);
    assert.deepEqual(before.data[0], -2.5);
  }
  const shared = readTorchFile(Deno.readFileSync(fixture("state")), { share: true });
  assert.deepEqual(shared, readTorchFile(fixture("state")));
});

Deno.test("torch: files that are no such thing", async () => {
  const label = "notes.pt";
  const text = new TextEncoder().encode("these are my notes");
  assert.throws(() => readTorchFile(text, { label }), { message: "Cannot read notes.pt: it is not a PyTorch file" });
  assert.throws(() => readTorchFile(new Uint8Array(0), { label }), { message: "Cannot read notes.pt: it is empty" });
  assert.throws(() => readTorchTensor(fixture("state")), /it holds something else than one tensor$/);
  const folder = await Deno.makeTempDir();
  assert.throws(() => readTorchFile(`${folder}/none.pt`), {
    message: `Cannot read "${folder}/none.pt": there is no such file`,
  });
  await Deno.remove(folder);
});

Deno.test("torch: settings of other classes beside the weights are read, and no class is called", () => {
  for (const name of ["lightning", "lightning_legacy"]) {
    const { arrays, values } = readTorchValues(fixture(name));
    assert.deepEqual(arrays, { "state_dict.model.w": { shape: [2], data: Float32Array.of(1, 1) } });
    const settings = [...values].filter(([key]) => key.startsWith("hyper_parameters."));
    assert.deepEqual(
      Object.fromEntries(settings.map(([key, value]) => [key.slice("hyper_parameters.".length), value])),
      {
        "n_mels": 64,
        "root": "/data/x",
        "data.folds": 5,
        "audio.rate": 16000,
        "colour.1": "RED",
        "parts.0.0": 1,
        "callback.best": 0.5,
        "floats.a": 0.5,
      },
    );
    assert.throws(() => readTorchFile(fixture(name)), /it asks for argparse.Namespace, which is not on the list/);
  }
  assert.deepEqual([...outlineTorchFile(fixture("namespace4")).values], [["hyper_parameters.a", 1]]);
});

Deno.test("torch: an outline has the shapes, and tensors that nobody wants are not read", () => {
  const outline = outlineTorchFile(fixture("state"));
  assert.deepEqual([...outline.shapes], Object.entries(STATE).map(([name, [shape]]) => [name, shape]));
  const { arrays } = readTorchValues(fixture("state"), { wanted: (name) => name.startsWith("layer.") });
  assert.deepEqual(Object.keys(arrays), ["layer.weight", "layer.transposed", "layer.row"]);
});

Deno.test("torch: files that ask for commands are refused where other classes are not", async () => {
  for (const name of ["evil", "evil_legacy", "evil4", "evil_os"]) {
    for (const read of [readTorchValues, outlineTorchFile]) {
      assert.throws(() => read(fixture(name)), { name: "SyntaxError", message: /it asks for (os|posix)\.system, / });
    }
  }
  await assert.rejects(Deno.stat("/tmp/voxgrad_was_here"), Deno.errors.NotFound);
  for (const name of ["bad_cycle", "bad_laughs", "bad_bomb"]) {
    assert.throws(() => readTorchValues(fixture(name)), SyntaxError);
  }
  assert.throws(() => readTorchValues(fixture("complex")), /it asks for torch.ComplexFloatStorage, /);
});
