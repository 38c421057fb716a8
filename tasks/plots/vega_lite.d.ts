/** What is used of npm's vega-lite 6, whose own types take seconds to check. */

export function compile(spec: object, options?: { logger?: object }): { spec: object };
