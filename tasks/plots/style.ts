/** How charts look. @module */

/** The font that PNG pictures are set in; a viewer of SVG that lacks it takes another without serifs. */
export const fontFamily = "DejaVu Sans";

/**
 * Colours that are told apart with any kind of colour vision (Okabe and Ito 2008, https://jfly.uni-koeln.de/color), the
 * yellow left out, which is too pale for lines on white.
 */
export const lineColours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333"];

const font = `${fontFamily}, Verdana, Helvetica, sans-serif`;
const [ink, quiet, rule] = ["#222222", "#555555", "#E3E3E3"];

/** Defaults of all charts, as vega-lite's `config`. */
export const chartStyle = {
  background: "white",
  font,
  padding: 16,
  view: { stroke: null },
  axis: {
    labelColor: quiet,
    titleColor: ink,
    titleFontWeight: "normal",
    labelFontSize: 11,
    titleFontSize: 12,
    gridColor: rule,
    domainColor: "#999999",
    tickColor: "#999999",
    titlePadding: 8,
  },
  legend: { labelColor: ink, titleColor: quiet, titleFontWeight: "normal", labelFontSize: 12, titleFontSize: 11 },
  title: { color: ink, fontSize: 14, subtitleColor: quiet, subtitleFontSize: 11, anchor: "start", offset: 12 },
};
