import assert from "node:assert/strict";
import {
  type ArrayDict,
  encodeSafetensors,
  openSafetensors,
  readSafetensors,
  writeSafetensors,
} from "../../../data/files/safetensors.ts";

/** A file with the given header text (or object) and data bytes. */
function craft(header: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

const SAMPLE: ArrayDict = {
  "layer.weight": { shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, 1e-30, -0]) },
  "layer.count": { shape: [], data: new Int32Array([-7]) },
  "nothing": { shape: [0, 4], data: new Float32Array(0) },
  "10": { shape: [1], data: new Int32Array([10]) },
  "__proto__x": { shape: [1], data: new Int32Array([1]) },
};

Deno.test("safetensors: what is written is read back, names, shapes, values and metadata", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/a.safetensors`;
  const metadata = { note: 'with "quotes", ünïcode and \\ {', step: "3" };
  await writeSafetensors(path, SAMPLE, metadata);
  const back = readSafetensors(path);
  assert.deepEqual(back, { arrays: SAMPLE, metadata });
  assert.deepEqual(readSafetensors(encodeSafetensors(SAMPLE, metadata)), back);
  assert.deepEqual(Deno.readFileSync(path), encodeSafetensors(SAMPLE, metadata));
  assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["a.safetensors"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("safetensors: an array is read lazily and belongs to the caller", () => {
  using file = openSafetensors(encodeSafetensors(SAMPLE));
  const first = file.read("layer.weight");
  first.data[0] = 99;
  assert.deepEqual(file.read("layer.weight"), SAMPLE["layer.weight"]);
  assert.deepEqual(file.entry("layer.weight").shape, [2, 3]);
  assert.equal(file.has("nobody"), false);
  assert.throws(() => file.read("nobody"), {
    name: "RangeError",
    message: 'Cannot find "nobody" in data in memory: no such array',
  });
});

Deno.test("safetensors: a failed write leaves the old file and nothing else", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/a.safetensors`;
  await writeSafetensors(path, SAMPLE);
  const bad = { x: { shape: [3], data: new Float32Array(2) } };
  await assert.rejects(writeSafetensors(path, bad), {
    name: "TypeError",
    message: 'Cannot write "x": shape [3] does not fit 2 elements',
  });
  assert.deepEqual(readSafetensors(path).arrays, SAMPLE);
  assert.deepEqual([...Deno.readDirSync(folder)].length, 1);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("safetensors: every element type becomes float32 or int32", () => {
  const cases: [string, Uint8Array, number[]][] = [
    ["F64", bytesOf(new Float64Array([1.5, -0.25])), [1.5, -0.25]],
    ["F32", bytesOf(new Float32Array([1.5, Infinity])), [1.5, Infinity]],
    ["F16", bytesOf(new Uint16Array([0x3c00, 0xc500, 0x0001, 0x7c00, 0x7bff, 0x0400])), [
      1,
      -5,
      2 ** -24,
      Infinity,
      65504,
      2 ** -14,
    ]],
    ["BF16", bytesOf(new Uint16Array([0x3f80, 0xc040])), [1, -3]],
    ["I64", bytesOf(new BigInt64Array([-5n, 2147483647n])), [-5, 2147483647]],
    ["I32", bytesOf(new Int32Array([-5, 6])), [-5, 6]],
    ["I16", bytesOf(new Int16Array([-5, 6])), [-5, 6]],
    ["I8", bytesOf(new Int8Array([-5, 6])), [-5, 6]],
    ["U32", bytesOf(new Uint32Array([5, 6])), [5, 6]],
    ["U16", bytesOf(new Uint16Array([65535])), [65535]],
    ["U8", new Uint8Array([255, 0]), [255, 0]],
    ["BOOL", new Uint8Array([1, 0, 1]), [1, 0, 1]],
  ];
  for (const [dtype, data, expected] of cases) {
    // one byte before it, so that nothing is aligned
    const header = {
      pad: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
      x: { dtype, shape: [expected.length], data_offsets: [1, 1 + data.length] },
    };
    const { arrays } = readSafetensors(craft(header, new Uint8Array([0, ...data])));
    assert.equal(arrays.x.data.constructor, /F/.test(dtype) ? Float32Array : Int32Array, dtype);
    assert.deepEqual([...arrays.x.data], expected, dtype);
  }
});

Deno.test("safetensors: half NaN stays NaN, integers that do not fit are refused", () => {
  const one = (dtype: string, data: Uint8Array) =>
    readSafetensors(craft({ x: { dtype, shape: [1], data_offsets: [0, data.length] } }, data)).arrays.x.data[0];
  assert.ok(Number.isNaN(one("F16", bytesOf(new Uint16Array([0x7e01])))));
  assert.throws(() => one("I64", bytesOf(new BigInt64Array([2147483648n]))), {
    name: "RangeError",
    message: 'Cannot read "x" in data in memory: its integer 2147483648 does not fit into 32 bits',
  });
  assert.throws(() => one("U32", bytesOf(new Uint32Array([0x80000000]))), RangeError);
});

Deno.test("safetensors: malformed files are refused with the reason", () => {
  const f32 = (shape: unknown, offsets: unknown) => ({ dtype: "F32", shape, data_offsets: offsets });
  const twelve = new Uint8Array(12);
  const huge = craft({});
  new DataView(huge.buffer).setBigUint64(0, 2n ** 60n, true);
  const cut = craft({ x: f32([3], [0, 12]) }, twelve).slice(0, -1);
  const cases: [string, Uint8Array, RegExp][] = [
    ["no bytes", new Uint8Array(3), /it has 3 bytes and is not safetensors$/],
    ["huge header", huge, /header would be \d+ bytes long, so it is not safetensors$/],
    ["header past the end", craft("{}").slice(0, 9), /its header of 2 bytes ends after the file of 9 bytes$/],
    ["not JSON", craft("hello"), /its header is not JSON/],
    ["not UTF-8", craftBytes([0xff, 0xfe]), /its header is not UTF-8 text$/],
    ["an array", craft("[]"), /its header is not a JSON object$/],
    ["twice", craft(`{"a":${JSON.stringify(f32([3], [0, 12]))},"\\u0061":{}}`, twelve), /its header names "a" twice$/],
    ["dtype", craft({ x: { dtype: "F8", shape: [12], data_offsets: [0, 12] } }, twelve), /unknown dtype "F8"$/],
    ["dtype of the prototype", craft({ x: { dtype: "toString", shape: [], data_offsets: [0, 0] } }), /unknown dtype/],
    ["negative size", craft({ x: f32([-3], [0, 12]) }, twelve), /"x" has no valid shape$/],
    ["fractional size", craft({ x: f32([1.5], [0, 6]) }, twelve), /"x" has no valid shape$/],
    ["offsets", craft({ x: f32([3], [0]) }, twelve), /"x" has no valid data_offsets$/],
    ["reversed", craft({ x: f32([3], [12, 0]) }, twelve), /"x" is F32 \[3\], 12 bytes, but has -12 bytes$/],
    ["size", craft({ x: f32([2], [0, 12]) }, twelve), /"x" is F32 \[2\], 8 bytes, but has 12 bytes$/],
    ["product", craft({ x: f32([2 ** 40, 2 ** 40], [0, 12]) }, twelve), /but has 12 bytes$/],
    ["overlap", craft({ x: f32([2], [0, 8]), y: f32([2], [4, 12]) }, twelve), /"y" overlaps the array before it$/],
    ["gap", craft({ x: f32([1], [0, 4]), y: f32([1], [8, 12]) }, twelve), /4 bytes before "y" belong to no array$/],
    ["trailing", craft({ x: f32([2], [0, 8]) }, twelve), /4 bytes after the last array belong to none$/],
    ["truncated", cut, /the file is truncated at \d+$/],
    ["metadata", craft({ __metadata__: { a: 1 } }), /its __metadata__ entry "a" is not a string$/],
  ];
  for (const [what, bytes, reason] of cases) {
    assert.throws(() => openSafetensors(bytes), (error: Error) => {
      assert.equal(error.name, "SyntaxError", what);
      assert.match(error.message, /^Cannot read data in memory: /, what);
      assert.match(error.message, reason, what);
      return true;
    });
  }
});

function craftBytes(header: number[]): Uint8Array {
  return new Uint8Array([header.length, 0, 0, 0, 0, 0, 0, 0, ...header]);
}

Deno.test("safetensors: a missing file, a folder and a closed file are named", async () => {
  const folder = await Deno.makeTempDir();
  assert.throws(() => openSafetensors(`${folder}/none.safetensors`), {
    message: `Cannot read "${folder}/none.safetensors": there is no such file`,
  });
  assert.throws(() => openSafetensors(folder), { message: `Cannot read "${folder}": it is not a file` });
  await writeSafetensors(`${folder}/a.safetensors`, SAMPLE);
  const file = openSafetensors(`${folder}/a.safetensors`);
  file.close();
  assert.throws(() => file.read("layer.weight"), {
    message: `Cannot read "${folder}/a.safetensors": it has been closed`,
  });
  await Deno.remove(folder, { recursive: true });
});
