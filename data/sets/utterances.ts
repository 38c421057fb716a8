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

/** Which of the draws of an utterance is meant. */
export interface DrawPlace {
  /** Seed of the run. */
  readonly seed: number;
  /** Counted from 0. */
  readonly epoch: number;
}

/** Features of an utterance as training is to see it this time. */
export interface DrawnFeatures extends UtteranceFeatures {
  /** Its class, where that is not the utterance's own. */
  readonly label?: number;
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
  /**
   * What training sees of an utterance, where that is more than a crop of what `read` gives: another chunk of the recording
   * each epoch, with noise or other augmentation. It depends on nothing but the arguments.
   *
   * @param index place in `utterances`
   * @param place which draw
   * @throws {Error} as for `read`
   */
  draw?(index: number, place: DrawPlace): Promise<DrawnFeatures>;
}
