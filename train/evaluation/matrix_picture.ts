/**
 * The confusion matrix as an SVG picture for the page: colours come from the page's style sheet, so that it follows light and
 * dark. Few classes have names and numbers; of many, only marks and ticks are drawn.
 * @module
 */
import { html, type Markup } from "./html.ts";
import type { EvaluationReport } from "./report.ts";

/** With so many classes or fewer, cells show their number. */
const NUMBERED = 24;
/** With so many classes or fewer, rows and columns have names. */
const NAMED = 60;
/** Width and height of the matrix of many classes. */
const MANY_SIZE = 640;
/** Smallest width of a mark, for a single mistake among hundreds of thousands of cells has to be seen. */
const SMALLEST_MARK = 3;
/** On a narrow screen the picture scrolls rather than shrink below this, so that it can be read. */
const SMALLEST_WIDTH = 520;
/** Most letters of a name beside the matrix. */
const LETTERS = 16;
/** Width of a letter and height of a line at the size of the names. */
const [LETTER, LINE] = [6.6, 11];

/** Counts from → to that share a shade. */
interface Shade {
  readonly from: number;
  readonly to: number;
  /** 0 to 1. */
  readonly opacity: number;
}

/** One cell that is not empty. */
interface Cell {
  readonly row: number;
  readonly column: number;
  readonly count: number;
}

/** The picture with its legend. */
export function matrixPicture({ classes, confusion }: Pick<EvaluationReport, "classes" | "confusion">): Markup {
  const names = classes.map(({ name }) => name);
  const cells = confusion.map(([row, column, count]) => ({ row, column, count }));
  const right = cells.filter(({ row, column }) => row === column);
  const wrong = cells.filter(({ row, column }) => row !== column);
  const kinds = [{ kind: "right", cells: right }, { kind: "wrong", cells: wrong }].map((group) => {
    return { ...group, shades: shadesOf(group.cells.reduce((most, { count }) => Math.max(most, count), 0)) };
  });
  const place = placeOf(names);
  const { size, left, top, n } = place;
  const [width, height] = [left + size + Math.max(12, 60 - size / 2), top + size + 34];
  return html`
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Confusion matrix"
      style="max-width:${width}px;min-width:${Math.min(width, SMALLEST_WIDTH)}px">
    <rect class="ground" x="${left}" y="${top}" width="${size}" height="${size}"/>
    ${n <= NAMED ? gridOf(place) : ticksOf(place)}
    ${kinds.map(({ kind, cells, shades }) => marksOf({ kind, cells, shades }, { place, names }))}
    ${n <= NAMED ? namesOf(place, names) : ""}
    <text class="axis" x="${left + size / 2}" y="${top + size + 24}" text-anchor="middle">predicted class</text>
    <text class="axis" transform="translate(12 ${top + size / 2}) rotate(-90)" text-anchor="middle">true class</text>
    </svg>
    <p class="legend">${kinds.map(({ kind, shades }) => legendOf(kind, shades))}</p>
  `;
}

interface Place {
  /** Number of classes. */
  readonly n: number;
  /** Side of a cell. */
  readonly cell: number;
  /** Side of the matrix. */
  readonly size: number;
  readonly left: number;
  readonly top: number;
}

function placeOf(names: readonly string[]): Place {
  const n = names.length;
  const cell = n <= 4 ? 64 : n <= 12 ? 40 : n <= NUMBERED ? 26 : n <= NAMED ? 13 : MANY_SIZE / n;
  const letters = Math.max(...names.map((name) => Math.min(LETTERS, [...name].length)));
  const beside = n <= NAMED ? 30 + letters * LETTER : 56;
  return { n, cell, size: n * cell, left: beside, top: n <= NAMED ? beside - 16 : 30 };
}

/** Shades for counts up to a greatest one: at most five, each covering a like ratio, so that 1 and 1000 both show. */
function shadesOf(greatest: number): Shade[] {
  if (greatest === 0) return [];
  const steps = Math.min(5, greatest);
  const ends = [...new Set(Array.from({ length: steps }, (_, i) => Math.round(greatest ** ((i + 1) / steps))))];
  if (ends.length > 1 && ends[0] > 1) ends.unshift(1);
  return ends.map((to, i) => {
    const opacity = ends.length === 1 ? 0.85 : 0.35 + 0.65 * i / (ends.length - 1);
    return { from: i === 0 ? 1 : ends[i - 1] + 1, to, opacity: Math.round(opacity * 100) / 100 };
  });
}

function marksOf(
  { kind, cells, shades }: { kind: string; cells: readonly Cell[]; shades: readonly Shade[] },
  { place, names }: { place: Place; names: readonly string[] },
): Markup[] {
  return shades.map(({ from, to, opacity }) => {
    const own = cells.filter(({ count }) => count >= from && count <= to);
    if (place.n <= NAMED) {
      return html`<g class="${kind}">${own.map((c) => namedCell(c, { opacity, place, names }))}</g>`;
    }
    return html`
      <path class="${kind}" fill-opacity="${opacity}" d="${own.map((c) => square(c, place)).join("")}" />
    `;
  });
}

function namedCell(
  { row, column, count }: Cell,
  { opacity, place, names }: { opacity: number; place: Place; names: readonly string[] },
): Markup {
  const { cell, left, top, n } = place;
  const [x, y] = [left + column * cell, top + row * cell];
  const title = row === column ? `${names[row]}: ${count} right` : `${names[row]} taken for ${names[column]}: ${count}`;
  const size = count > 999 ? cell / 4 : count > 99 ? cell / 3 : Math.min(14, cell / 2);
  const number = html`<text class="${opacity > 0.6 ? "on" : "off"}" x="${x + cell / 2}" y="${
    y + cell / 2
  }" font-size="${size.toFixed(1)}">${count}</text>`;
  return html`<g><title>${title}</title><rect x="${x}" y="${y}" width="${cell}" height="${cell}" fill-opacity="${opacity}"/>${
    n <= NUMBERED ? number : ""
  }</g>`;
}

/** A cell of many as part of a path. */
function square({ row, column }: Cell, { cell, left, top }: Place): string {
  const side = Math.max(cell, SMALLEST_MARK);
  const at = (index: number, start: number) => (start + index * cell + (cell - side) / 2).toFixed(2);
  return `M${at(column, left)} ${at(row, top)}h${side.toFixed(2)}v${side.toFixed(2)}h-${side.toFixed(2)}z`;
}

function gridOf({ n, cell, size, left, top }: Place): Markup {
  const lines = Array.from({ length: n + 1 }, (_, i) => i * cell);
  const across = lines.map((at) => `M${left} ${top + at}h${size}`).join("");
  return html`
    <path class="grid" d="${across}${lines.map((at) => `M${left + at} ${top}v${size}`).join("")}" />
  `;
}

function namesOf({ cell, left, top }: Place, names: readonly string[]): Markup[] {
  return names.map((name, i) => {
    const middle = i * cell + cell / 2;
    return html`
      <g>
        <title>${name}</title>
        <text class="name" x="${left - 6}" y="${top +
          middle}" text-anchor="end" dominant-baseline="central">${shortened(name)}</text>
        <text class="name" transform="translate(${left + middle} ${top - 6}) rotate(-90)"
          dominant-baseline="central">${shortened(name)}</text>
      </g>
    `;
  });
}

function shortened(name: string): string {
  const letters = [...name];
  return letters.length <= LETTERS ? name : letters.slice(0, LETTERS - 1).join("") + "…";
}

/** Every so many classes a line and the class's number, as the table has it. */
function ticksOf({ n, cell, size, left, top }: Place): Markup[] {
  const step = [10, 20, 50, 100, 200, 500, 1000].find((step) => n / step <= 13) ?? 5000;
  const marks = Array.from({ length: Math.floor(n / step) }, (_, i) => (i + 1) * step);
  return [1, ...marks.filter((number) => (n - number) * cell > LINE || number === n)].map((number) => {
    const at = (number - 0.5) * cell;
    return html`
      <path class="grid" d="M${left} ${top + at}h${size}M${left + at} ${top}v${size}" />
      <text class="name" x="${left - 6}" y="${top + at}" text-anchor="end" dominant-baseline="central">${number}</text>
      <text class="name" x="${left + at}" y="${top - 8}" text-anchor="middle">${number}</text>
    `;
  });
}

function legendOf(kind: string, shades: readonly Shade[]): Markup {
  const range = ({ from, to }: Shade) => from === to ? `${from}` : `${from}–${to}`;
  const swatches = shades.map((shade) =>
    html`
      <span
        class="entry"><svg class="swatch" viewBox="0 0 10 10"><rect class="${kind}" width="10" height="10" fill-opacity="${shade
          .opacity}"/></svg> ${range(shade)}</span>
    `
  );
  return html`
    <span class="scale">${kind}: ${shades.length > 0 ? swatches : "none"}</span>
  `;
}
