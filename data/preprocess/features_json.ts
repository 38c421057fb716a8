import type { FeatureSettings } from "../features/settings.ts";

/** Marks the folders that preprocessing has made. */
export const FEATURES_FORMAT = "voxgrad features 1";

/** features.json: how the features of a data set were made. */
export interface FeaturesJson {
  /** {@linkcode FEATURES_FORMAT}. */
  readonly format: string;
  /** Complete feature settings. */
  readonly settings: FeatureSettings;
}
