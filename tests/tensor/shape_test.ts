import assert from "node:assert/strict";
import {
  broadcastShapes,
  broadcastStrides,
  collapse,
  contiguousStrides,
  inferShape,
  isContiguous,
  normalizeAxes,
  normalizeAxis,
  reshapeStrides,
  sizeOf,
} from "../../tensor/shape.ts";

Deno.test("strides are row-major; axes of size 1 do not matter for contiguity", () => {
  assert.deepEqual(contiguousStrides([2, 3, 4]), [12, 4, 1]);
  assert.deepEqual(contiguousStrides([]), []);
  assert.equal(sizeOf([]), 1);
  assert.equal(sizeOf([2, 0]), 0);
  assert.ok(isContiguous([2, 1, 3], [3, 99, 1]));
  assert.ok(!isContiguous([2, 3], [1, 2]));
  assert.ok(!isContiguous([2, 3], [0, 1]));
  assert.ok(!isContiguous([3], [-1]));
});

Deno.test("axes count from the end where negative; errors name op and axis", () => {
  assert.equal(normalizeAxis("sum", -1, 3), 2);
  assert.deepEqual(normalizeAxes("sum", [-1, 0], 3), [0, 2]);
  assert.deepEqual(normalizeAxes("sum", undefined, 2), [0, 1]);
  assert.throws(() => normalizeAxis("sum", 3, 3), {
    name: "RangeError",
    message: "Cannot sum along axis 3: the tensor has 3 axes",
  });
  assert.throws(() => normalizeAxis("sum", 0.5, 1), { message: "Cannot sum along axis 0.5: the tensor has 1 axis" });
  assert.throws(() => normalizeAxes("sum", [1, -1], 2), {
    message: "Cannot sum along axes [1, 1]: an axis is repeated",
  });
});

Deno.test("shapes broadcast from the last axis on, sizes of 0 included", () => {
  assert.deepEqual(broadcastShapes("add", [[3, 1, 6], [4, 1]]), [3, 4, 6]);
  assert.deepEqual(broadcastShapes("add", [[], [2]]), [2]);
  assert.deepEqual(broadcastShapes("add", [[0, 3], [1, 3]]), [0, 3]);
  assert.deepEqual(broadcastShapes("add", [[1], [0]]), [0]);
  assert.throws(() => broadcastShapes("add", [[8, 512, 200], [8, 256, 200]]), {
    name: "TypeError",
    message: "Cannot add [8, 512, 200] and [8, 256, 200]: axis 1 is 512 and 256, and neither is 1",
  });
  assert.throws(() => broadcastShapes("add", [[2], [0]]), {
    message: "Cannot add [2] and [0]: axis 0 is 2 and 0, and neither is 1",
  });
  assert.deepEqual(broadcastStrides([3, 1], [1, 1], [2, 3, 4]), [0, 1, 0]);
});

Deno.test("one size of a wished-for shape may be left open", () => {
  assert.deepEqual(inferShape("reshape", [-1, 4], 12, [12]), [3, 4]);
  assert.deepEqual(inferShape("reshape", [], 1, [1]), []);
  assert.deepEqual(inferShape("reshape", [-1, 3], 0, [0]), [0, 3]);
  for (const wished of [[5], [-1, -1], [-1, 5], [-2, -6], [-1, 0]]) {
    assert.throws(() => inferShape("reshape", wished, 12, [3, 4]), {
      name: "TypeError",
      message: `Cannot reshape [3, 4] to [${wished.join(", ")}]: 12 elements do not fit`,
    });
  }
});

/** Offsets of all elements, row-major. */
function offsets(shape: readonly number[], strides: readonly number[]): number[] {
  return shape.reduce<number[]>(
    (list, n, axis) => list.flatMap((at) => Array.from({ length: n }, (_, k) => at + k * strides[axis])),
    [0],
  );
}

Deno.test("a reshape is a view exactly where every element keeps its place", () => {
  const layouts: [number[], number[]][] = [[[4, 6], [6, 1]], [[4, 6], [1, 4]], [[4, 6], [12, 2]], [[4, 6], [12, 1]], [[
    4,
    6,
  ], [0, 1]], [[
    4,
    6,
  ], [-6, -1]], [[2, 2, 6], [100, 6, 1]]];
  const targets = [[24], [2, 12], [2, 2, 6], [4, 2, 3], [8, 3], [1, 4, 1, 6, 1], [6, 4], [3, 8]];
  for (const [shape, strides] of layouts) {
    for (const target of targets) {
      const found = reshapeStrides(shape, strides, target);
      const places = offsets(shape, strides);
      // strides, if there are any, follow from one step along each axis
      const steps = contiguousStrides(target).map((step, axis) => (target[axis] === 1 ? 0 : places[step] - places[0]));
      const isView = String(offsets(target, steps)) === String(places);
      assert.equal(found !== null, isView, `${shape} by ${strides} to ${target}`);
      if (found !== null) assert.deepEqual(offsets(target, found), places, `${shape} by ${strides} to ${target}`);
    }
  }
  assert.equal(reshapeStrides([4, 6], [1, 4], [24]), null);
  assert.deepEqual(reshapeStrides([4, 6], [12, 2], [24]), [2]);
});

Deno.test("axes that all operands walk evenly are merged", () => {
  assert.deepEqual(collapse([2, 3, 4], [[12, 4, 1], [12, 4, 1]]), { shape: [24], operands: [[1], [1]] });
  assert.deepEqual(collapse([2, 3, 4], [[12, 4, 1], [0, 0, 1]]), { shape: [6, 4], operands: [[4, 1], [0, 1]] });
  assert.deepEqual(collapse([1, 5, 1], [[9, 2, 7]]), { shape: [5], operands: [[2]] });
  assert.deepEqual(collapse([], [[]]), { shape: [], operands: [[]] });
});
