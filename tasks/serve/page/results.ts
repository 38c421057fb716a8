/// <reference lib="dom" />
/** Answers of the server, drawn. @module */
import type { Enrolment, Identification, Verification } from "./api.ts";
import { make } from "./dom.ts";
import { place, scaleOf, scoreScale, showScore } from "./score_scale.ts";

/** That a voice is known from now on. */
export function enrolmentResult({ name, added, recordings }: Enrolment): Node[] {
  const many = recordings === 1 ? "one recording" : `${recordings} recordings`;
  return [
    make("p", { class: "verdict yes" }, `${name} is enrolled`),
    make("p", { class: "hint" }, added > 0 ? `With ${many} of the voice.` : "This recording was known already."),
  ];
}

/** Whether it is the person, and how sure that is. */
export function verificationResult({ name, score, threshold, same }: Verification): Node[] {
  const text = same ? `Yes, this is ${name}` : `No, this is not ${name}`;
  return [
    make("p", { class: same ? "verdict yes" : "verdict no" }, text),
    scoreScale({ score, threshold, same }),
  ];
}

/** Who it is, and the others by likeness, with "nobody I know" where the threshold lies. */
export function identificationResult({ best, threshold, ranking }: Identification): Node[] {
  const scale = scaleOf(threshold, ranking.map(({ score }) => score));
  const rows = ranking.map(({ name, score }) => ({ name, score, kind: score >= threshold ? "above" : "below" }));
  const at = rows.findIndex(({ kind }) => kind === "below");
  rows.splice(at < 0 ? rows.length : at, 0, { name: "nobody I know", score: threshold, kind: "stranger" });
  const text = best === null ? "Nobody I know" : `This is ${best}`;
  return [
    make("p", { class: best === null ? "verdict" : "verdict yes" }, text),
    make(
      "ol",
      { class: "ranking", "aria-label": "Likeness, most alike first" },
      ...rows.map((row, i) => rankingRow(row, i, scale)),
    ),
  ];
}

function rankingRow(
  { name, score, kind }: { name: string; score: number; kind: string },
  i: number,
  scale: { low: number; high: number },
): HTMLElement {
  const bar = make("span");
  bar.style.width = `${place(score, scale)}%`;
  return make(
    "li",
    { class: i === 0 ? `${kind} best` : kind },
    make("span", { class: "name", title: name }, name),
    make("span", { class: "bar", "aria-hidden": "true" }, bar),
    make("span", { class: "number" }, showScore(score)),
  );
}
