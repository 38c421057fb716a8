/** Whether a model and the features of a data set belong together. @module */
import { differingSettings } from "../data/features/mod.ts";
import { type DataSet, openDataSet } from "../data/sets/mod.ts";
import type { ModelFacts } from "./model_facts.ts";

/**
 * Opens a data set for a model.
 *
 * @throws Error if it is none, or was made in another way than the features that the model knows; the message names what differs.
 */
export async function openFittingSet(folder: string, model: ModelFacts): Promise<DataSet> {
  const set = await openDataSet(folder);
  try {
    checkFit(model, set);
    return set;
  } catch (error) {
    set.close();
    throw error;
  }
}

/**
 * Refuses data whose features were made in another way than those that the model was trained on. Where one of both does not
 * say how (as HW4's data do not), the number of channels alone has to agree.
 */
function checkFit({ channels, featureSettings }: ModelFacts, data: DataSet): void {
  const what = `Cannot use ${JSON.stringify(data.folder)}`;
  if (featureSettings !== null && data.featureSettings !== null) {
    const differing = differingSettings(featureSettings, data.featureSettings);
    if (differing.length > 0) {
      throw new Error(`${what}: its features are not made as those that the model knows: ${differing.join(", ")}`);
    }
  }
  if (data.channels !== channels) {
    throw new Error(`${what}: its frames have ${data.channels} channels, the model takes ${channels}`);
  }
}
