/** WeSpeaker's projection: a direction a speaker, and where training heard other speeds one a speaker and speed. @module */
import { speedClassNames } from "../speed_classes.ts";
import { labelsOf } from "./labels.ts";
import type { WeightSizes } from "./weight_sizes.ts";
import type { YamlFile } from "./yaml.ts";

/** What a head of ours needs of it. */
export interface Projection {
  /** Names of the speakers; none where there is no projection that we have. */
  readonly classes: readonly string[];
  /** Their names at the other speeds. */
  readonly speedClasses: readonly string[];
  /** Factor on cosines. */
  readonly scale: number;
  readonly said: readonly string[];
}

const AT = "projection_args", WEIGHT = "projection.weight";
/** Kinds that give a cosine a row, when nothing is trained. */
const cosines = ["arc_margin", "add_margin"];
/** WeSpeaker's speeds, in the order of the rows. */
const speeds = [1, 0.9, 1.1];

/**
 * Reads what the rows of the projection are.
 *
 * @param labels `--labels`
 * @throws {RangeError} config.yaml and the weights differ; the message names file and key.
 */
export async function wespeakerProjection(
  sizes: WeightSizes,
  { yaml, embeddingDim, labels }: { yaml: YamlFile; embeddingDim: number; labels?: string },
): Promise<Projection> {
  const nothing = { classes: [], speedClasses: [], scale: 32 };
  const type = yaml.text(`${AT}.project_type`) ?? cosines[0];
  if (!sizes.has(WEIGHT)) return { ...nothing, said: ["It has no projection.weight: the model embeds only"] };
  if (!cosines.includes(type)) {
    return { ...nothing, said: [`Its projection is left out (${AT}.project_type ${type}): the model embeds only`] };
  }
  const [rows, width] = sizes.shape(WEIGHT, 2);
  if (width !== embeddingDim) {
    throw new RangeError(
      `Cannot import "${sizes.path}": ${WEIGHT} takes ${width} values, but embeddings have ${embeddingDim}`,
    );
  }
  sizes.check(yaml, `${AT}.embed_dim`, { is: embeddingDim, weight: WEIGHT });
  sizes.check(yaml, `${AT}.num_class`, { is: rows, weight: WEIGHT });
  return await rowsOf(rows, { yaml, labels });
}

async function rowsOf(rows: number, { yaml, labels }: { yaml: YamlFile; labels?: string }): Promise<Projection> {
  const key = "dataset_args.speed_perturb", several = yaml.boolean(key, false), scale = yaml.number(`${AT}.scale`, 32);
  if (!(scale > 0 && scale <= 1e6)) throw yaml.fault(`${AT}.scale`, `is ${scale}, expected a number above 0`);
  if (several && rows % speeds.length !== 0) {
    throw yaml.fault(key, `is true, but ${WEIGHT} has ${rows} rows, which are not ${speeds.length} a speaker`);
  }
  const count = several ? rows / speeds.length : rows;
  const { classes, said } = await labelsOf({ count, file: labels, noun: "speaker" });
  const speedClasses = several ? speedClassNames({ speeds, speedClasses: true }, classes) : [];
  const note = several
    ? [`Its ${rows} rows of ${WEIGHT} are ${count} speakers at the speeds ${speeds.join(", ")}`]
    : yaml.boolean(`${AT}.do_lm`, false) && rows % speeds.length === 0
    ? [`After large-margin fine-tuning the ${rows} classes may be a third as many speakers at ${speeds.length} speeds`]
    : [];
  return { classes, speedClasses, scale, said: [...note, ...said] };
}
