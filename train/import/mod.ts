/** Models of other toolkits as models of ours. @module */
export { checkImport, type CheckRequest, type CheckResult, type RecordingCheck, type StageCheck } from "./check.ts";
export { importModel, type ImportOptions, ImportRefusal, type ImportResult } from "./import_model.ts";
export type { ImportHints } from "./importer.ts";
export { type Toolkit, toolkits } from "./toolkits.ts";
