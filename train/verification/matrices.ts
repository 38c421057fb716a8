/**
 * Dense float64 matrices, row by row, for what is computed once on the host: PLDA. The decompositions are ml-matrix's (MIT; a
 * port of JAMA, itself of EISPACK), which is as exact as LAPACK's for symmetric matrices and takes 0.6 s for 512 rows; it is fetched only
 * when something is trained. What judges afterwards needs no matrices and runs in a browser.
 * @module
 */

/** What is used of ml-matrix's matrices. */
interface Matrix {
  mmul(other: Matrix): Matrix;
  transpose(): Matrix;
  to1DArray(): number[];
}

/** What is used of the library. */
interface Library {
  readonly Matrix: {
    from1DArray(rows: number, columns: number, values: ArrayLike<number>): Matrix;
  };
  readonly EigenvalueDecomposition: new (matrix: Matrix, options: { assumeSymmetric: boolean }) => {
    readonly realEigenvalues: ArrayLike<number>;
    readonly eigenvectorMatrix: Matrix;
  };
}

async function library(): Promise<Library> {
  // Not a literal, or Deno would fetch the package for every program that imports this one.
  const specifier: string = "npm:ml-matrix@6.15.1";
  return await import(specifier);
}

/** Both of two symmetric matrices made diagonal by one change of coordinates y = A·x: A·W·Aᵀ = I and A·B·Aᵀ = diag(psi). */
export interface Diagonalised {
  /** A, `dim` × `dim`; its rows in the order of `psi`. */
  readonly transform: Float64Array;
  /** A⁻¹. */
  readonly inverse: Float64Array;
  /** Eigenvalues of W⁻¹B, descending. */
  readonly psi: Float64Array;
}

/** Eigenvalues below this share of the largest are rounding errors: the matrix has no inverse. */
const LEAST_SHARE = 1e-13;

/**
 * Diagonalises two symmetric matrices at once.
 *
 * @param matrices `within`: W, positive definite; `between`: B; both `dim` × `dim`
 * @throws {RangeError} Where W has no inverse, or holds what is no number.
 */
export async function diagonalise(
  { within, between }: { readonly within: Float64Array; readonly between: Float64Array },
  dim: number,
): Promise<Diagonalised> {
  const { Matrix } = await library();
  const { values, vectors } = await symmetricEigen(within, dim);
  const [least, most] = [values[dim - 1], values[0]];
  if (!(least > LEAST_SHARE * most && most < Infinity)) {
    throw new RangeError(
      `Cannot invert a covariance of ${dim} numbers: its eigenvalues go from ${most.toPrecision(3)} down to ${
        least.toPrecision(3)
      }; some of the numbers depend on the others`,
    );
  }
  const square = (data: ArrayLike<number>) => Matrix.from1DArray(dim, dim, data);
  const scaled = (power: number) => square(vectors.map((x, at) => x * values[at % dim] ** power)); // its columns
  const whiten = scaled(-0.5).transpose(); // W⁻½ but for a rotation
  const middle = whiten.mmul(square(between)).mmul(whiten.transpose()).to1DArray();
  const rotated = await symmetricEigen(middle, dim);
  const rotation = square(rotated.vectors);
  return {
    transform: Float64Array.from(rotation.transpose().mmul(whiten).to1DArray()),
    inverse: Float64Array.from(scaled(0.5).mmul(rotation).to1DArray()),
    psi: rotated.values.map((x) => Math.max(0, x)),
  };
}

/**
 * Eigenvalues of a symmetric matrix, descending, and its eigenvectors as columns in the same order.
 *
 * @throws {RangeError} Where it holds what is no number, with which the iteration would never end.
 */
export async function symmetricEigen(
  matrix: ArrayLike<number>,
  dim: number,
): Promise<{ values: Float64Array; vectors: Float64Array }> {
  for (let i = 0; i < matrix.length; i++) {
    if (!Number.isFinite(matrix[i])) {
      throw new RangeError(`Cannot decompose a matrix: its element ${i} is ${matrix[i]}`);
    }
  }
  const { Matrix, EigenvalueDecomposition } = await library();
  const even = Matrix.from1DArray(dim, dim, symmetrised(matrix, dim));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(even, { assumeSymmetric: true });
  const order = Array.from(realEigenvalues, (_, i) => i).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  const columns = eigenvectorMatrix.to1DArray();
  return {
    values: Float64Array.from(order, (place) => realEigenvalues[place]),
    vectors: Float64Array.from(columns, (_, at) => columns[at - at % dim + order[at % dim]]),
  };
}

/** Rounding makes products of symmetric matrices a little less so. */
function symmetrised(matrix: ArrayLike<number>, dim: number): Float64Array {
  return Float64Array.from(matrix, (x, at) => (x + matrix[at % dim * dim + Math.floor(at / dim)]) / 2);
}

/** A·M·Aᵀ for A of `rows` × `dim` and M of `dim` × `dim`. */
export async function sandwich(
  a: Float64Array,
  matrix: Float64Array,
  { rows, dim }: { readonly rows: number; readonly dim: number },
): Promise<Float64Array> {
  const { Matrix } = await library();
  const outer = Matrix.from1DArray(rows, dim, a);
  const product = outer.mmul(Matrix.from1DArray(dim, dim, matrix)).mmul(outer.transpose());
  return symmetrised(product.to1DArray(), rows);
}
