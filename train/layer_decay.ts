/** Learning rates that fall from the head of a model to its lowest layer. @module */
import { type Module, Parameter } from "../nn/mod.ts";
import type { ParameterGroup } from "./optim/mod.ts";

/** Layers of a model, and how the rate falls from one to the next. */
export interface LayerDecay {
  /** Layers from the lowest to the highest; see `ModelKind.layersOf`. */
  readonly layers: readonly string[];
  /** Factor of the rate from a layer to the one below it, above 0 and at most 1. */
  readonly decay: number;
}

/**
 * The parameters that are trained, in groups whose `lrScale` is decay^depth. The head has depth 0, the highest layer 1, and so on down, as
 * in BEiT (Bao et al. 2021, arXiv 2106.08254) and timm's `param_groups_layer_decay`. Layers count whether or not they are frozen, so a
 * layer's rate does not depend on `--freeze`. One group of all where decay is 1.
 *
 * @example
 * ```ts
 * import { nn } from "../mod.ts";
 * import { layerGroups } from "./layer_decay.ts";
 *
 * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(3, 2));
 * const groups = layerGroups(model, { layers: ["0"], decay: 0.5 });
 * console.log(groups.map(({ lrScale }) => lrScale)); // [1, 0.5]: the head comes first
 * ```
 */
export function layerGroups(model: Module, { layers, decay }: LayerDecay): ParameterGroup<object>[] {
  const trained = model.parameters().filter((p) => p.requiresGrad);
  if (decay === 1) return [{ parameters: trained }];
  const depths = depthsOf(model, layers);
  const byDepth = Map.groupBy(trained, (p) => depths.get(p) ?? 0);
  return [...byDepth].sort(([a], [b]) => a - b).map(([depth, parameters]) => ({
    parameters,
    lrScale: decay ** depth,
  }));
}

/** How many layers lie above each parameter. */
export function depthsOf(model: Module, layers: readonly string[]): Map<Parameter, number> {
  const places = new Map<Parameter, readonly [row: number, index: number]>();
  for (const [name, parameter] of Object.entries(model.stateDict())) {
    const place = parameter instanceof Parameter && !places.has(parameter) ? placeOf(name, layers) : undefined;
    if (place !== undefined) places.set(parameter as Parameter, place);
  }
  const order = [...new Map([...places.values()].map((place) => [`${place}`, place])).values()]
    .sort(([a, i], [b, j]) => b - a || j - i).map(String);
  return new Map([...places].map(([parameter, place]) => [parameter, 1 + order.indexOf(`${place}`)]));
}

/** The layer in which a name lies: its entry in the list, and the number that `#` stands for. */
function placeOf(name: string, layers: readonly string[]): readonly [row: number, index: number] | undefined {
  for (const [row, beginnings] of layers.entries()) {
    for (const beginning of beginnings.split(" ")) {
      const pattern = beginning.split("#").map(RegExp.escape).join("(\\d+)");
      const found = new RegExp(`^${pattern}(?:\\.|$)`, "u").exec(name);
      if (found !== null) return [row, Number(found[1] ?? 0)];
    }
  }
  return undefined;
}
