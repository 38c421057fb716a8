/** All architectures by name. @module */
import type { ModelName } from "../train_config.ts";
import { conformer } from "./conformer.ts";
import type { ModelKind } from "./model_kind.ts";
import { soundModels } from "./sound.ts";
import { speakerModels } from "./speaker.ts";
import { speechEncoders } from "./speech_encoders.ts";
import { transformer } from "./transformer.ts";
import { wavlm } from "./wavlm.ts";

export type { DataSizes, ModelKind, ModelOptions } from "./model_kind.ts";

/** Architectures by the names of a config's `model`. */
export const modelKinds: Readonly<Record<ModelName, ModelKind>> = {
  transformer,
  conformer,
  ...soundModels,
  ...speakerModels,
  wavlm,
  ...speechEncoders,
};

/** Whether a model of one kind can start from weights of the other: they are the same kind, or have a part in common. */
export function sharesBody(a: ModelName, b: ModelName): boolean {
  const [one, other] = [modelKinds[a].body?.name, modelKinds[b].body?.name];
  return a === b || one !== undefined && one === other;
}
