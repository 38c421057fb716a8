/** A table of vectors. @module */
import { embedding, type Tensor, where } from "../tensor/mod.ts";
import { normal, zeros } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** Rows of a table by number: int32 (…) → (…, embeddingDim). Rows start normal with deviation 1. */
export class Embedding extends Module {
  /** (numEmbeddings, embeddingDim). */
  readonly weight: Parameter;
  /** The row that is not trained, if there is one. */
  readonly paddingIdx: number | null;

  /**
   * `paddingIdx`: a row that starts as zeros and is not trained. Default none.
   *
   * @throws RangeError if `paddingIdx` is no row.
   */
  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    { paddingIdx = null }: { paddingIdx?: number | null } = {},
  ) {
    super();
    if (paddingIdx !== null && !(paddingIdx >= 0 && paddingIdx < numEmbeddings)) {
      throw new RangeError(`Cannot pad with row ${paddingIdx} of ${numEmbeddings}: no such row`);
    }
    this.paddingIdx = paddingIdx;
    this.weight = normal(new Parameter([numEmbeddings, embeddingDim]));
    if (paddingIdx !== null) zeros(this.weight.detach().select(0, paddingIdx));
  }

  /** The rows that `index` names. */
  forward(index: Tensor): Tensor {
    const rows = embedding(this.weight, index);
    if (this.paddingIdx === null) return rows;
    const padding = index.eq(this.paddingIdx).unsqueeze(-1);
    return where(padding, rows.detach(), rows); // the same values, but no gradient for the padding
  }
}
