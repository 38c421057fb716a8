/** Pieces of HTML and SVG in which every text is escaped, unless it is a piece itself. @module */

/** Markup that is safe to write as it is. */
export class Markup {
  /** The markup. */
  readonly text: string;

  /** Use {@linkcode html}. */
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | readonly Part[];

/**
 * Markup from a template. Texts put into it are escaped, for contents and for quoted attributes; pieces and lists of pieces
 * are put in as they are.
 *
 * @example
 * ```ts
 * import { html } from "./html.ts";
 *
 * html`<b title="${'"'}">${"<script>"}</b>`.text; // '<b title="&quot;">&lt;script&gt;</b>'
 * ```
 */
export function html(template: readonly string[], ...parts: Part[]): Markup {
  return new Markup(template.map((text, i) => text + (i < parts.length ? markupOf(parts[i]) : "")).join(""));
}

function markupOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === "string") return escaped(part);
  return typeof part === "number" ? String(part) : part.map(markupOf).join("");
}

const names: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "#39" };

/** Control characters are not allowed in XML at all; an SVG with one would not be shown. */
function escaped(text: string): string {
  const plain = text.toWellFormed().replaceAll(/(?![\t\n\r])[\p{Cc}\ufffe\uffff]/gu, "·");
  return plain.replaceAll(/[&<>"']/g, (sign) => `&${names[sign]};`);
}
