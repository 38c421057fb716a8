/** A model as voxgrad has it: out of a run folder, with nothing of the run. @module */
import { originText } from "../import/origin.ts";
import { modelToSave } from "../model_facts.ts";
import type { Exporter } from "./exporter.ts";

/** See {@linkcode Exporter}. */
export const voxgrad: Exporter = {
  target: "voxgrad",
  toolkit: "voxgrad",
  endings: [".safetensors"],
  convert({ facts, arrays, origin }) {
    const metadata = {
      ...modelToSave(arrays, facts).metadata,
      ...origin === null ? {} : { origin: originText(origin) },
    };
    return { what: facts.architecture, files: [{ name: "best.safetensors", safetensors: arrays, metadata }], said: [] };
  },
};
