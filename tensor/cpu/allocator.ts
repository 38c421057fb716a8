/**
 * Hands out ranges of a growing address space: two-level segregated fit (Masmano et al. 2004, "TLSF: a new dynamic memory allocator").
 *
 * Free ranges stand in bins by size, eight bins for each power of two, so that finding one takes a constant time and wastes at most an
 * eighth. Neighbours that are free are joined at once.
 * @module
 */

/** Ranges begin at multiples of this many bytes, a cache line. */
export const ALIGNMENT = 64;

const UNIT_SHIFT = 6;
const SUB_SHIFT = 3;

/** A range of the address space, in use or free. */
export class Range {
  /** First byte. */
  ptr: number;
  /** Bytes, a multiple of {@linkcode ALIGNMENT}. */
  size: number;
  free = false;
  /** Neighbours by address. */
  before: Range | null = null;
  after: Range | null = null;
  /** Neighbours in the bin of free ranges. */
  binBefore: Range | null = null;
  binAfter: Range | null = null;

  constructor(ptr: number, size: number) {
    this.ptr = ptr;
    this.size = size;
  }
}

/** The bin whose ranges have at least `units`' lower bound: number of the power of two, then the eighth. */
function binOf(units: number): number {
  const log = 31 - Math.clz32(units);
  if (log <= SUB_SHIFT) return units;
  return ((log - SUB_SHIFT) << SUB_SHIFT) + (units >>> (log - SUB_SHIFT));
}

/** Units rounded up to the lower bound of a bin, so that every range of that bin is large enough. */
function roundUp(units: number): number {
  const log = 31 - Math.clz32(units);
  if (log <= SUB_SHIFT) return units;
  const step = 2 ** (log - SUB_SHIFT);
  return Math.ceil(units / step) * step;
}

/** An allocator over [begin, end) where `grow` moves the end. */
export class Allocator {
  readonly #bins: (Range | null)[] = [];
  readonly #grow: (end: number) => boolean;
  /** The range with the highest address. */
  #last: Range | null = null;
  #end: number;

  /** `grow(end)` makes the address space reach to `end` at least and says whether it could. */
  constructor(begin: number, grow: (end: number) => boolean) {
    this.#end = begin;
    this.#grow = grow;
  }

  /** First byte past the ranges. */
  get end(): number {
    return this.#end;
  }

  /** A range of at least `bytes`, or null where memory is out. */
  allocate(bytes: number): Range | null {
    const units = Math.max(1, Math.ceil(bytes / ALIGNMENT));
    const range = this.#find(units) ?? this.#extend(units);
    if (range === null) return null;
    this.#split(range, units << UNIT_SHIFT >>> 0);
    range.free = false;
    return range;
  }

  /** Gives a range back. */
  release(range: Range): void {
    range.free = true;
    const { before, after } = range;
    if (after?.free) this.#absorb(range, after);
    if (before?.free) {
      this.#unbin(before);
      this.#absorb(before, range, false);
      range = before;
    }
    this.#bin(range);
  }

  #find(units: number): Range | null {
    const bins = this.#bins;
    for (let bin = binOf(roundUp(units)); bin < bins.length; bin++) {
      const range = bins[bin];
      if (range === null || range === undefined) continue;
      this.#unbin(range);
      return range;
    }
    // what is left in the request's own bin may still be large enough
    for (let range = bins[binOf(units)] ?? null; range !== null; range = range.binAfter) {
      if (range.size / ALIGNMENT < units) continue;
      this.#unbin(range);
      return range;
    }
    return null;
  }

  /** A range at the end of the address space, joined with a free one that stands there. */
  #extend(units: number): Range | null {
    const last = this.#last?.free ? this.#last : null;
    const ptr = last?.ptr ?? this.#end;
    const end = ptr + units * ALIGNMENT;
    if (!this.#grow(end)) return null;
    if (last !== null) this.#unbin(last);
    const range = last ?? new Range(ptr, 0);
    if (last === null) {
      range.before = this.#last;
      if (this.#last !== null) this.#last.after = range;
      this.#last = range;
    }
    range.size = end - ptr;
    this.#end = end;
    return range;
  }

  #split(range: Range, size: number): void {
    if (range.size === size) return;
    const rest = new Range(range.ptr + size, range.size - size);
    rest.free = true;
    rest.before = range;
    rest.after = range.after;
    if (rest.after === null) this.#last = rest;
    else rest.after.before = rest;
    range.after = rest;
    range.size = size;
    this.#bin(rest);
  }

  #absorb(range: Range, next: Range, binned = true): void {
    if (binned) this.#unbin(next);
    range.size += next.size;
    range.after = next.after;
    if (next.after === null) this.#last = range;
    else next.after.before = range;
  }

  #bin(range: Range): void {
    const bin = binOf(range.size / ALIGNMENT);
    while (this.#bins.length <= bin) this.#bins.push(null);
    const first = this.#bins[bin];
    range.binBefore = null;
    range.binAfter = first;
    if (first !== null) first.binBefore = range;
    this.#bins[bin] = range;
  }

  #unbin(range: Range): void {
    if (range.binBefore !== null) range.binBefore.binAfter = range.binAfter;
    else this.#bins[binOf(range.size / ALIGNMENT)] = range.binAfter;
    if (range.binAfter !== null) range.binAfter.binBefore = range.binBefore;
    range.binBefore = range.binAfter = null;
  }
}
