/** Layers whose backward computes them again instead of keeping what it needs. @module */
import { checkpoint, type Tensor } from "../tensor/mod.ts";
import type { Module } from "./module.ts";

const recomputing = new WeakSet<Module>();

/**
 * Whether training computes the layers of the stacks in `model` (`TransformerEncoder`, `ConformerEncoder`, and the encoders of WavLM, wav2vec 2.0
 * and HuBERT) a second time in backward, by {@linkcode checkpoint}, instead of keeping what they made: less memory, about a third more
 * time, the same numbers. Gives back how many stacks there are.
 *
 * @example
 * ```ts
 * import { setRecompute, SpeakerClassifier } from "./mod.ts";
 * console.log(setRecompute(new SpeakerClassifier({ numSpeakers: 10 }), true)); // 1
 * ```
 */
export function setRecompute(model: Module, on: boolean): number {
  const stacks = model.namedModules().filter(([, module]) => isLayerStack(module));
  for (const [, stack] of stacks) {
    if (on) recomputing.add(stack);
    else recomputing.delete(stack);
  }
  return stacks.length;
}

/** A module of layers that {@linkcode runLayer} runs. */
export interface LayerStack extends Module {
  /** Says that it is one. */
  readonly stacksLayers: true;
}

function isLayerStack(module: Module): module is LayerStack {
  return "stacksLayers" in module;
}

/** `layer(x)` as a part of `stack`: checkpointed where {@linkcode setRecompute} says so and the stack is being trained. */
export function runLayer(stack: LayerStack, layer: (x: Tensor) => Tensor, x: Tensor): Tensor {
  return recomputing.has(stack) && stack.training ? checkpoint(layer, x) : layer(x);
}
