/** What all classifiers of sounds have in common. @module */
import type { Tensor } from "../../../tensor/mod.ts";
import type { Head } from "../../classifier.ts";
import { type HeadName, makeHead } from "../../heads.ts";

/** Options of every classifier of sounds. */
export interface SoundModelOptions {
  /** Classes to tell apart. */
  classes: number;
  /** See {@linkcode makeHead}. Default "linear". */
  head?: HeadName;
  /** Makes the head's last layer a `CosineHead`, for losses with a margin. Default false. */
  cosineHead?: boolean;
  /** Of that cosine head. Default 30. */
  scale?: number;
}

/** The head that the options ask for. */
export function soundHead(
  dim: number,
  { classes, head = "linear", cosineHead: cosine, scale }: SoundModelOptions,
): Head {
  return makeHead(head, { dim, classes, cosine, scale });
}

/** Clips (batch, time, bands) as pictures (batch, 1, bands, time), low frequencies first; a view. */
export function asImage(x: Tensor): Tensor {
  return x.transpose(1, 2).unsqueeze(1);
}
