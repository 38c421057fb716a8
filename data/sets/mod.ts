/**
 * Data sets: HW4 folders and what `deno task preprocess` writes, and their split into training, validation and test.
 * @module
 */
export { type DataSet, type DataSetOptions, openDataSet } from "./data_set.ts";
export { type Split, type SplitOptions, splitStratified } from "./split.ts";
export { type FoldOptions, type HeldOutSplit, splitByFolds, splitByPattern } from "./split_held_out.ts";
export { readSplitTable, type SplitTable, type SplitTableOptions } from "./split_table.ts";
export type { DrawnFeatures, DrawPlace, Utterance, UtteranceFeatures, UtteranceSource } from "./utterances.ts";
