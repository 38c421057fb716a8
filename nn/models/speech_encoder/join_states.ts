/** From all hidden states of an encoder to one. @module */
import type { Tensor } from "../../../tensor/mod.ts";

/** The last hidden state; or, given a weight for each, their sum weighed by the softmax of the weights. */
export function joinStates(states: readonly Tensor[], layerWeights: Tensor | null): Tensor {
  if (layerWeights === null) return states[states.length - 1];
  const weights = layerWeights.softmax();
  return states.map((state, i) => state.mul(weights.select(0, i))).reduce((a, b) => a.add(b));
}
