/** What is used of npm's vega 6, whose own types take seconds to check. */

/** A chart as vega describes it; vega-lite makes it. */
export type Runtime = object;

export function parse(spec: object): Runtime;

export class View {
  constructor(runtime: Runtime, options: { renderer: "none"; logLevel: number });
  toSVG(): Promise<string>;
  finalize(): this;
}

/** Log level that shows errors only. */
export const Error: number;
