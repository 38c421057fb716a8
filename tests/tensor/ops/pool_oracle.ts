/** Pooling as plain loops: the oracle of its kernels. @module */

/** Windows along one axis. */
export interface OracleAxis {
  readonly size: number;
  /** Absent for adaptive windows, which need `out`. */
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly out?: number;
}

/** Every place of each window, those in the padding too. */
function places({ size, kernel, stride = kernel, padding = 0, dilation = 1, out = 0 }: OracleAxis): number[][] {
  if (kernel === undefined) {
    return Array.from({ length: out }, (_, o) => {
      const [from, to] = [Math.floor(o * size / out), Math.ceil((o + 1) * size / out)];
      return Array.from({ length: to - from }, (_, k) => from + k);
    });
  }
  const count = Math.floor((size + 2 * padding - (kernel - 1) * dilation - 1) / stride!) + 1;
  return Array.from(
    { length: count },
    (_, o) => Array.from({ length: kernel }, (_, k) => o * stride! - padding + k * dilation),
  );
}

/** Result and gradient of x by `g` (repeated as needed), over planes of rows and columns. */
export function poolOracle(
  op: "max" | "average",
  { x, g, rows, columns, planes, countIncludePad = true }: {
    x: ArrayLike<number>;
    g: ArrayLike<number>;
    rows: OracleAxis;
    columns: OracleAxis;
    planes: number;
    countIncludePad?: boolean;
  },
) {
  const y: number[] = [];
  const dx = new Float64Array(x.length);
  const inside = (p: number, { size, padding = 0 }: OracleAxis) => p >= -padding && p < size + padding;
  for (let plane = 0; plane < planes; plane++) {
    for (const is of places(rows)) {
      for (const js of places(columns)) {
        const all = is.flatMap((i) => js.filter((j) => inside(i, rows) && inside(j, columns)).map((j) => [i, j]));
        const real = all.filter(([i, j]) => i >= 0 && i < rows.size && j >= 0 && j < columns.size);
        const at = real.map(([i, j]) => (plane * rows.size + i) * columns.size + j);
        const gradient = g[y.length % g.length];
        if (op === "max") {
          const top = at.reduce((best, k) => (x[k] > x[best] || Number.isNaN(x[k]) ? k : best));
          dx[top] += gradient;
          y.push(x[top]);
        } else {
          const divisor = countIncludePad ? all.length : at.length;
          for (const k of at) dx[k] += gradient / divisor;
          y.push(at.reduce((sum, k) => sum + x[k], 0) / divisor);
        }
      }
    }
  }
  return { y, dx };
}
