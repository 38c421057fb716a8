/** Charts as pictures: a vega-lite description to SVG, SVG to PNG. @module */
import about from "npm:dejavu-fonts-ttf@2.37.3/package.json" with { type: "json" };
// @ts-types="./resvg.d.ts"
import { initWasm, Resvg } from "npm:@resvg/resvg-wasm@2.6.2";
// @ts-types="./vega_lite.d.ts"
import { compile } from "npm:vega-lite@6.5.0";
// @ts-types="./vega.d.ts"
import * as vega from "npm:vega@6.4.0";
import { chartStyle, fontFamily } from "./style.ts";

/** A chart in vega-lite's terms (https://vega.github.io/vega-lite/docs/spec.html). */
export type Chart = Readonly<Record<string, unknown>>;

/** Draws a chart, in this project's fonts and colours unless it says otherwise. */
export async function toSvg(chart: Chart): Promise<string> {
  const { spec } = compile({ config: chartStyle, ...chart });
  const view = new vega.View(vega.parse(spec), { renderer: "none", logLevel: vega.Error });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Paints an SVG picture on white. Its texts are set in DejaVu Sans, which comes from npm: the system's fonts are not looked at. */
export async function toPng(svg: string, { zoom = 2 }: { zoom?: number } = {}): Promise<Uint8Array<ArrayBuffer>> {
  const fontBuffers = await ready();
  const font = { fontBuffers, defaultFontFamily: fontFamily, sansSerifFamily: fontFamily };
  const picture = new Resvg(svg, { background: "white", fitTo: { mode: "zoom", value: zoom }, font });
  const painted = picture.render();
  try {
    return painted.asPng();
  } finally {
    painted.free();
    picture.free();
  }
}

let fonts: Promise<Uint8Array[]> | undefined;

/** Starts the painter at its first use, and reads the fonts. */
function ready(): Promise<Uint8Array[]> {
  return fonts ??= (async () => {
    await initWasm(await fileOf("@resvg/resvg-wasm@2.6.2/index_bg.wasm"));
    const folder = `${about.name}@${about.version}/ttf`;
    return await Promise.all(["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((name) => fileOf(`${folder}/${name}`)));
  })();
}

/** A file of an npm package that is imported above, which is why it is in the cache. */
async function fileOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await Deno.readFile(new URL(import.meta.resolve(`npm:${path}`)));
}
