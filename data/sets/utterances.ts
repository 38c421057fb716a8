/** What batches are made of, wherever it is stored. */

/** The features of one utterance. */
export interface UtteranceFeatures {
  /** frames × channels values, frame after frame. Shared with a cache: read only. */
  readonly data: Float32Array;
  /** Number of frames, at least 1. */
  readonly frames: number;
}

/** One utterance of a data set. */
export interface Utterance {
  /** Its name in predictions and messages; for HW4 data the feature path, else the path of the recording. */
  readonly id: string;
  /** Where the features are: a file in the folder of the data set, maybe followed by `#` and a name in that file. */
  readonly path: string;
  /** Number of frames. */
  readonly frames: number;
  /** Index into the classes; −1 where it is not known, as in a test part. */
  readonly label: number;
}

/** A list of utterances whose features can be read one by one. */
export interface UtteranceSource {
  /** Values a frame. */
  readonly channels: number;
  /** The utterances; an index always means a place in this list. */
  readonly utterances: readonly Utterance[];
  /**
   * Reads the features of one utterance.
   *
   * @param index place in `utterances`
   * @throws {Error} the file is missing, damaged, or does not hold what the list promises
   */
  read(index: number): Promise<UtteranceFeatures>;
}
