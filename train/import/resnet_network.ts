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
    const stem = shapes.get("conv1.weight");
    if (
      stem === undefined || !shapes.has("layer4.0.conv1.weight") || ![...shapes.keys()].some((n) => n.startsWith("fc."))
    ) {
      return undefined;
    }
    const [width, inChannels, ...kernel] = stem;
    if (String(kernel) !== "7,7") throw new RangeError(`its conv1.weight is [${stem}], and torchvision's is 7 × 7`);
    const isBottleneck = shapes.has("layer1.0.conv3.weight");
    const depth = depthOf(shapes, isBottleneck);
    checkWidths(shapes, { width, isBottleneck });
    const head = sequentialHead(shapes, "fc");
    const features = 8 * width * (isBottleneck ? 4 : 1), isGrid = head.inputs === GRID_CELLS * features;
    if (!isGrid && head.inputs !== features) {
      throw new RangeError(
        `its fc takes ${head.inputs} numbers, expected ${features} (ResNet) or ${GRID_CELLS * features} (ResNetish)`,
      );
    }
    if (isGrid && inChannels !== 1) throw new RangeError(`it is a ResNetish of ${inChannels} channels, expected 1`);
    const architecture = `${isGrid ? "resnetish" : "resnet"}${depth}` as const;
    if (!(architecture in modelKinds)) {
      throw new RangeError(`it is a ResNetish of ${depth} layers, expected 18, 34 or 50`);
    }
    const config = { ...recipeNamed("sound-resnet18").config, model: architecture as "resnet18", head: head.kind };
    const options = modelKinds[config.model].optionsOf(config, { channels: 1, classes: head.classes });
    const channels = `${inChannels} input channel${inChannels === 1 ? "" : "s"}`;
    return {
      what: isGrid ? `ResNetish${depth}` : `ResNet${depth}, ${channels}`,
      architecture: config.model,
      options: { ...options, width, ...isGrid ? {} : { inChannels } },
      classes: head.classes,
      noun: "class",
      channels: null,
      fixedClips: true,
      usualFeatures: null,
      ours: (name) => name.startsWith("fc.") ? head.ours(name) : name,
      said: [],
    };
  },
};

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
