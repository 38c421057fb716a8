/** torchvision's ResNet, and ResNetish of the sound write-up, which has the same names. @module */
import type { ResNetDepth } from "../../nn/mod.ts";
import { recipeNamed } from "../recipes/mod.ts";
import { modelKinds } from "../models/mod.ts";
import type { NetworkKind, Shapes } from "./torch_networks.ts";
import { sequentialHead } from "./sequential_head.ts";

/** Depth by kind of block and blocks in each of the four stages. */
const depths: Readonly<Record<string, ResNetDepth>> = {
  "basic 2,2,2,2": 18,
  "basic 3,4,6,3": 34,
  "bottleneck 3,4,6,3": 50,
  "bottleneck 3,4,23,3": 101,
  "bottleneck 3,8,36,3": 152,
};

/** Cells of the grid that ResNetish averages over, where ResNet has one mean. */
const GRID_CELLS = 4 * 6;

/** See {@linkcode NetworkKind}. */
export const residualNetwork: NetworkKind = {
  toolkit: "torchvision",
  marks: ["layer1.0.conv1.weight"],
  find(shapes) {
    const stem = shapes.get("conv1.weight"), hasHead = [...shapes.keys()].some((name) => name.startsWith("fc."));
    if (stem === undefined || !shapes.has("layer4.0.conv1.weight")) return undefined;
    const [width, inChannels, ...kernel] = stem, isUsual = String(kernel) === "7,7";
    if (!isUsual && !hasHead) return undefined; // others have stages of these names too
    if (!isUsual) throw new RangeError(`its conv1.weight is [${stem}], and torchvision's is 7 × 7`);
    const isBottleneck = shapes.has("layer1.0.conv3.weight");
    const depth = depthOf(shapes, isBottleneck);
    checkWidths(shapes, { width, isBottleneck });
    const head = hasHead ? sequentialHead(shapes, "fc") : null;
    const isGrid = head !== null && isOverGrid(head, { features: 8 * width * (isBottleneck ? 4 : 1), inChannels });
    const architecture = `${isGrid ? "resnetish" : "resnet"}${depth}` as const;
    if (!(architecture in modelKinds)) {
      throw new RangeError(`it is a ResNetish of ${depth} layers, expected 18, 34 or 50`);
    }
    const config = { ...recipeNamed("sound-resnet18").config, model: architecture as "resnet18" };
    const options = modelKinds[config.model].optionsOf({ ...config, head: head?.kind ?? "linear" }, {
      channels: 1,
      classes: head?.classes ?? 0,
    });
    return {
      what: isGrid ? `ResNetish${depth}` : `ResNet${depth}, ${inChannels} input channel${inChannels === 1 ? "" : "s"}`,
      architecture: config.model,
      options: { ...options, width, ...isGrid ? {} : { inChannels } },
      classes: head?.classes ?? 0,
      noun: "class",
      channels: null,
      fixedClips: true,
      usualFeatures: null,
      ours: (name) => name.startsWith("fc.") && head !== null ? head.ours(name) : name,
      said: head === null ? ["It has no fc: it is taken for torchvision's ResNet, embeds, and has no classes"] : [],
    };
  },
};

/** Whether the head sees a grid of means, as ResNetish's does. */
function isOverGrid(
  { inputs }: { inputs: number },
  { features, inChannels }: { features: number; inChannels: number },
): boolean {
  const isGrid = inputs === GRID_CELLS * features;
  if (!isGrid && inputs !== features) {
    throw new RangeError(
      `its fc takes ${inputs} numbers, expected ${features} (ResNet) or ${GRID_CELLS * features} (ResNetish)`,
    );
  }
  if (isGrid && inChannels !== 1) throw new RangeError(`it is a ResNetish of ${inChannels} channels, expected 1`);
  return isGrid;
}

function depthOf(shapes: Shapes, isBottleneck: boolean): ResNetDepth {
  const blocks = [1, 2, 3, 4].map((stage) => {
    const pattern = new RegExp(`^layer${stage}\\.(\\d+)\\.conv1\\.weight$`);
    return [...shapes.keys()].filter((name) => pattern.test(name)).length;
  });
  const key = `${isBottleneck ? "bottleneck" : "basic"} ${blocks}`;
  if (Object.hasOwn(depths, key)) return depths[key];
  const known = Object.entries(depths).map(([kind, depth]) => `${depth} (${kind})`).join(", ");
  throw new RangeError(`it has ${key} blocks, and the known depths are ${known}`);
}

/** Refuses networks with the names of a ResNet whose blocks are other ones. */
function checkWidths(shapes: Shapes, { width, isBottleneck }: { width: number; isBottleneck: boolean }): void {
  const inner = shapes.get("layer1.0.conv2.weight") ?? [];
  if (inner[1] === width && inner[0] === width) return;
  const what = isBottleneck ? "a ResNeXt or a wide ResNet" : "a ResNet of other widths";
  throw new RangeError(`it is ${what}: layer1.0.conv2.weight is [${inner}], expected [${width},${width},3,3]`);
}
