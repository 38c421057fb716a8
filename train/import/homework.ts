/** Checkpoints of the sample code of NTU's machine-learning homework 4: `model.ckpt`, with `mapping.json` of its data set. @module */
import { convertNetwork } from "./convert_network.ts";
import type { Importer } from "./importer.ts";
import { checkNames } from "./labels.ts";
import type { ImportSource } from "./source.ts";
import { describeNetwork, theOnly } from "./torch_describe.ts";
import { isLightning, type NetworkFile, networkFiles } from "./torch_file_source.ts";

const MAPPING = "mapping.json";

async function filesOf(source: ImportSource): Promise<NetworkFile[]> {
  return (await networkFiles(source)).filter(({ networks, outline }) =>
    networks[0].kind.toolkit === "homework" && !isLightning(outline.values, networks)
  );
}

/** See {@linkcode Importer}. */
export const homework: Importer = {
  id: "homework",
  toolkit: "NTU homework 4",
  looksFor: "model.ckpt of its sample code, beside it mapping.json",
  async recognise(source) {
    return describeNetwork(await filesOf(source), {}) ??
      (source.files.has("model.ckpt") && source.files.has(MAPPING) ? "model.ckpt" : undefined);
  },
  async convert(source, hints) {
    const files = await filesOf(source);
    if (files.length === 0) await source.outline("model.ckpt"); // says what is wrong with it, if that is it
    if (files.length === 0) {
      throw new Error(
        `Cannot import "${source.pathOf("model.ckpt")}": it is no classifier of homework 4 (prenet, pred_layer)`,
      );
    }
    const classes = (count: number) => speakersOf(source, count);
    return await convertNetwork(source, { file: theOnly(files, source), hints, classes });
  },
};

/** Names of the speakers by number; undefined without mapping.json. */
async function speakersOf(source: ImportSource, count: number): Promise<string[] | undefined> {
  if (!source.files.has(MAPPING)) return undefined;
  const path = source.pathOf(MAPPING), { id2speaker } = await source.json(MAPPING);
  if (typeof id2speaker !== "object" || id2speaker === null) {
    throw new SyntaxError(`Cannot import "${path}": id2speaker is missing`);
  }
  const names: Readonly<Record<string, unknown>> = { ...id2speaker };
  if (Object.keys(names).length !== count) {
    throw new RangeError(
      `Cannot import "${path}": id2speaker names ${Object.keys(names).length} speakers, and the model has ${count}`,
    );
  }
  const speakers = Array.from({ length: count }, (_, i) => {
    const name = Object.hasOwn(names, i) ? names[i] : undefined;
    if (typeof name !== "string") throw new SyntaxError(`Cannot import "${path}": id2speaker has no name for ${i}`);
    return name;
  });
  checkNames(speakers, `id2speaker of "${path}"`);
  return speakers;
}
