import { doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { html } from "../../../train/evaluation/html.ts";
import { htmlReport } from "../../../train/evaluation/html_report.ts";
import { largeReport, smallReport } from "./small_report.ts";

Deno.test("html: texts are escaped in contents and attributes, pieces are not", () => {
  const name = `<a href="x">'&\0\ud800`;
  strictEqual(
    html`<b title="${name}">${html`<i>${1}</i>`}</b>`.text,
    `<b title="&lt;a href=&quot;x&quot;&gt;&#39;&amp;·\ufffd"><i>1</i></b>`,
  );
  strictEqual(html`${["<", html`<br>`]}`.text, "&lt;<br>");
});

const ownTags =
  "html head meta title style body h1 h2 p div span b bdi ul li figure svg rect path g text table thead tbody tr th td";

/** Every tag of a page is one of those that the page itself writes, and none has a handler. */
function hasOnlyOwnMarkup(page: string): void {
  const tags = new Set([...page.matchAll(/<([a-z]\w*)/gi)].map(([, tag]) => tag));
  strictEqual([...tags.difference(new Set(ownTags.split(" ")))].join(), "");
  doesNotMatch(page, /<[^>]* on\w+=/i, "no handlers");
}

Deno.test("page: nothing is loaded, no script runs, names of classes are text", () => {
  const page = htmlReport(smallReport());
  hasOnlyOwnMarkup(page);
  doesNotMatch(page, /\b(src|href|xlink|srcset|action|data)\s*=|url\(|@import|https?:/i);
  match(page, /content="default-src 'none'; style-src 'unsafe-inline'"/);
  ok(page.includes("&lt;script&gt;") && page.includes("bo &amp; co") && page.includes("data/&quot;quoted&quot;"));
  match(page, /prefers-color-scheme: dark/);
  match(page, /<meta name="viewport" content="width=device-width/);
  for (const text of ["75.00 %", "30.1 % to 95.4 %", "taken for", "2 utterances of 1 class", "it is empty"]) {
    ok(page.includes(text), text);
  }
  strictEqual(page.match(/<text class="o(n|ff)"/g)?.length, 3, "numbers in the cells");
  doesNotMatch(page, /NaN|undefined|Infinity|\[object/);
});

/** The first figure. */
function matrixOf(page: string): string {
  return page.slice(page.indexOf("<figure"), page.indexOf("</figure>"));
}

Deno.test("page: of 600 classes the matrix is marks and ticks, and every class is in the table", () => {
  const report = largeReport(600);
  const page = htmlReport(report);
  hasOnlyOwnMarkup(page);
  const matrix = matrixOf(page);
  ok(!matrix.includes("id10000"), "no names on the axes");
  ok(matrix.length < 40_000, `${matrix.length} characters`);
  strictEqual([...matrix.matchAll(/M[\d.]+ [\d.]+h3\.00v/g)].length, report.confusion.length, "a mark for every cell");
  for (const tick of ["1", "50", "600"]) ok(matrix.includes(`>${tick}</text>`), tick);
  for (const { name } of report.classes) ok(page.includes(`<bdi>${name}</bdi>`), name);
  match(page, /aria-label="Classes by F1"/);
  ok(page.length < 400_000, `${page.length} characters`);
});

Deno.test("page: one class, and 30 with names at the matrix", () => {
  doesNotMatch(htmlReport(largeReport(1)), /NaN|undefined|Infinity/);
  const matrix = matrixOf(htmlReport(largeReport(30)));
  strictEqual(matrix.match(/>id10007</g)?.length, 3, "as a title, a row and a column");
});
