/** An evaluation as a page of its own, which needs nothing else. @module */
import { f1Histogram } from "./histogram_picture.ts";
import { html, Markup } from "./html.ts";
import { matrixPicture } from "./matrix_picture.ts";
import { counted, fraction, percent, unknownNote } from "./numbers.ts";
import { pageStyle } from "./page_style.ts";
import type { EvaluationReport } from "./report.ts";

/** With more classes than this, how their F1 are spread is drawn as well. */
const MANY = 20;
/** Most names of a list in the text. */
const LISTED = 50;

/**
 * The page: the measures, the confusion matrix, the worst pairs, all classes. It loads nothing and runs no script; names of
 * classes and recordings, which come from the data, are shown as text whatever they hold.
 */
export function htmlReport(report: EvaluationReport): string {
  const { model, step, data, part, viewing, classes } = report;
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Evaluation of ${model}</title>
        <style>${new Markup(pageStyle)}</style>
      </head>
      <body>
    <h1>Evaluation</h1>
    <p class="facts">Model <bdi>${model}</bdi>, step ${step}</p>
    <p class="facts">Data <bdi>${data}</bdi>: ${part}, ${viewing}</p>
    ${cards(report)}
    ${notes(report)}
    <h2>Confusion matrix</h2>
    <p>${matrixNote(report)}</p>
    <figure class="wide">${matrixPicture(report)}</figure>
    <h2>Worst pairs</h2>
    ${worstPairs(report)}
    <h2>Classes</h2>
    ${classes.length > MANY ? html`<figure class="wide">${f1Histogram(report)}</figure>` : ""}
    ${classTable(report)}
    <h2>Averages and ranks</h2>
    ${averages(report)}
      </body>
    </html>
  `;
  return page.text;
}

function cards({ accuracy, topK, loss, utterances, macro, classes }: EvaluationReport): Markup {
  const { value, hits, low, high } = accuracy;
  const last = topK[topK.length - 1];
  const card = (name: string, number: string, note: string) =>
    html`<div class="card"><span>${name}</span><b>${number}</b><span>${note}</span></div>`;
  const occurring = classes.filter(({ support }) => support > 0).length;
  return html`<div class="cards">
${card("Accuracy", percent(value), `95 % interval ${percent(low, 1)} to ${percent(high, 1)}`)}
${last.k > 1 ? card(`Top-${last.k} accuracy`, percent(last.accuracy), `true class among ${last.k} likeliest`) : ""}
${card("Macro F1", fraction(macro.f1), "each class counts once")}
${card("Cross-entropy", loss.toFixed(3), "mean, in nats")}
${
    card(
      "Utterances",
      String(utterances),
      `${hits} right; ${occurring} of ${counted(classes.length, "class", "classes")}`,
    )
  }
</div>`;
}

function notes({ unknownClasses, skipped }: EvaluationReport): Markup {
  const list = (names: readonly string[]) =>
    html`<ul>${names.slice(0, LISTED).map((name) => html`<li><bdi>${name}</bdi></li>`)}${
      names.length > LISTED ? html`<li>and ${names.length - LISTED} more</li>` : ""
    }</ul>`;
  const unknown = html`<div class="note">${unknownNote(unknownClasses)}:${
    list(unknownClasses.map(({ name, count }) => `${name} (${count})`))
  }</div>`;
  const left = html`<div class="note">${counted(skipped.length, "recording")} could not be read:${
    list(skipped.map(({ reason }) => reason))
  }</div>`;
  return html`${unknownClasses.length > 0 ? unknown : ""}${skipped.length > 0 ? left : ""}`;
}

function matrixNote({ classes }: EvaluationReport): string {
  const colours = "Blue: right; orange: wrong; the stronger, the more often, on a logarithmic scale.";
  if (classes.length <= 60) return colours;
  return `${colours} Numbers are those of the table of classes; marks of single cells are drawn larger than the cell.`;
}

function worstPairs({ worstPairs }: EvaluationReport): Markup {
  if (worstPairs.length === 0) return html`<p>Nothing was confused.</p>`;
  return html`
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th class="text">True class</th>
            <th class="text">taken for</th>
            <th>Times</th>
            <th>Of its utterances</th>
          </tr>
        </thead>
        <tbody>${worstPairs.map(({ actual, predicted, count, share }) =>
          html`<tr>${textCell(actual)}${textCell(predicted)}<td>${count}</td>${
            shareCell(share, percent(share, 1))
          }</tr>\n`
        )}</tbody>
      </table>
    </div>
  `;
}

function classTable({ classes }: EvaluationReport): Markup {
  return html`
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>#</th>
            <th class="text">Class</th>
            <th>Utterances</th>
            <th>Predicted</th>
            <th>Right</th>
            <th>Precision</th>
            <th>Recall</th>
            <th>F1</th>
          </tr>
        </thead>
        <tbody>${classes.map(({ name, support, predicted, hits, precision, recall, f1 }, i) =>
          html`<tr><td>${i + 1}</td>${textCell(name)}<td>${support}</td><td>${predicted}</td><td>${hits}</td>${
            [precision, recall, f1].map((share) => shareCell(share, fraction(share)))
          }</tr>\n`
        )}</tbody>
      </table>
    </div>
    <p class="quiet">–: no utterances of the class, or none taken for it, so that there is nothing to take a share of.</p>
  `;
}

function averages({ macro, weighted, topK }: EvaluationReport): Markup {
  const row = (name: string, { precision, recall, f1 }: typeof macro) =>
    html`<tr><td class="text">${name}</td>${
      [precision, recall, f1].map((share) => html`<td>${fraction(share)}</td>`)
    }</tr>`;
  return html`
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th class="text">Average</th>
            <th>Precision</th>
            <th>Recall</th>
            <th>F1</th>
          </tr>
        </thead>
        <tbody>${row("macro: each class once", macro)}${row("weighted by utterances", weighted)}</tbody>
      </table>
    </div>
    <div class="wide">
      <table>
        <thead>
          <tr><th class="text">True class among the</th>${topK.map(({ k }) => html`<th>${k}</th>`)}</tr>
        </thead>
        <tbody>
          <tr><td class="text">likeliest</td>${topK.map(({ accuracy }) => html`<td>${percent(accuracy, 1)}</td>`)}</tr>
        </tbody>
      </table>
    </div>
  `;
}

function textCell(text: string): Markup {
  return html`<td class="text" title="${text}"><bdi>${text}</bdi></td>`;
}

/** A share with a bar behind it. */
function shareCell(share: number | null, text: string): Markup {
  return html`<td class="share" style="--part:${((share ?? 0) * 100).toFixed(1)}%">${text}</td>`;
}
