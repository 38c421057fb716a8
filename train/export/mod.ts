/** Models of ours for other toolkits. @module */
export { exportModel, type ExportOptions, ExportRefusal, type ExportResult } from "./export_model.ts";
export { type ExportTarget, exportTargets } from "./exporter.ts";
