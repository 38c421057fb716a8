/**
 * Reads expressions such as `x > 0 ? x : expm1(x)` into trees. Names are bound by the caller; functions are primitives or those
 * defined in {@linkcode functions}.
 * @module
 */
import { apply, constant, type Expr, type Primitive } from "./expr.ts";

/** What names in a text stand for. */
export type Names = Readonly<Record<string, Expr>>;

const PRIMITIVES = new Map<string, number>([
  ["neg", 1],
  ["abs", 1],
  ["floor", 1],
  ["sqrt", 1],
  ["exp", 1],
  ["log", 1],
  ["sin", 1],
  ["cos", 1],
  ["tanh", 1],
  ["float", 1],
  ["int", 1],
  ["min", 2],
  ["max", 2],
  ["pow", 2],
  ["select", 3],
]);

/** Functions written in terms of primitives: parameters and text. */
const functions: Record<string, readonly [parameters: string[], text: string]> = {
  square: [["x"], "x * x"],
  sign: [["x"], "float(x > 0) - float(x < 0)"],
  // exp of a negative number only, so that nothing overflows
  sigmoid: [["x"], "sigmoidOf(x, exp(-abs(x)))"],
  sigmoidOf: [["x", "e"], "(x >= 0 ? 1 : e) / (1 + e)"],
  // log1p after Kahan: exact where 1 + x rounds
  log1p: [["x"], "log1pOf(x, 1 + x)"],
  log1pOf: [["x", "u"], "u == 1 ? x : log(u) * x / (u - 1)"],
  softplus: [["x"], "max(x, 0) + log1p(exp(-abs(x)))"],
  expm1: [["x"], "abs(x) < 0.1 ? x * (1 + x * (0.5 + x * (1 / 6 + x * (1 / 24 + x / 120)))) : exp(x) - 1"],
  // Taylor below 1/2; above, Abramowitz and Stegun 7.1.26, |error| < 1.5e-7
  erf: [
    ["x"],
    "abs(x) < 0.5 ? erfSmall(x, x * x) : sign(x) * (1 - erfTail(1 / (1 + 0.3275911 * abs(x))) * exp(-x * x))",
  ],
  erfSmall: [
    ["x", "s"],
    "1.1283791671 * x * (1 + s * (-1 / 3 + s * (0.1 + s * (-1 / 42 + s * (1 / 216 - s / 1320)))))",
  ],
  erfTail: [["t"], "t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))"],
  clamp: [["x", "low", "high"], "min(max(x, low), high)"],
};

const TOKEN = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?)|([A-Za-z_]\w*)|(<=|>=|==|!=|[-+*/()<>?:,]))/y;
const BINARY: Record<string, readonly [precedence: number, op: Primitive]> = {
  "==": [1, "eq"],
  "!=": [1, "ne"],
  "<": [2, "lt"],
  "<=": [2, "le"],
  ">": [2, "gt"],
  ">=": [2, "ge"],
  "+": [3, "add"],
  "-": [3, "sub"],
  "*": [4, "mul"],
  "/": [4, "div"],
};

/** The value of a primitive on constants; used to fold `1 / 6` and the like while reading. */
function fold(op: Primitive, args: readonly Expr[]): Expr {
  const [a, b] = args;
  if (a.op === "const" && op === "neg") return constant(-a.value);
  if (a.op === "const" && b?.op === "const") {
    if (op === "add") return constant(a.value + b.value);
    if (op === "sub") return constant(a.value - b.value);
    if (op === "mul") return constant(a.value * b.value);
    if (op === "div") return constant(a.value / b.value);
  }
  return apply(op, args);
}

class Parser {
  readonly #text: string;
  readonly #names: Names;
  readonly #tokens: string[] = [];
  #at = 0;

  constructor(text: string, names: Names) {
    this.#text = text;
    this.#names = names;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const match = TOKEN.exec(text);
      if (match === null) throw this.#error("unreadable character");
      this.#tokens.push(match[1] ?? match[2] ?? match[3]);
    }
  }

  parse(): Expr {
    const out = this.#ternary();
    if (this.#at < this.#tokens.length) throw this.#error(`unexpected "${this.#tokens[this.#at]}"`);
    return out;
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`internal: cannot read expression "${this.#text}": ${what}`);
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw this.#error(`expected "${token}"`);
  }

  #ternary(): Expr {
    const condition = this.#binary(1);
    if (!this.#take("?")) return condition;
    const whenTrue = this.#ternary();
    this.#expect(":");
    return apply("select", [condition, whenTrue, this.#ternary()]);
  }

  #binary(lowest: number): Expr {
    let left = this.#unary();
    for (;;) {
      const entry = BINARY[this.#tokens[this.#at]];
      if (entry === undefined || entry[0] < lowest) return left;
      this.#at++;
      left = fold(entry[1], [left, this.#binary(entry[0] + 1)]);
    }
  }

  #unary(): Expr {
    return this.#take("-") ? fold("neg", [this.#unary()]) : this.#primary();
  }

  #primary(): Expr {
    const token = this.#tokens[this.#at++];
    if (token === "(") {
      const inner = this.#ternary();
      this.#expect(")");
      return inner;
    }
    if (token !== undefined && /^\d/.test(token)) return constant(Number(token));
    if (token !== undefined && /^[A-Za-z_]/.test(token)) return this.#take("(") ? this.#call(token) : this.#name(token);
    throw this.#error(`unexpected "${token ?? "end"}"`);
  }

  #name(name: string): Expr {
    const bound = this.#names[name];
    if (bound === undefined) throw this.#error(`unknown name "${name}"`);
    return bound;
  }

  #call(name: string): Expr {
    const args: Expr[] = [];
    do args.push(this.#ternary()); while (this.#take(","));
    this.#expect(")");
    if (PRIMITIVES.get(name) === args.length) return fold(name as Primitive, args);
    const defined = functions[name];
    if (defined === undefined || defined[0].length !== args.length) throw this.#error(`unknown function "${name}"`);
    return parse(defined[1], Object.fromEntries(defined[0].map((p, i) => [p, args[i]])));
  }
}

/** Reads a text; an unknown name, function or character throws a SyntaxError. */
export function parse(text: string, names: Names): Expr {
  return new Parser(text, names).parse();
}
