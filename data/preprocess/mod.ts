/**
 * Recordings to data sets, the library behind `deno task preprocess`.
 * @module
 */
export { preprocess, type PreprocessOptions, type PreprocessProgress } from "./preprocess.ts";
export { describeSummary, type LengthPercentiles, type PreprocessSummary, type SkippedRecording } from "./summary.ts";
