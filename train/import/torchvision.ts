/** State dicts of torchvision's ResNets and of the sound write-up's networks, as models of sounds. @module */
import { convertNetwork } from "./convert_network.ts";
import type { Importer } from "./importer.ts";
import type { ImportSource } from "./source.ts";
import { isLightning, type NetworkFile, networkFiles } from "./torch_file_source.ts";
import { describeNetwork, theOnly } from "./torch_describe.ts";

/** Files of the source that are such a state dict. */
async function filesOf(source: ImportSource): Promise<NetworkFile[]> {
  return (await networkFiles(source)).filter(({ networks, outline }) =>
    networks[0].kind.toolkit === "torchvision" && !isLightning(outline.values, networks)
  );
}

/** See {@linkcode Importer}. */
export const torchvision: Importer = {
  id: "torchvision",
  toolkit: "PyTorch",
  looksFor: "a .pth or .pt with a torchvision ResNet or the sound write-up's ResNetish or network of four convolutions",
  async recognise(source) {
    return describeNetwork(await filesOf(source), {});
  },
  async convert(source, hints) {
    return await convertNetwork(source, { file: theOnly(await filesOf(source), source), hints });
  },
};
