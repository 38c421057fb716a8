/**
 * ONNX files: read by the packages `onnx-buf` (the format's definitions) and `@bufbuild/protobuf`, typed here. What a file says of sizes is compared
 * with what it holds before anything is made of it.
 * @module
 */
import { elementCount, type NamedArray } from "../../../data/files/mod.ts";
import { decodeStored, storedSize, type StoredType } from "../../../data/files/stored_types.ts";

/** A step of a graph's computation. */
export interface OnnxNode {
  /** Its name, or its number. */
  readonly name: string;
  /** "Conv". */
  readonly op: string;
  /** Names of the values that it reads; "" where an optional one is left out. */
  readonly inputs: readonly string[];
  /** Names of the values that it makes. */
  readonly outputs: readonly string[];
  /** Numbers, lists of numbers and texts by name. */
  readonly attributes: ReadonlyMap<string, number | string | readonly number[]>;
}

/** A tensor whose values are read when somebody wants them. */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** float32 for fractions, int32 for whole numbers. */
  read(): Promise<NamedArray>;
}

/** What an ONNX file holds, as far as a network is concerned. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  /** Weights and constants by name. */
  readonly tensors: ReadonlyMap<string, OnnxTensor>;
  /** The values that a user gives, with their sizes; null for a size that may be any. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly (number | null)[] }[];
  /** Names of the results. */
  readonly outputs: readonly string[];
  /** What the file says of itself, such as "sample_rate". */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Where an ONNX file's weights lie that are not in it. */
export interface OnnxSurroundings {
  /** The file in messages. */
  readonly path: string;
  /** Reads a part of a file beside it; Error where there is none. */
  readonly beside: (name: string, range: { offset: number; length: number }) => Promise<Uint8Array<ArrayBuffer>>;
  /** Bytes of a file beside it, undefined where there is none. */
  readonly sizeOf: (name: string) => number | undefined;
}

/** What is used of a protobuf tensor. */
interface TensorProto {
  readonly name: string;
  readonly dims: readonly bigint[];
  readonly dataType: number;
  readonly rawData: Uint8Array<ArrayBuffer>;
  readonly floatData: readonly number[];
  readonly doubleData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly bigint[];
  readonly dataLocation: number;
  readonly externalData: readonly { readonly key: string; readonly value: string }[];
}

interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly f: number;
  readonly i: bigint;
  readonly s: Uint8Array;
  readonly t?: TensorProto;
  readonly floats: readonly number[];
  readonly ints: readonly bigint[];
}

interface NodeProto {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

interface ValueInfoProto {
  readonly name: string;
  readonly type?: {
    readonly value: {
      readonly case?: string;
      readonly value?: {
        readonly shape?: { readonly dim: readonly { readonly value: { readonly value?: unknown } }[] };
      };
    };
  };
}

interface ModelProto {
  readonly graph?: {
    readonly node: readonly NodeProto[];
    readonly initializer: readonly TensorProto[];
    readonly input: readonly ValueInfoProto[];
    readonly output: readonly ValueInfoProto[];
  };
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
}

/** Most bytes of a file and of all weights beside it; the largest published encoders of speakers have 120 MB. */
export const MAX_ONNX_BYTES = 1 << 30;
const MAX_NODES = 20_000, MAX_EDGES = 100_000;

async function decode(bytes: Uint8Array): Promise<ModelProto> {
  // Not literals, or Deno would fetch the packages for every program that imports this one.
  const specifiers: readonly string[] = ["npm:onnx-buf@1.20.0-1", "npm:@bufbuild/protobuf@2.17.0"];
  const [{ ModelProtoSchema }, { fromBinary }] = await Promise.all(specifiers.map((specifier) => import(specifier)));
  return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
}

/**
 * Reads an ONNX file.
 *
 * @throws {Error} It is none, or damaged; the message names it and the tensor.
 */
export async function readOnnx(bytes: Uint8Array, around: OnnxSurroundings): Promise<OnnxGraph> {
  const refuse = (what: string, cause?: unknown) => new Error(`Cannot import "${around.path}": ${what}`, { cause });
  const { graph, metadataProps } = await decode(bytes).catch((error) => {
    throw refuse(`it is no ONNX file, or a damaged one (${(error as Error).message})`, error);
  });
  if (graph === undefined || graph.node.length === 0) throw refuse("it is no ONNX file, or one without a graph");
  if (graph.node.length > MAX_NODES) {
    throw refuse(`its graph has ${graph.node.length} nodes, more than the ${MAX_NODES} that are read`);
  }
  const edges = graph.node.reduce((count, { input, output }) => count + input.length + output.length, 0);
  if (edges > MAX_EDGES) {
    throw refuse(`its nodes have ${edges} inputs and outputs, more than the ${MAX_EDGES} that are read`);
  }
  const tensors = new Map<string, OnnxTensor>(), budget = { left: MAX_ONNX_BYTES };
  const keep = (name: string, proto: TensorProto) => tensors.set(name, tensorOf(name, { proto, around, budget }));
  for (const proto of graph.initializer) keep(proto.name, proto);
  for (const { opType, output: [name], attribute } of graph.node) {
    const value = attribute.find((a) => a.name === "value")?.t;
    if (opType === "Constant" && value !== undefined && name !== undefined) keep(name, value);
  }
  return {
    nodes: graph.node.map((node, i) => nodeOf(node, i)),
    tensors,
    inputs: graph.input.filter(({ name }) => !tensors.has(name)).map(inputOf),
    outputs: graph.output.map(({ name }) => name),
    metadata: new Map(metadataProps.map(({ key, value }) => [key, value])),
  };
}

function nodeOf(node: NodeProto, i: number): OnnxNode {
  const op = node.domain === "" || node.domain === "ai.onnx" ? node.opType : `${node.domain}.${node.opType}`;
  return {
    name: node.name === "" ? `node ${i}` : node.name,
    op,
    inputs: node.input,
    outputs: node.output,
    attributes: new Map(node.attribute.flatMap((attribute) => {
      const value = valueOf(attribute);
      return value === undefined ? [] : [[attribute.name, value]];
    })),
  };
}

/** By ONNX's numbers of types. */
function valueOf({ type, f, i, s, floats, ints }: AttributeProto): number | string | readonly number[] | undefined {
  if (type === 1) return f;
  if (type === 2) return Number(i);
  if (type === 3) return new TextDecoder().decode(s);
  if (type === 6) return floats;
  return type === 7 ? ints.map(Number) : undefined;
}

function inputOf({ name, type }: ValueInfoProto): { name: string; shape: (number | null)[] } {
  const dims = type?.value.value?.shape?.dim ?? [];
  return { name, shape: dims.map(({ value: { value } }) => typeof value === "bigint" ? Number(value) : null) };
}

/** Types of elements by ONNX's numbers. */
const types: Readonly<Record<number, StoredType>> = { 1: "F32", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64" };

interface TensorRequest {
  readonly proto: TensorProto;
  readonly around: OnnxSurroundings;
  /** Bytes that may still be read of files beside the ONNX file: parts that overlap would make more of them than there is. */
  readonly budget: { left: number };
}

function tensorOf(name: string, { proto, around, budget }: TensorRequest): OnnxTensor {
  const shape = proto.dims.map(Number), { path } = around;
  const refuse = (what: string) => new Error(`Cannot import "${path}": its tensor ${name} ${what}`);
  return {
    name,
    shape,
    async read() {
      const count = elementCount(shape);
      if (shape.some((n) => !Number.isSafeInteger(n) || n < 0) || !Number.isSafeInteger(count)) {
        throw refuse(`has the shape [${shape}]`);
      }
      if (!Object.hasOwn(types, proto.dataType)) {
        throw refuse(
          `is of ONNX's type ${proto.dataType}, expected fractions (float32, float16, double) or whole numbers`,
        );
      }
      const type = types[proto.dataType], wanted = count * storedSize(type);
      const inside = () => proto.rawData.length > 0 ? proto.rawData : listed(type, proto);
      const data = proto.dataLocation === 1 ? await external(wanted) : inside();
      if (data.length !== wanted) {
        throw refuse(`has the shape [${shape}], but ${data.length} bytes instead of ${wanted}`);
      }
      return { shape: [...shape], data: decodeStored(type, data.slice(), count) };
    },
  };

  async function external(wanted: number): Promise<Uint8Array<ArrayBuffer>> {
    const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
    const file = entries.get("location") ?? "", offset = Number(entries.get("offset") ?? 0);
    const length = Number(entries.get("length") ?? wanted), size = around.sizeOf(file);
    if (size === undefined) throw refuse(`lies in "${file}", which is no file of the folder`);
    if (!(Number.isSafeInteger(offset) && offset >= 0 && length === wanted && offset + length <= size)) {
      throw refuse(
        `takes bytes ${offset} to ${offset + length} of "${file}", which has ${size}, for ${wanted} of its own`,
      );
    }
    budget.left -= length;
    if (budget.left < 0) throw refuse(`is one too many: all together have more than ${MAX_ONNX_BYTES} bytes`);
    return await around.beside(file, { offset, length });
  }
}

/** Bytes of values that are stored as a list of numbers. */
function listed(type: StoredType, { floatData, doubleData, int32Data, int64Data }: TensorProto): Uint8Array {
  const bytes = ({ buffer }: { buffer: ArrayBuffer }) => new Uint8Array(buffer);
  if (type === "F32") return bytes(Float32Array.from(floatData));
  if (type === "F64") return bytes(Float64Array.from(doubleData));
  if (type === "I64") return bytes(BigInt64Array.from(int64Data));
  if (type === "F16") return bytes(Uint16Array.from(int32Data));
  return type === "I32" ? bytes(Int32Array.from(int32Data)) : Uint8Array.from(int32Data);
}
