/** A verification as a page of its own, which needs nothing else. @module */
import { html, Markup } from "../evaluation/html.ts";
import { counted, fraction, percent } from "../evaluation/numbers.ts";
import { pageStyle } from "../evaluation/page_style.ts";
import type { Measured, MeasuredPoint } from "./measures.ts";
import type { VerificationReport } from "./report.ts";
import { llrText } from "./llr_text.ts";
import { scoreText } from "./score_text.ts";
import { dataOf, pointTitle, remarks, scoringOf } from "./text_report.ts";

/** Most names of a list in the text. */
const LISTED = 50;

/** A picture on the page. */
export interface Picture {
  /** Name of its files, without ending. */
  readonly name: string;
  /** Heading above it. */
  readonly title: string;
  /** How to read it. */
  readonly caption: string;
  /** The picture, made by a program that escapes texts. */
  readonly svg: string;
}

/** Pictures have a white ground, also on a dark page. */
const pictureStyle = `
figure.picture { background: #ffffff; border: 1px solid var(--rule); border-radius: 8px; padding: 0.4rem; }
figure.picture svg { width: auto; max-width: 100%; margin: auto; }
figure.picture svg text { fill: #333333; font-family: "DejaVu Sans", Verdana, sans-serif; }
td.chosen { font-weight: 600; } td span.quiet { display: block; font-size: 0.86rem; }
`;

/** The page. It loads nothing and runs no script; what comes from the data is shown as text whatever it holds. */
export function verificationPage(report: VerificationReport, pictures: readonly Picture[]): string {
  const { model, step, data, trials } = report;
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Verification by ${model ?? data}</title>
        <style>${new Markup(pageStyle + pictureStyle)}</style>
      </head>
      <body>
        <h1>Speaker verification</h1>
        ${model === null ? "" : html`<p class="facts">Model <bdi>${model}</bdi>, step ${step ?? "unknown"}</p>`}
        <p class="facts">Data <bdi>${dataOf(report)}</bdi></p>
        <p class="facts">${trials.target} trials of the same speaker, ${trials.nontarget} of different ones;
          <bdi>${scoringOf(report)}</bdi></p>
        ${s4Cards(report)} ${cards(report)} ${notes(report)}
        <h2>Thresholds</h2>
        ${pointTable(report)}
        ${pictures.map(picture)}
      </body>
    </html>
  `;
  return page.text;
}

function card(name: string, number: string, note: string): Markup {
  return html`<div class="card"><span>${name}</span><b>${number}</b><span>${note}</span></div>`;
}

function s4Cards({ s4 }: VerificationReport): Markup {
  if (s4 === null) return html``;
  const at = ({ threshold }: { threshold: number }) => `at ${threshold.toFixed(2)}`;
  return html`<h2>S4's protocol</h2>
<p>Each recording also with itself, thresholds 0, 0.01 … 0.99, a cost that is not normalised. Below: exact, on the same trials.</p>
<div class="cards">${card("EER", percent(s4.eer.value), at(s4.eer))}
${card("Min DCF", s4.minDcf.value.toFixed(4), at(s4.minDcf))}${
    card("Max F1", fraction(s4.maxF1.value), at(s4.maxF1))
  }</div>`;
}

function cards({ eer, minDcf, auc, minCllr, llr, points: [chosen] }: VerificationReport): Markup {
  return html`<div class="cards">
${card("Equal error rate", percent(eer.value), interval(eer, (x) => percent(x, 1)))}
${minDcf.map((cost) => card(`Min DCF, p = ${cost.pTarget}`, fraction(cost.value), interval(cost, fraction)))}
${
    llr === null
      ? ""
      : card("Cllr, bits", fraction(llr.cllr.after), `${llrText(llr)}; ${fraction(llr.cllr.before)} without`)
  }
${card("Min Cllr, bits", fraction(minCllr.value), interval(minCllr, fraction))}
${card("Area under the ROC", percent(auc.value), interval(auc, percent))}
${
    card(
      `Threshold: ${pointTitle(chosen.name)}`,
      scoreText(chosen.threshold),
      `accepts ${percent(chosen.far.value)} wrongly, rejects ${percent(chosen.frr.value)} wrongly`,
    )
  }
</div>`;
}

function interval({ low, high }: Measured, show: (x: number) => string): string {
  return low === null || high === null ? "no interval" : `95 % interval ${show(low)} to ${show(high)}`;
}

function notes(report: VerificationReport): Markup {
  const { skipped } = report;
  const list = skipped.slice(0, LISTED).map(({ reason }) => html`<li><bdi>${reason}</bdi></li>`);
  const more = skipped.length > LISTED ? html`<li>and ${skipped.length - LISTED} more</li>` : "";
  const left = html`<div class="note">${
    counted(skipped.length, "recording")
  } could not be used:<ul>${list}${more}</ul></div>`;
  return html`${remarks(report).map((note) => html`<p class="quiet">${note}.</p>`)}${skipped.length > 0 ? left : ""}`;
}

function pointTable({ points }: VerificationReport): Markup {
  const rate = ({ value, low, high }: Measured) =>
    html`<td>${percent(value)}${
      low === null || high === null ? "" : html`
        <span class="quiet">(${percent(low, 1)} to ${percent(high, 1)})</span>
      `
    }</td>`;
  const row = ({ name, threshold, far, frr, precision, recall, f1 }: MeasuredPoint, i: number) =>
    html`<tr><td class="text${i === 0 ? " chosen" : ""}">${pointTitle(name)}${i === 0 ? " (chosen)" : ""}</td><td>${
      scoreText(threshold)
    }</td>${rate(far)}${rate(frr)}<td>${fraction(precision)}</td><td>${fraction(recall)}</td><td>${
      fraction(f1)
    }</td></tr>\n`;
  return html`
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th class="text">Operating point</th>
            <th>Threshold</th>
            <th>False acceptances</th>
            <th>False rejections</th>
            <th>Precision</th>
            <th>Recall</th>
            <th>F1</th>
          </tr>
        </thead>
        <tbody>${points.map(row)}</tbody>
      </table>
    </div>
    <p class="quiet">Precision and F1 depend on how many trials of either kind there are.</p>
  `;
}

function picture({ name, title, caption, svg }: Picture): Markup {
  return html`<h2>${title}</h2>
<p>${caption}</p>
<figure class="picture">${new Markup(withOwnNames(svg, name))}</figure>`;
}

/** Every picture calls its clipping areas clip0 and so on; on one page each would take the first one's. */
function withOwnNames(svg: string, name: string): string {
  return svg.replaceAll(/(\bid="|url\(#)/g, (start) => `${start}${name}-`);
}
