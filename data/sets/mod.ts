/**
 * Data sets: HW4 folders and what `deno task preprocess` writes, and their split into training and validation.
 * @module
 */
export { type DataSet, type DataSetOptions, openDataSet } from "./data_set.ts";
export { type Split, type SplitOptions, splitStratified } from "./split.ts";
export type { Utterance, UtteranceFeatures, UtteranceSource } from "./utterances.ts";
