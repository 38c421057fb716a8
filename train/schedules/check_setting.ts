/** The range check of all schedules. @module */

/** @throws {RangeError} Where a setting of a schedule is out of its range. */
export function checkSetting(
  schedule: string,
  name: string,
  value: number,
  range: { min?: number; above?: number } = {},
) {
  const { min = -Infinity, above = -Infinity } = range;
  if (Number.isFinite(value) && value >= min && value > above) return;
  const expected = range.min !== undefined ? ` of at least ${min}` : range.above !== undefined ? ` above ${above}` : "";
  throw new RangeError(`Cannot make ${schedule}: ${name} is ${value}, expected a number${expected}`);
}
