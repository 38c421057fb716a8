/** The style sheet of an evaluation's page: system fonts, light and dark, wide tables scroll on a phone. @module */

/** Colours are told apart with any kind of colour vision: blue for right, orange for wrong. */
export const pageStyle = `
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1c1e21; --quiet: #5c6370; --rule: #dfe2e7; --panel: #f6f7f9;
  --right: #0072b2; --wrong: #d55e00; --on: #ffffff; --bar: #9cc9e6; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --ink: #e6e8eb; --quiet: #9aa3af; --rule: #343a42;
  --panel: #1e2329; --right: #56b4e9; --wrong: #f28e3c; --on: #10131a; --bar: #2b5f80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 62rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0.2rem 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 0.6rem; }
p, li { max-width: 46rem; } .quiet, .facts { color: var(--quiet); } .facts { overflow-wrap: anywhere; margin: 0.2rem 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.7rem; margin: 1.2rem 0; }
.card { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 0.7rem 0.9rem; }
.card b { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
.card span { color: var(--quiet); font-size: 0.86rem; display: block; }
.note { border-left: 4px solid var(--wrong); background: var(--panel); padding: 0.6rem 0.9rem; }
.wide { overflow-x: auto; } figure { margin: 0; }
figure svg { width: 100%; height: auto; display: block; }
.scroll { max-height: 34rem; overflow: auto; border: 1px solid var(--rule); border-radius: 8px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { text-align: right; padding: 0.25rem 0.7rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { position: sticky; top: 0; background: var(--panel); font-weight: 600; }
th.text, td.text { text-align: left; } td.text { max-width: 22rem; overflow: hidden; text-overflow: ellipsis; }
svg text { fill: var(--ink); font-family: system-ui, "DejaVu Sans", sans-serif; }
svg .name { font-size: 11px; fill: var(--quiet); } svg .axis { font-size: 12px; fill: var(--quiet); }
svg .ground { fill: var(--panel); } svg .grid { stroke: var(--rule); stroke-width: 1; fill: none; }
svg .right { fill: var(--right); } svg .wrong { fill: var(--wrong); } svg .bar { fill: var(--right); }
svg .on, svg .off { text-anchor: middle; dominant-baseline: central; } svg g .on { fill: var(--on); } svg g .off { fill: var(--ink); }
.legend { color: var(--quiet); font-size: 0.9rem; } .scale { margin-right: 1.4rem; display: inline-block; }
.entry { margin-right: 0.5rem; white-space: nowrap; } .swatch { width: 0.9em; height: 0.9em; vertical-align: -0.1em; display: inline; }
td.share { background: linear-gradient(var(--bar), var(--bar)) no-repeat left center; background-size: var(--part) 70%; }
`;
