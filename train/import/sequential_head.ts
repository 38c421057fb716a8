/** The last layers of a network as people write them: one linear map, alone or behind dropout, or two with a ReLU. @module */
import type { HeadName } from "../../nn/mod.ts";
import type { Shapes } from "./torch_networks.ts";

/** A head by its weights. */
export interface FoundHead {
  readonly kind: HeadName;
  /** Numbers that it takes. */
  readonly inputs: number;
  /** Scores that it gives. */
  readonly classes: number;
  /** The name of one of its weights in our model, where its own name is `name`. */
  ours(name: string): string;
}

/**
 * The head of this name: `fc.weight`, `fc.1.weight` (behind dropout), `fc.0.weight` with `fc.2.weight` (a ReLU between them) or with
 * `fc.3.weight` (the homework's 2023 edition: sigmoid and dropout).
 *
 * @throws {RangeError} It is of another kind, or misshapen; the message is the fact alone.
 */
export function sequentialHead(shapes: Shapes, name: string): FoundHead {
  const layers = [...shapes].filter(([key, shape]) =>
    key.startsWith(`${name}.`) && key.endsWith(".weight") && shape.length === 2
  );
  const places = layers.map(([key]) => key.slice(name.length + 1, -".weight".length)).join(" ").replace(/weight$/, "");
  const [first, last = first] = layers.map(([, shape]) => shape);
  const refuse = () => {
    const list = layers.map(([key, shape]) => `${key} [${shape}]`).join(", ");
    return new RangeError(`its ${name} is of a kind that voxgrad does not have: ${list || "no weights"}`);
  };
  if (first === undefined) throw refuse();
  const common = { inputs: first[1], classes: last[0] };
  const theirs = layers.map(([key]) => key.slice(0, -"weight".length));
  if (layers.length === 1) {
    if (!/^\d*$/.test(places) && theirs[0] !== `${name}.`) throw refuse();
    return { ...common, kind: "linear", ours: (key) => `${name}.${key.slice(theirs[0].length)}` };
  }
  const isSquare = first[0] === first[1] && last[1] === first[0];
  if (layers.length === 2 && places === "0 2" && isSquare) return { ...common, kind: "two-layer", ours: (key) => key };
  if (layers.length === 2 && places === "0 3" && first[0] === 1024) {
    return {
      ...common,
      kind: "2023",
      ours: (key) => key,
    };
  }
  throw refuse();
}
