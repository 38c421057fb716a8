/** Models of Hugging Face's transformers: WavLM as a verifier of speakers; WavLM, wav2vec 2.0 and HuBERT as encoders and classifiers. @module */
import { convertEncoder } from "./huggingface_encoder.ts";
import { convertXVector } from "./huggingface_xvector.ts";
import type { Json } from "./huggingface_speech.ts";
import type { Importer } from "./importer.ts";

/** Values of `model_type`, and the class that writes the bare encoder. */
const bare: Readonly<Record<string, string>> = {
  wavlm: "WavLMModel",
  wav2vec2: "Wav2Vec2Model",
  hubert: "HubertModel",
};

/** See {@linkcode Importer}. */
export const huggingface: Importer = {
  id: "huggingface",
  toolkit: "Hugging Face",
  looksFor: "config.json with model_type wavlm, wav2vec2 or hubert",
  async recognise(source) {
    if (!source.files.has("config.json")) return undefined;
    const json = await source.json("config.json").catch(() => undefined);
    if (json === undefined || !Object.hasOwn(bare, String(json.model_type))) return undefined;
    return `${architectureOf(json)}, ${json.num_hidden_layers ?? 12} layers of ${json.hidden_size ?? 768}`;
  },
  async convert(source, hints) {
    const json = await source.json("config.json"), architecture = architectureOf(json);
    if (architecture === "WavLMForXVector") return await convertXVector(source, { json, hints });
    return await convertEncoder(source, { json, architecture, hints });
  },
};

/** The class that wrote a config; the bare encoder where it does not say. */
function architectureOf({ architectures, model_type: type }: Json): string {
  const [first] = Array.isArray(architectures) ? architectures : [];
  return typeof first === "string" ? first : bare[String(type)];
}
