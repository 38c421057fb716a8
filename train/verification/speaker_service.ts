/** Enrolling, verifying and identifying people by their embeddings: what tasks and server have in common. @module */
import type {
  Enrolled,
  NewRecording,
  Speaker,
  SpeakerStore,
  Voice,
  VoiceModel,
} from "../../data/speakers/speaker_store.ts";
import { speakerName } from "../../data/speakers/speaker_name.ts";
import { nearNames } from "../../data/near_names.ts";
import type { Judge } from "./judge.ts";
import type { ScoreSide } from "./scorer.ts";

/** One of the recordings that are asked about. */
export interface HeardVoice {
  readonly embedding: Float32Array;
  /** Its length; default unknown. */
  readonly seconds?: number;
}

/** Whether somebody is who they say. */
export interface Verdict {
  readonly name: string;
  /** The higher, the likelier the same speaker. */
  readonly score: number;
  /**
   * Natural logarithm of how much likelier the same speaker made both than two did; null where the model was not calibrated. Where the threshold
   * follows from a prior, this is the score.
   */
  readonly llr: number | null;
  /** From here on it counts as the same. */
  readonly threshold: number;
  readonly same: boolean;
}

/** Who somebody is. */
export interface Identification {
  /** The likeliest person, or null: nobody who is known. */
  readonly best: string | null;
  readonly threshold: number;
  /** Everybody, the likeliest first. */
  readonly ranking: readonly { readonly name: string; readonly score: number }[];
}

/** Nobody has that name. */
export class UnknownSpeaker extends Error {
  override name = "UnknownSpeaker";
}

/** Who is compared: a person's recordings made one, ready for scoring. */
interface Template {
  readonly name: string;
  readonly side: ScoreSide;
}

/** People of a database, judged by a model's calibration. */
export class SpeakerService {
  /** What made the embeddings. */
  readonly model: VoiceModel;
  readonly #store: SpeakerStore;
  readonly #judge: Judge | null;
  #templates: { readonly of: readonly Voice[]; readonly list: readonly Template[] } | null = null;

  /**
   * A service on a database that is open; closing it is up to the caller.
   *
   * @param store the database
   * @param options the model, and its judge; null where nothing will be judged, as for enrolling alone
   * @throws {ModelMismatch} Where the database was written with another model.
   */
  constructor(store: SpeakerStore, { model, judge }: { readonly model: VoiceModel; readonly judge: Judge | null }) {
    store.checkModel(model);
    this.#store = store;
    this.model = model;
    this.#judge = judge;
  }

  /** Adds recordings to a person; see {@linkcode SpeakerStore.enroll}. */
  enroll(
    name: string,
    recordings: readonly NewRecording[],
    { replace }: { readonly replace?: boolean } = {},
  ): Enrolled {
    const calibration = this.#judge === null
      ? null
      : { scoring: this.#judge.scoring, threshold: this.#judge.threshold };
    return this.#store.enroll(name, recordings, { model: this.model, calibration, replace });
  }

  /**
   * Whether recordings, which are all of one person, are of the one with this name.
   *
   * @throws {UnknownSpeaker} Where nobody has it.
   */
  verify(given: string, recordings: readonly HeardVoice[]): Verdict {
    const name = speakerName(given), judge = this.#needJudge(), templates = this.#read(judge);
    const template = templates.find((one) => one.name === name);
    if (template === undefined) {
      const [near] = nearNames(name, templates.map((one) => one.name));
      const hint = near === undefined ? "" : `; did you mean "${near}"?`;
      throw new UnknownSpeaker(`Cannot verify "${name}": nobody of that name is enrolled${hint}`);
    }
    const asked = this.#sideOf(judge, recordings);
    const score = judge.scoreSides(template.side, asked), llr = judge.llr(template.side, asked);
    return { name, score, llr, threshold: judge.threshold, same: judge.isSame(score) };
  }

  /** Who of the people recordings are of; they are all of one person. */
  identify(recordings: readonly HeardVoice[]): Identification {
    const judge = this.#needJudge(), asked = this.#sideOf(judge, recordings);
    const ranking = this.#read(judge)
      .map(({ name, side }) => ({ name, score: judge.scoreSides(side, asked) }))
      .sort((a, b) => b.score - a.score);
    const [first] = ranking, { threshold } = judge;
    return { best: first !== undefined && judge.isSame(first.score) ? first.name : null, threshold, ranking };
  }

  /** Everybody, by name. */
  speakers(): Speaker[] {
    return this.#store.speakers();
  }

  /** Forgets a person completely; 0 where nobody has the name. See {@linkcode SpeakerStore.forget}. */
  forget(name: string): number {
    return this.#store.forget(name);
  }

  #sideOf(judge: Judge, recordings: readonly HeardVoice[]): ScoreSide {
    const { dim } = this.model, embeddings = recordings.map(({ embedding }) => embedding);
    for (const { length } of embeddings) {
      if (length !== dim) {
        throw new RangeError(`Cannot compare an embedding of ${length} values: the model's have ${dim}`);
      }
    }
    return judge.sideOfAll(embeddings, recordings.reduce((sum, { seconds = NaN }) => sum + seconds, 0));
  }

  #needJudge(): Judge {
    if (this.#judge === null) throw new Error("internal: this service was opened without a judge");
    return this.#judge;
  }

  /** The templates, made anew only after somebody was enrolled or forgotten. */
  #read(judge: Judge): readonly Template[] {
    const voices = this.#store.voices();
    if (voices.length > 0) this.#store.checkModel(this.model); // another process may have started it anew
    if (this.#templates?.of !== voices) {
      const list = voices.map(({ name, embeddings, seconds }) => ({
        name,
        side: judge.sideOfAll(embeddings, seconds),
      }));
      this.#templates = { of: voices, list };
    }
    return this.#templates.list;
  }
}
