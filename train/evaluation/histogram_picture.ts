/** How the classes' F1 are spread, as an SVG picture for the page: for more classes than a table shows at a glance. @module */
import { html, type Markup } from "./html.ts";
import type { EvaluationReport } from "./report.ts";

const BINS = 10;
const [WIDTH, HEIGHT, LEFT, TOP] = [600, 150, 44, 20];

/** Classes by F1 in steps of 0.1; those without utterances are left out. */
export function f1Histogram({ classes }: Pick<EvaluationReport, "classes">): Markup {
  const counts = new Array<number>(BINS).fill(0);
  const present = classes.filter(({ support }) => support > 0);
  for (const { f1 } of present) counts[Math.min(BINS - 1, Math.floor((f1 ?? 0) * BINS + 1e-9))]++;
  const most = Math.max(1, ...counts);
  const step = WIDTH / BINS;
  const bars = counts.map((count, i) => {
    const height = count / most * HEIGHT;
    const [x, y] = [LEFT + i * step, TOP + HEIGHT - height];
    return html`
      <rect class="bar" x="${x + 2}" y="${y.toFixed(1)}" width="${step - 4}" height="${height.toFixed(1)}" />
      <text class="name" x="${x + step / 2}" y="${(y - 5).toFixed(1)}" text-anchor="middle">${count}</text>
    `;
  });
  const ticks = Array.from(
    { length: BINS + 1 },
    (_, i) =>
      html`<text class="name" x="${LEFT + i * step}" y="${TOP + HEIGHT + 16}" text-anchor="middle">${
        (i / BINS).toFixed(1)
      }</text>`,
  );
  return html`<svg viewBox="0 0 ${LEFT + WIDTH + 24} ${
    TOP + HEIGHT + 42
  }" role="img" aria-label="Classes by F1" style="max-width:${LEFT + WIDTH + 24}px">
<path class="grid" d="M${LEFT} ${TOP + HEIGHT}h${WIDTH}"/>${bars}${ticks}
<text class="axis" x="${LEFT + WIDTH / 2}" y="${TOP + HEIGHT + 36}" text-anchor="middle">F1</text>
<text class="axis" transform="translate(14 ${TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">classes</text>
</svg>`;
}
