/** The classifier of the sample code of NTU's machine-learning homework 4. @module */
import { modelKinds } from "../models/mod.ts";
import { recipeNamed } from "../recipes/mod.ts";
import { sequentialHead } from "./sequential_head.ts";
import type { NetworkKind, Shapes } from "./torch_networks.ts";

/** Heads of the sample code; no weight tells how many there are. */
const USUAL_HEADS = 2;

/** See {@linkcode NetworkKind}. */
export const classifierOfHomework: NetworkKind = {
  toolkit: "homework",
  marks: ["prenet.weight"],
  find(shapes, { heads }) {
    const prenet = shapes.get("prenet.weight");
    if (prenet?.length !== 2 || ![...shapes.keys()].some((name) => name.startsWith("pred_layer."))) return undefined;
    const layers = layersOf(shapes), [dModel, channels] = prenet, nHead = heads ?? USUAL_HEADS;
    const dimFeedforward = shapes.get(`${layers.first}linear1.weight`)?.[0] ?? 0;
    if (dModel % nHead !== 0) {
      throw new RangeError(`its width ${dModel} cannot be parted among ${nHead} heads; give --heads N`);
    }
    const head = sequentialHead(shapes, "pred_layer");
    const sizes = { dModel, nHead, numLayers: layers.count, dimFeedforward, head: head.kind };
    const config = { ...recipeNamed("hw4-simple").config, ...sizes, model: "transformer" as const };
    return {
      what: `classifier, ${layers.count} Transformer layer${layers.count === 1 ? "" : "s"} of ${dModel}`,
      architecture: "transformer",
      options: modelKinds.transformer.optionsOf(config, { channels, classes: head.classes }),
      classes: head.classes,
      noun: "speaker",
      channels,
      fixedClips: false,
      usualFeatures: channels === 40 ? "hw4" : null,
      ours: (name) => oursOf(name, { layers, head }),
      said: [
        ...heads === undefined
          ? [`${nHead} heads of attention, as in the homework's sample code: no weight tells; --heads N says otherwise`]
          : [],
        ...layers.unused ? ["encoder_layer is left out: the layers of encoder are copies of it that were trained"] : [],
      ],
    };
  },
};

/** Its Transformer layers: one, or those of a `TransformerEncoder` beside the one that was copied for it. */
interface Layers {
  readonly count: number;
  /** What stands before the weights of the first one. */
  readonly first: string;
  /** Whether there is a layer that only served as a pattern. */
  readonly unused: boolean;
}

function layersOf(shapes: Shapes): Layers {
  const names = [...shapes.keys()];
  const count =
    new Set(names.map((name) => /^encoder\.layers\.(\d+)\./.exec(name)?.[1]).filter((n) => n !== undefined)).size;
  const single = names.some((name) => name.startsWith("encoder_layer."));
  if (count > 0) return { count, first: "encoder.layers.0.", unused: single };
  if (single) return { count: 1, first: "encoder_layer.", unused: false };
  throw new RangeError("it has neither encoder_layer nor encoder.layers, Transformer layers of the sample code");
}

function oursOf(
  name: string,
  { layers, head }: { layers: Layers; head: ReturnType<typeof sequentialHead> },
): string | null {
  if (name.startsWith("pred_layer.")) return head.ours(name).replace("pred_layer.", "head.");
  if (name.startsWith("encoder_layer.")) {
    return layers.unused ? null : name.replace("encoder_layer.", "encoder.layers.0.");
  }
  return name;
}
