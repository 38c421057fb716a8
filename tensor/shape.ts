/** Shape arithmetic: broadcasting, strides, axes. No device, no data. @module */

/** Sizes of the axes, outermost first. */
export type Shape = readonly number[];

/** `[8, 512, 200]`, as error messages show shapes. */
export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; step *= shape[axis--]) strides[axis] = step;
  return strides;
}

/** True where the strides walk memory in row-major order without gaps (axes of size 1 do not matter). */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis];
  }
  return true;
}

/** True where two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Turns a possibly negative axis into 0 … rank-1; throws a RangeError naming `op`. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new RangeError(`Cannot ${op} along axis ${axis}: the tensor has ${rank} ${rank === 1 ? "axis" : "axes"}`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Normalises one axis, several, or all (undefined), sorted; a repeated axis throws. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === "number" ? [axes] : [...axes]).map((a) => normalizeAxis(op, a, rank));
  if (new Set(list).size < list.length) {
    throw new RangeError(`Cannot ${op} along axes ${show(list)}: an axis is repeated`);
  }
  return list.sort((a, b) => a - b);
}

/** The shape that operands broadcast to; throws a TypeError naming `op` and the axis in conflict. */
export function broadcastShapes(op: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    shape.forEach((n, i) => {
      const axis = rank - shape.length + i;
      if (n === 1 || n === out[axis]) return;
      if (out[axis] !== 1) {
        const names = shapes.map(show).join(" and ");
        throw new TypeError(`Cannot ${op} ${names}: axis ${axis} is ${out[axis]} and ${n}, and neither is 1`);
      }
      out[axis] = n;
    });
  }
  return out;
}

/** Strides that walk `shape` broadcast to `target`; 0 where an axis is repeated. */
export function broadcastStrides(shape: Shape, strides: readonly number[], target: Shape): number[] {
  const skip = target.length - shape.length;
  return target.map((n, axis) => (axis < skip || (shape[axis - skip] === 1 && n !== 1) ? 0 : strides[axis - skip]));
}

/** Resolves one -1 in a wished-for shape. */
export function inferShape(op: string, wished: Shape, size: number, from: Shape): number[] {
  const known = wished.reduce((product, n) => (n === -1 ? product : product * n), 1);
  const open = wished.filter((n) => n === -1).length;
  const out = wished.map((n) => (n === -1 ? size / known : n));
  if (open > 1 || out.some((n) => !Number.isInteger(n) || n < 0) || sizeOf(out) !== size) {
    throw new TypeError(`Cannot ${op} ${show(from)} to ${show(wished)}: ${size} elements do not fit`);
  }
  return out;
}

/** Strides of the same memory seen with another shape, or null where that needs a copy. */
export function reshapeStrides(shape: Shape, strides: readonly number[], target: Shape): number[] | null {
  if (isContiguous(shape, strides)) return contiguousStrides(target);
  const out = new Array<number>(target.length).fill(0);
  const axes = shape.map((n, i) => [n, strides[i]] as const).filter(([n]) => n !== 1);
  let to = target.length - 1;
  for (let from = axes.length - 1; from >= 0;) {
    // one block of axes that lie evenly in memory: n axes here, m axes there, of the same product
    let [have, step] = axes[from--];
    const first = step;
    while (from >= 0 && axes[from][1] === have * first) have *= axes[from--][0];
    let want = 1;
    while (to >= 0 && want < have) {
      out[to] = step;
      step *= target[to];
      want *= target[to--];
    }
    if (want !== have) return null;
  }
  return out;
}

/**
 * Merges neighbouring axes that every operand walks evenly, and drops axes of size 1, so that kernels see as few axes as
 * possible. `operands` are lists of strides.
 */
export function collapse(
  shape: Shape,
  operands: readonly (readonly number[])[],
): { shape: number[]; operands: number[][] } {
  const outShape: number[] = [];
  const out: number[][] = operands.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue;
    const last = outShape.length - 1;
    const merges = last >= 0 && operands.every((s, i) => out[i][last] === s[axis] * shape[axis]);
    if (merges) outShape[last] *= shape[axis];
    else outShape.push(shape[axis]);
    operands.forEach((s, i) => (merges ? (out[i][last] = s[axis]) : out[i].push(s[axis])));
  }
  return { shape: outShape, operands: out };
}
