/** Which threshold is chosen. @module */

/** Where false acceptances and false rejections shall balance. */
export type OperatingPoint =
  /** Both rates are equal. */
  | { readonly criterion: "eer" }
  /** The normalised detection cost is least where a share `pTarget` of the claims is genuine. */
  | { readonly criterion: "min-dcf"; readonly pTarget: number }
  /** At most a share `far` of the impostors is accepted, and as few of the genuine are rejected as that allows. */
  | { readonly criterion: "far"; readonly far: number }
  /** A claim counts as genuine where that is likelier than not, given that a share `pTarget` of all claims is; scores are log-likelihood ratios. */
  | { readonly criterion: "prior"; readonly pTarget: number }
  /** F1 of "same speaker" is highest: depends on how many trials of either kind there are. */
  | { readonly criterion: "f1" };

/** Names that {@linkcode parseOperatingPoint} takes. */
export const operatingPointNames = "eer|min-dcf-P|far=SHARE|prior=P|f1";

/**
 * An operating point by name: `eer`, `min-dcf-0.01`, `far=0.001`, `prior=0.01`, `f1`.
 *
 * @throws {SyntaxError} For another name.
 * @throws {RangeError} For a share that is not between 0 and 1.
 */
export function parseOperatingPoint(name: string): OperatingPoint {
  if (name === "eer" || name === "f1") return { criterion: name };
  const cost = /^min-dcf-(\S+)$/.exec(name), rate = /^far=(\S+)$/.exec(name);
  const prior = /^prior=(\S+)$/.exec(name);
  if (cost) return { criterion: "min-dcf", pTarget: shareOf(name, cost[1]) };
  if (rate) return { criterion: "far", far: shareOf(name, rate[1]) };
  if (prior) return { criterion: "prior", pTarget: shareOf(name, prior[1]) };
  throw new SyntaxError(
    `Cannot use the operating point "${name}": wanted eer, min-dcf-0.01 (or another prior), far=0.001 (or another rate), ` +
      "prior=0.01 (or another one) or f1",
  );
}

/** The name of an operating point, as {@linkcode parseOperatingPoint} takes it. */
export function operatingPointName(point: OperatingPoint): string {
  if (point.criterion === "min-dcf") return `min-dcf-${point.pTarget}`;
  if (point.criterion === "prior") return `prior=${point.pTarget}`;
  return point.criterion === "far" ? `far=${point.far}` : point.criterion;
}

function shareOf(name: string, text: string): number {
  const share = Number(text);
  if (share > 0 && share < 1) return share;
  throw new RangeError(`Cannot use the operating point "${name}": "${text}" is no number between 0 and 1`);
}
