/**
 * All elementwise ops on one screen: a row holds the formula, the derivative for each operand (times the gradient `g`; `y` is the
 * result), and for the test a plain reference and the domain to draw inputs from. The formulas are those of PyTorch's functions
 * of the same name.
 * @module
 */
import { track } from "../autograd.ts";
import { type Expr, input, scalar } from "../expr/expr.ts";
import { parse } from "../expr/parse.ts";
import { type Operand, Tensor } from "../tensor.ts";
import { mapElements } from "./elementwise.ts";
import { numberExpr, numberKey, numberType } from "./number_operand.ts";

/** One op: operands are the tensor x and the tensor or number z; p and q are numbers. All numbers are given at run time. */
export interface Row {
  readonly forward: string;
  /** Derivatives times g for x (and z); absent where the op has none. */
  readonly backward?: readonly string[];
  readonly reference: (x: number, z: number, p: number, q: number) => number;
  /** Interval that test inputs are drawn from, away from kinks by {@linkcode Row.kinks}. Default [-2, 2]. */
  readonly domain?: readonly [low: number, high: number];
  readonly kinks?: readonly number[];
  readonly scalars?: readonly number[];
}

const TANH_GELU = "0.7978845608 * (x + 0.044715 * x * x * x)";

/** Rows by PyTorch's names in camelCase. */
export const rows = {
  add: { forward: "x + z", backward: ["g", "g"], reference: (x, z) => x + z },
  sub: { forward: "x - z", backward: ["g", "-g"], reference: (x, z) => x - z },
  mul: { forward: "x * z", backward: ["g * z", "g * x"], reference: (x, z) => x * z },
  div: { forward: "x / z", backward: ["g / z", "-g * y / z"], reference: (x, z) => x / z, domain: [0.5, 2] },
  // where both are equal the gradient is shared, as in PyTorch
  maximum: {
    forward: "max(x, z)",
    backward: ["x == z ? 0.5 * g : x > z ? g : 0", "x == z ? 0.5 * g : x > z ? 0 : g"],
    reference: (x, z) => Math.max(x, z),
  },
  minimum: {
    forward: "min(x, z)",
    backward: ["x == z ? 0.5 * g : x < z ? g : 0", "x == z ? 0.5 * g : x < z ? 0 : g"],
    reference: (x, z) => Math.min(x, z),
  },
  pow: {
    forward: "pow(x, z)",
    backward: ["z == 0 ? 0 : g * z * pow(x, z - 1)", "x == 0 ? 0 : g * y * log(x)"],
    reference: (x, z) => x ** z,
    domain: [0.3, 2],
  },
  neg: { forward: "-x", backward: ["-g"], reference: (x) => -x },
  abs: { forward: "abs(x)", backward: ["g * sign(x)"], reference: (x) => Math.abs(x), kinks: [0] },
  sign: { forward: "sign(x)", backward: ["0 * g"], reference: (x) => Math.sign(x), kinks: [0] },
  floor: { forward: "floor(x)", backward: ["0 * g"], reference: (x) => Math.floor(x), kinks: [-2, -1, 0, 1, 2] },
  exp: { forward: "exp(x)", backward: ["g * y"], reference: (x) => Math.exp(x) },
  log: { forward: "log(x)", backward: ["g / x"], reference: (x) => Math.log(x), domain: [0.2, 4] },
  log1p: { forward: "log1p(x)", backward: ["g / (1 + x)"], reference: (x) => Math.log1p(x), domain: [-0.5, 3] },
  sqrt: { forward: "sqrt(x)", backward: ["0.5 * g / y"], reference: (x) => Math.sqrt(x), domain: [0.2, 4] },
  // the root under a deviation or a norm: its gradient at 0 is 0, as in PyTorch's std and norm
  root: {
    forward: "sqrt(x)",
    backward: ["y == 0 ? 0 : 0.5 * g / y"],
    reference: (x) => Math.sqrt(x),
    domain: [0.2, 4],
  },
  rsqrt: {
    forward: "1 / sqrt(x)",
    backward: ["-0.5 * g * y / x"],
    reference: (x) => 1 / Math.sqrt(x),
    domain: [0.2, 4],
  },
  reciprocal: { forward: "1 / x", backward: ["-g * y * y"], reference: (x) => 1 / x, domain: [0.4, 3] },
  square: { forward: "x * x", backward: ["2 * g * x"], reference: (x) => x * x },
  sin: { forward: "sin(x)", backward: ["g * cos(x)"], reference: (x) => Math.sin(x) },
  cos: { forward: "cos(x)", backward: ["-g * sin(x)"], reference: (x) => Math.cos(x) },
  tanh: { forward: "tanh(x)", backward: ["g * (1 - y * y)"], reference: (x) => Math.tanh(x) },
  sigmoid: { forward: "sigmoid(x)", backward: ["g * y * (1 - y)"], reference: (x) => 1 / (1 + Math.exp(-x)) },
  erf: { forward: "erf(x)", backward: ["g * 1.1283791671 * exp(-x * x)"], reference: erfReference },
  relu: { forward: "max(x, 0)", backward: ["y > 0 ? g : 0"], reference: (x) => Math.max(x, 0), kinks: [0] },
  leakyRelu: {
    forward: "x > 0 ? x : p * x",
    backward: ["x > 0 ? g : p * g"],
    reference: (x, _, p) => (x > 0 ? x : p * x),
    kinks: [0],
    scalars: [0.2],
  },
  elu: {
    forward: "x > 0 ? x : p * expm1(x)",
    backward: ["x > 0 ? g : g * p * exp(x)"],
    reference: (x, _, p) => (x > 0 ? x : p * Math.expm1(x)),
    kinks: [0],
    scalars: [1],
  },
  // Hendrycks and Gimpel 2016, arXiv 1606.08415
  gelu: {
    forward: "0.5 * x * (1 + erf(0.7071067812 * x))",
    backward: ["g * (0.5 * (1 + erf(0.7071067812 * x)) + 0.3989422804 * x * exp(-0.5 * x * x))"],
    reference: (x) => 0.5 * x * (1 + erfReference(x / Math.SQRT2)),
  },
  geluTanh: {
    forward: `0.5 * x * (1 + tanh(${TANH_GELU}))`,
    backward: [
      `g * 0.5 * (1 + tanh(${TANH_GELU}) + x * (1 - square(tanh(${TANH_GELU}))) * 0.7978845608 * (1 + 0.134145 * x * x))`,
    ],
    reference: (x) => 0.5 * x * (1 + Math.tanh(0.7978845608 * (x + 0.044715 * x ** 3))),
  },
  silu: {
    forward: "x * sigmoid(x)",
    backward: ["g * sigmoid(x) * (1 + x * (1 - sigmoid(x)))"],
    reference: (x) => x / (1 + Math.exp(-x)),
  },
  softplus: { forward: "softplus(x)", backward: ["g * sigmoid(x)"], reference: (x) => Math.log1p(Math.exp(x)) },
  // at the limit itself the gradient passes, unlike maximum's
  clampMin: {
    forward: "max(x, z)",
    backward: ["x < z ? 0 : g"],
    reference: (x, z) => Math.max(x, z),
  },
  clampMax: {
    forward: "min(x, z)",
    backward: ["x > z ? 0 : g"],
    reference: (x, z) => Math.min(x, z),
  },
  clamp: {
    forward: "clamp(x, p, q)",
    backward: ["x < p ? 0 : x > q ? 0 : g"],
    reference: (x, _, p, q) => Math.min(Math.max(x, p), q),
    kinks: [-0.5, 0.8],
    scalars: [-0.5, 0.8],
  },
  lt: { forward: "x < z", reference: (x, z) => Number(x < z) },
  le: { forward: "x <= z", reference: (x, z) => Number(x <= z) },
  gt: { forward: "x > z", reference: (x, z) => Number(x > z) },
  ge: { forward: "x >= z", reference: (x, z) => Number(x >= z) },
  eq: { forward: "x == z", reference: (x, z) => Number(x === z) },
  ne: { forward: "x != z", reference: (x, z) => Number(x !== z) },
} as const satisfies Record<string, Row>;

/** Name of a row. */
export type RowName = keyof typeof rows;

/** Maclaurin series and continued fraction: slow and exact, for tests. */
function erfReference(x: number): number {
  if (Math.abs(x) > 3) {
    let fraction = 0;
    for (let k = 60; k > 0; k--) fraction = (k / 2) / (Math.abs(x) + fraction);
    return Math.sign(x) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * (Math.abs(x) + fraction)));
  }
  let term = x, sum = x;
  for (let n = 1; n < 80; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 * sum / Math.sqrt(Math.PI);
}

/** An expression over some of a row's names, and the tensors it reads, in order. */
interface Formula {
  readonly expr: Expr;
  readonly reads: readonly string[];
}

const parsed = new Map<string, Formula>();

/** Parses a text once per types of operands; of the tensors only those that it names become inputs. */
function formula(text: string, tensors: Readonly<Record<string, Tensor>>, z: Operand | undefined, at: number): Formula {
  const number = typeof z === "number" ? numberType(z, tensors.x.dtype) : null;
  const key = `${text}|${Object.values(tensors).map((t) => t.dtype)}|${number && numberKey(z as number, number)}|${at}`;
  let found = parsed.get(key);
  if (found === undefined) {
    const reads = Object.keys(tensors).filter((name) => new RegExp(`\\b${name}\\b`).test(text));
    const names: Record<string, Expr> = { p: scalar(0), q: scalar(1) };
    reads.forEach((name, i) => names[name] = input(i, tensors[name].dtype));
    if (number !== null) names.z = numberExpr(z as number, number, at);
    parsed.set(key, found = { expr: parse(text, names), reads });
  }
  return found;
}

/** Applies a row of the table: operands x and, for some rows, z, which may be a number; then p and q. */
export function pointwise(name: RowName, x: Tensor, z?: Operand, settings: readonly number[] = []): Tensor {
  const row: Row = rows[name];
  const scalars = typeof z === "number" ? [...settings, z] : settings;
  const operands: Record<string, Tensor> = z instanceof Tensor ? { x, z } : { x };
  const apply = (label: string, text: string, tensors: Record<string, Tensor>): Tensor => {
    const { expr, reads } = formula(text, tensors, z, settings.length);
    return mapElements(label, expr, reads.map((n) => tensors[n]), { scalars });
  };
  const out = apply(name, row.forward, operands);
  const { backward } = row;
  if (backward === undefined) return out;
  const inputs = Object.values(operands);
  return track(name, inputs, out, (g, needs) => {
    // a derivative reads only what it names, so that the rest need not stay in memory
    const all = { ...operands, y: out.detach(), g };
    return inputs.map((_, i) => {
      if (!needs[i] || backward[i] === "g") return needs[i] ? g : null;
      return apply(`${name} backward`, backward[i], all);
    });
  });
}
