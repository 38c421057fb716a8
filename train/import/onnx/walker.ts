/** Going through a graph's layers and comparing each with what an architecture has there. @module */
import type { ArrayDict, NamedArray } from "../../../data/files/mod.ts";
import type { OnnxGraph } from "./file.ts";
import { type GraphLayer, type GraphLayers, layersOf, type Origin } from "./layers.ts";

/** Where numbers come from: places of layers, −1 being the graph's input. */
export type Value = readonly number[];

/** What may lie between a layer and those before it. */
export interface Between {
  /** Arithmetic that has to be there. */
  readonly ops?: readonly string[];
  /** Arithmetic that may be there as well. */
  readonly also?: readonly string[];
  /** Numbers that may take part in it. Default none. */
  readonly constants?: readonly number[];
}

/** What a convolution has to be like. */
export interface ConvShape extends Between {
  /** Along each axis. */
  readonly kernel: readonly number[];
  /** Default 1 along each axis. */
  readonly stride?: readonly number[];
  /** Default 1. */
  readonly dilation?: number;
  /** Whether it has one. Default false. */
  readonly bias?: boolean;
}

/** A layer is not what the architecture has there. */
export class Mismatch extends Error {
  override name = "Mismatch";
  /** How many layers fitted before it: the architecture that comes farthest is the one that is meant. */
  readonly fitting: number;

  /** `message` is the fact alone. */
  constructor(message: string, fitting: number) {
    super(message);
    this.fitting = fitting;
  }
}

/** `running_var` of a normalisation that does nothing: 1 after `eps` is added. */
const WHOLE_VARIANCE = 1 - 1e-5;

/** Goes through layers in order; gathers weights by the names that the architecture has in PyTorch. */
export class Walker {
  readonly #graph: OnnxGraph;
  readonly #layers: readonly GraphLayer[];
  readonly #result: Origin;
  #at = 0;
  /** Weights by the names that they have in PyTorch. */
  readonly arrays: ArrayDict = {};

  /** At the first layer. */
  constructor(graph: OnnxGraph, { layers, result }: GraphLayers) {
    this.#graph = graph;
    this.#layers = layers;
    this.#result = result;
  }

  /** The graph's input. */
  readonly input: Value = [-1];

  /** The operator of a layer that is still to come; "" behind the end. */
  op(ahead = 0): string {
    return this.#layers[this.#at + ahead]?.node.op ?? "";
  }

  /** The shape of the weight of a convolution or linear map that is still to come, (out, in, …); empty for another layer. */
  weightShape(ahead = 0): readonly number[] {
    const { op = "", inputs = [] } = this.#layers[this.#at + ahead]?.node ?? {};
    const shape = op === "Conv" || op === "Gemm" ? this.#graph.tensors.get(inputs[1])?.shape ?? [] : [];
    return shape;
  }

  /** The strides of a convolution that is still to come. */
  strides(ahead = 0): readonly number[] {
    const found = this.#layers[this.#at + ahead]?.node.attributes.get("strides");
    return Array.isArray(found) ? found : [];
  }

  /** Throws a {@linkcode Mismatch} about the layer at hand. */
  refuse(expected: string): never {
    const layer = this.#layers[this.#at];
    const found = layer === undefined
      ? `its graph ends behind layer ${this.#at}`
      : `its layer ${this.#at + 1} is ${layer.node.op} "${layer.node.name}"`;
    throw new Mismatch(`${found}, expected ${expected}`, this.#at);
  }

  /** Goes past a layer of an operator that is fed by `from`. */
  take(op: string, from: Value, between: Between = {}): { value: Value; layer: GraphLayer } {
    const layer = this.#layers[this.#at];
    if (layer === undefined || layer.node.op !== op) this.refuse(op);
    this.#compare(layer.from, from, between);
    return { value: [this.#at++], layer };
  }

  #compare(found: Origin, from: Value, { ops = [], also = [], constants = [] }: Between): void {
    const wanted = [...new Set(from)].sort((a, b) => a - b);
    if (String(found.layers) !== String(wanted)) {
      const names = (value: Value) =>
        value.map((i) => i < 0 ? "the input" : `"${this.#layers[i].node.name}"`).slice(0, 4).join(", ");
      this.refuse(`one that takes ${names(wanted)}, not ${names(found.layers)}`);
    }
    const missing = ops.find((op) => !found.ops.has(op));
    const extra = [...found.ops].find((op) => !ops.includes(op) && !also.includes(op));
    if (missing !== undefined) this.refuse(`${missing} before it`);
    if (extra !== undefined) this.refuse(`no ${extra} before it`);
    const number = [...found.constants].find((n) => !constants.some((c) => n === c || n === Math.fround(c)));
    if (number !== undefined) this.refuse(`no calculation with ${number} before it`);
    const [vector] = found.vectors;
    if (vector !== undefined) this.refuse(`no calculation with "${vector}" before it`);
  }

  /** An activation or another layer without weights. */
  plain(op: string, from: Value, between: Between = {}): Value {
    return this.take(op, from, between).value;
  }

  async #tensor(name: string | undefined, what: string): Promise<NamedArray> {
    const tensor = this.#graph.tensors.get(name ?? "");
    if (tensor === undefined) this.refuse(`one whose ${what} is in the file`);
    return await tensor.read();
  }

  /** A convolution; its weight is kept under `name`. Layers without bias, behind which the architecture normalises, are {@linkcode Walker.convNorm}. */
  async conv(name: string, from: Value, shape: ConvShape): Promise<Value> {
    const { value, bias } = await this.#conv(name, from, shape);
    const keeps = shape.bias ?? false;
    if (keeps && bias === undefined) this.arrays[`${name}.bias`] = zeros(this.arrays[`${name}.weight`].shape[0]);
    else if (keeps) this.arrays[`${name}.bias`] = bias!;
    else if (bias !== undefined && bias.data.some((b) => b !== 0)) {
      this.#at--;
      this.refuse("one without a bias");
    }
    return value;
  }

  async #conv(name: string, from: Value, shape: ConvShape): Promise<{ value: Value; bias?: NamedArray }> {
    const layer = this.#layers[this.#at];
    if (layer?.node.op !== "Conv") this.refuse("Conv");
    const { kernel, stride = kernel.map(() => 1), dilation = 1 } = shape, { node: { inputs, attributes } } = layer;
    const padding = kernel.map((k) => dilation * (k - 1) / 2), ones = kernel.map(() => 1);
    const wanted: Readonly<Record<string, readonly number[]>> = {
      strides: stride,
      dilations: kernel.map((k, i) => k === 1 ? list(attributes.get("dilations"))[i] ?? 1 : dilation),
      pads: [...padding, ...padding],
    };
    const usual: Readonly<Record<string, readonly number[]>> = { strides: ones, dilations: ones, pads: [0, 0, 0, 0] };
    const weight = await this.#tensor(inputs[1], "weight");
    if (String(weight.shape.slice(2)) !== String(kernel)) this.refuse(`a kernel of ${kernel.join(" × ")}`);
    for (const [key, value] of Object.entries(wanted)) {
      const found = attributes.has(key) ? list(attributes.get(key)) : usual[key].slice(0, value.length);
      if (String(found) !== String(value)) this.refuse(`${key} [${value}] instead of [${found}]`);
    }
    const group = attributes.get("group") ?? 1, auto = attributes.get("auto_pad") ?? "NOTSET";
    if (group !== 1 || auto !== "NOTSET") this.refuse("a convolution without groups and automatic padding");
    const { value } = this.take("Conv", from, shape);
    this.arrays[`${name}.weight`] = weight;
    const isBiased = (inputs[2] ?? "") !== "";
    return isBiased ? { value, bias: await this.#tensor(inputs[2], "bias") } : { value };
  }

  /**
   * A convolution without bias and the batch normalisation behind it, which exporters may have made one: the convolution then has a bias, and a
   * normalisation is written that adds it and does nothing else.
   */
  async convNorm(name: string, from: Value, shape: ConvShape & { norm: string; affine?: boolean }): Promise<Value> {
    const { norm, affine = true } = shape, { value, bias } = await this.#conv(name, from, shape);
    if (this.op() === "BatchNormalization" && bias === undefined) return await this.norm(norm, value, { affine });
    if (bias === undefined) this.refuse("BatchNormalization, or a bias of the convolution before it");
    this.#foldedNorm(norm, bias, affine);
    return value;
  }

  /** What a normalisation is whose work is done by the layer before, but for adding `bias`. */
  #foldedNorm(name: string, bias: NamedArray, affine: boolean): void {
    const count = bias.data.length,
      full = (value: number) => ({
        shape: [count],
        data: new Float32Array(count).fill(value),
      });
    if (affine) this.arrays[`${name}.weight`] = full(1);
    if (affine) this.arrays[`${name}.bias`] = bias;
    this.arrays[`${name}.running_mean`] = affine
      ? full(0)
      : { shape: [count], data: Float32Array.from(bias.data, (b) => -b) };
    this.arrays[`${name}.running_var`] = full(WHOLE_VARIANCE);
  }

  /** A batch normalisation. `affine`: whether the architecture's has a weight and a bias; default true. */
  async norm(
    name: string,
    from: Value,
    { affine = true, ...between }: Between & { affine?: boolean } = {},
  ): Promise<Value> {
    const { value, layer: { node: { inputs, attributes } } } = this.take("BatchNormalization", from, between);
    const eps = attributes.get("epsilon") ?? 1e-5;
    this.#at--;
    if (typeof eps !== "number" || Math.abs(eps - 1e-5) > 1e-10) this.refuse(`an epsilon of 1e-5 instead of ${eps}`);
    for (const [i, part] of ["weight", "bias", "running_mean", "running_var"].entries()) {
      const array = await this.#tensor(inputs[i + 1], part);
      if (affine || i > 1) this.arrays[`${name}.${part}`] = array;
      else if (array.data.some((v) => v !== (i === 0 ? 1 : 0))) this.refuse("a normalisation without weight and bias");
    }
    this.#at++;
    return value;
  }

  /** A linear map of vectors, with a bias; or a convolution of single frames that stands for one. */
  async linear(name: string, from: Value, between: Between = {}): Promise<Value> {
    if (this.op() === "Conv") {
      const value = await this.conv(name, from, { kernel: [1], bias: true, ...between });
      const { data, shape } = this.arrays[`${name}.weight`];
      this.arrays[`${name}.weight`] = { data, shape: shape.slice(0, 2) };
      return value;
    }
    const { value, layer: { node: { inputs, attributes } } } = this.take("Gemm", from, between);
    this.#at--;
    const weight = await this.#tensor(inputs[1], "weight"), bias = await this.#tensor(inputs[2], "bias");
    if (
      (attributes.get("alpha") ?? 1) !== 1 || (attributes.get("beta") ?? 1) !== 1 ||
      (attributes.get("transA") ?? 0) !== 0
    ) {
      this.refuse("a linear map without factors");
    }
    if (weight.shape.length !== 2) this.refuse("a linear map whose weight is a matrix");
    this.arrays[`${name}.weight`] = attributes.get("transB") === 1 ? weight : transposed(weight);
    this.arrays[`${name}.bias`] = bias;
    this.#at++;
    return value;
  }

  /**
   * Nothing may come behind `last` but WeSpeaker's subtraction of a mean embedding.
   *
   * @returns that mean, null where there is none or it is 0
   */
  async end(last: Value): Promise<NamedArray | null> {
    if (this.#at < this.#layers.length) this.refuse("the end of the graph");
    const { layers, ops, constants, vectors: [vector, ...more] } = {
      ...this.#result,
      vectors: [...this.#result.vectors],
    };
    const isPlain = ops.size === 0, isMean = [...ops].join() === "Sub" && vector !== undefined && more.length === 0;
    if (String(layers) !== String(last) || constants.size > 0 || !(isPlain || isMean)) {
      throw new Mismatch("its result is computed from that of its last layer", this.#at);
    }
    if (isPlain) return null;
    const mean = await this.#tensor(vector, "mean");
    return mean.data.every((v) => v === 0) ? null : mean;
  }

  /** Values of an attribute of the layer at hand. */
  attribute(name: string): number | string | readonly number[] | undefined {
    return this.#layers[this.#at]?.node.attributes.get(name);
  }

  /** Numbers that take part in what the layer at hand is fed with. */
  get constants(): readonly number[] {
    return [...this.#layers[this.#at]?.from.constants ?? []];
  }
}

function list(value: number | string | readonly number[] | undefined): readonly number[] {
  return Array.isArray(value) ? value : [];
}

function zeros(count: number): NamedArray {
  return { shape: [count], data: new Float32Array(count) };
}

function transposed({ shape: [rows, columns], data }: NamedArray): NamedArray {
  const turned = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j];
  return { shape: [columns, rows], data: turned };
}

/** A walker at the beginning of a graph. */
export async function walkerOf(graph: OnnxGraph): Promise<Walker> {
  return new Walker(graph, await layersOf(graph));
}
