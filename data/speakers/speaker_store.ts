/**
 * People's voices in one SQLite file: an embedding for each recording, with the model that made it, the threshold that held
 * then, the date and the length. Never the recordings themselves.
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { DatabaseError, openDatabase, type OpenDatabaseOptions, plainly } from "./database.ts";
import { rewriteTables } from "./rewrite.ts";
import { speakerName } from "./speaker_name.ts";

/** A model, as the database knows it. */
export interface VoiceModel {
  /** SHA-256 of its file in lower-case hex. */
  readonly id: string;
  /** What people call it, such as the path of its run: for messages. */
  readonly name: string;
  /** Length of its embeddings. */
  readonly dim: number;
}

/** One recording to be enrolled. */
export interface NewRecording {
  /** Finite values, not all 0. */
  readonly embedding: Float32Array;
  /** Tells recordings apart, such as the SHA-256 of the samples. */
  readonly digest: string;
  /** Its length in seconds. */
  readonly seconds: number;
}

/** Options of {@linkcode SpeakerStore.enroll}. */
export interface EnrollOptions {
  /** What made the embeddings. */
  readonly model: VoiceModel;
  /** How scores are judged at the moment; kept for the record. Default null, where the model has not been calibrated. */
  readonly calibration?: { readonly scoring: string; readonly threshold: number } | null;
  /** Whether the person's earlier recordings are forgotten first; default false. */
  readonly replace?: boolean;
}

/** What enrolling did. */
export interface Enrolled {
  /** The name in its stored form. */
  readonly name: string;
  /** Recordings that are new. */
  readonly added: number;
  /** Recordings that were enrolled under this name already, and stay as they are. */
  readonly repeated: number;
  /** Recordings of this person now. */
  readonly recordings: number;
  /** Their length together, in seconds. */
  readonly seconds: number;
}

/** A person in the database. */
export interface Speaker {
  readonly name: string;
  /** How many recordings. */
  readonly recordings: number;
  /** Their length together, in seconds. */
  readonly seconds: number;
  /** When the first one was enrolled, ISO 8601 in UTC. */
  readonly enrolled: string;
}

/** A person's voice. */
export interface Voice {
  readonly name: string;
  /** An embedding for each recording, in the order of enrolment. */
  readonly embeddings: readonly Float32Array[];
  /** Their recordings' length together, in seconds; NaN where one's is not known. */
  readonly seconds: number;
}

/** A database written with one model, and asked with another. */
export class ModelMismatch extends Error {
  override name = "ModelMismatch";
}

/** A recording that belongs to somebody else already. */
export class RecordingTaken extends Error {
  override name = "RecordingTaken";
}

/** The database of speakers. All methods are synchronous and durable: what they return has reached the disk. */
export class SpeakerStore implements Disposable {
  /** The file. */
  readonly path: string;
  readonly #database: DatabaseSync;
  #voices: { readonly version: unknown; readonly voices: readonly Voice[] } | null = null;

  /**
   * Opens a database; what an interrupted {@linkcode SpeakerStore.forget} left is wiped now.
   *
   * @throws {Error} see {@linkcode openDatabase}
   */
  constructor(path: string, options: OpenDatabaseOptions = {}) {
    this.path = path;
    this.#database = openDatabase(path, options);
    try {
      this.#wipe();
    } catch {
      // Somebody reads it, or the disk is full: the note stays, and the next one to open or to forget wipes.
    }
  }

  /** The model of all embeddings; null as long as nobody is enrolled. */
  get model(): VoiceModel | null {
    const row = this.#reading(() => this.#database.prepare("SELECT id, name, dim FROM model").get());
    return row === undefined ? null : { id: String(row.id), name: String(row.name), dim: Number(row.dim) };
  }

  /**
   * Throws where the database was written with another model.
   *
   * @throws {ModelMismatch} naming both
   */
  checkModel(model: VoiceModel): void {
    const mine = this.model;
    if (mine === null || mine.id === model.id) return;
    throw new ModelMismatch(
      `Cannot use "${this.path}" with the model "${model.name}" (${
        model.id.slice(0, 12)
      }): its voices were enrolled with ` +
        `"${mine.name}" (${
          mine.id.slice(0, 12)
        }), and embeddings of two models cannot be compared; use that model, or another database`,
    );
  }

  /**
   * Adds recordings to a person, who is new or known; all or none.
   *
   * @throws {RangeError} for a name, an embedding or a length that cannot be
   * @throws {ModelMismatch} if others were enrolled with another model
   * @throws {RecordingTaken} if a recording is enrolled under another name
   */
  enroll(given: string, recordings: readonly NewRecording[], options: EnrollOptions): Enrolled {
    const name = speakerName(given), { model, replace = false } = options;
    if (recordings.length === 0) throw new RangeError(`Cannot enrol "${name}": there are no recordings`);
    for (const recording of recordings) checkRecording(name, recording, model.dim);
    const result = this.#writing(`Cannot enrol "${name}"`, () => {
      const isErased = replace && this.#delete(name) > 0; // first: the only person may come back with another model
      this.checkModel(model);
      this.#run("INSERT OR IGNORE INTO model VALUES (1, ?, ?, ?)", model.id, model.name, model.dim);
      const speaker = this.#speakerId(name);
      const added = recordings.filter((recording) => this.#add(speaker, { name, recording }, options)).length;
      return { isErased, added };
    });
    if (result.isErased) this.#wipe();
    const [{ recordings: all, seconds }] = this.#summaries("WHERE name = ?", name);
    return { name, added: result.added, repeated: recordings.length - result.added, recordings: all, seconds };
  }

  /** Everybody, by name. */
  speakers(): Speaker[] {
    return this.#summaries("");
  }

  /** Everybody's embeddings, by name; read anew only after something has changed, by whichever process. */
  voices(): readonly Voice[] {
    const version = this.#reading(() => this.#database.prepare("PRAGMA data_version").get()?.data_version);
    if (this.#voices === null || this.#voices.version !== version) {
      this.#voices = { version, voices: this.#reading(() => this.#readVoices()) };
    }
    return this.#voices.voices;
  }

  /**
   * Forgets a person completely: nothing of their embeddings is left in the database's files.
   *
   * @returns how many recordings there were; 0 where nobody has that name
   * @throws {Error} if another program reads the database all the while: the person is forgotten then, and the remains
   * are wiped when the database is opened next
   */
  forget(given: string): number {
    const name = speakerName(given);
    const count = this.#writing(`Cannot forget "${name}"`, () => this.#delete(name));
    this.#wipe();
    return count;
  }

  /** Closes the file. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** As {@linkcode SpeakerStore.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #run(sql: string, ...values: (string | number | Uint8Array | null)[]): number {
    return Number(this.#database.prepare(sql).run(...values).changes);
  }

  #reading<T>(work: () => T): T {
    return plainly(`Cannot read "${this.path}"`, work);
  }

  /** One transaction: all of it, or nothing. The lock is taken first, so that what it reads stays true. */
  #writing<T>(what: string, work: () => T): T {
    this.#voices = null;
    return plainly(`${what} in "${this.path}"`, () => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK"); // a full disk has rolled back by itself
        throw error;
      }
    });
  }

  #speakerId(name: string): number {
    this.#run("INSERT OR IGNORE INTO speakers (name, enrolled) VALUES (?, ?)", name, new Date().toISOString());
    return Number(this.#database.prepare("SELECT id FROM speakers WHERE name = ?").get(name)?.id);
  }

  /** Whether a recording was new. */
  #add(
    speaker: number,
    { name, recording }: { name: string; recording: NewRecording },
    { model, calibration }: EnrollOptions,
  ): boolean {
    const { digest, seconds, embedding } = recording;
    const owner = this.#database.prepare(
      "SELECT name FROM recordings JOIN speakers ON speakers.id = speaker WHERE digest = ?",
    ).get(digest);
    if (owner?.name === name) return false;
    if (owner !== undefined) {
      throw new RecordingTaken(`Cannot enrol "${name}": the same recording is enrolled as "${owner.name}" already`);
    }
    this.#run(
      `INSERT INTO recordings (speaker, model, digest, seconds, scoring, threshold, enrolled, embedding)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[speaker, model.id, digest, seconds, calibration?.scoring ?? null, calibration?.threshold ?? null],
      new Date().toISOString(),
      new Uint8Array(new Float32Array(embedding).buffer),
    );
    return true;
  }

  /** Deletes a person within a transaction and notes that the file has to be wiped; the last one takes the model along. */
  #delete(name: string): number {
    const { count } = this.#database.prepare(
      "SELECT count(*) AS count FROM recordings JOIN speakers ON speakers.id = speaker WHERE name = ?",
    ).get(name) ?? { count: 0 };
    this.#run("DELETE FROM speakers WHERE name = ?", name);
    this.#run("DELETE FROM model WHERE NOT EXISTS (SELECT 1 FROM speakers)");
    if (Number(count) > 0) this.#run("INSERT OR IGNORE INTO erasure VALUES (1)");
    return Number(count);
  }

  /**
   * Where something was deleted, writes the rest anew, takes it over into the file and empties the log, which holds earlier pages.
   * (VACUUM would do it too, but Deno lets no program run it that is not allowed everything.)
   */
  #wipe(): void {
    const what = `Cannot wipe what was deleted from "${this.path}"`;
    plainly(what, () => {
      if (this.#database.prepare("SELECT 1 FROM erasure").get() === undefined) return;
      rewriteTables(this.#database);
      if (!this.#emptyLog()) {
        const fact = "another program is reading it; it is wiped when the database is opened next";
        throw new DatabaseError(`${what}: ${fact}`, { problem: "busy" });
      }
      this.#run("DELETE FROM erasure");
    });
  }

  /**
   * Copies the log into the database and cuts it to nothing; false where a reader is in the way. SQLite waits for readers and
   * writers, but not for another process that does the same.
   */
  #emptyLog(): boolean {
    const start = performance.now();
    do {
      if (Number(this.#database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.busy) === 0) return true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    } while (performance.now() - start < 500);
    return false;
  }

  #summaries(where: string, ...values: string[]): Speaker[] {
    const query = `SELECT name, speakers.enrolled, count(*) AS recordings, sum(seconds) AS seconds
      FROM speakers JOIN recordings ON speaker = speakers.id ${where} GROUP BY speakers.id ORDER BY name`;
    return this.#reading(() => this.#database.prepare(query).all(...values)).map((row) => ({
      name: String(row.name),
      recordings: Number(row.recordings),
      seconds: Number(row.seconds),
      enrolled: String(row.enrolled),
    }));
  }

  #readVoices(): Voice[] {
    const dim = this.model?.dim ?? 0;
    const rows = this.#database.prepare(
      "SELECT name, embedding, seconds FROM recordings JOIN speakers ON speakers.id = speaker ORDER BY name, recordings.id",
    ).all();
    const voices = new Map<string, { embeddings: Float32Array[]; seconds: number }>();
    for (const { name, embedding, seconds } of rows) {
      if (!(embedding instanceof Uint8Array) || embedding.length !== 4 * dim) {
        throw new Error(`Cannot read "${this.path}": an embedding of "${name}" is damaged`);
      }
      const key = String(name), voice = voices.get(key) ?? { embeddings: [], seconds: 0 };
      voice.embeddings.push(new Float32Array(embedding.slice().buffer));
      voice.seconds += Number(seconds) > 0 ? Number(seconds) : NaN; // an embedding that came without a recording has 0
      voices.set(key, voice);
    }
    return [...voices].map(([name, voice]) => ({ name, ...voice }));
  }
}

function checkRecording(name: string, { embedding, digest, seconds }: NewRecording, dim: number): void {
  const refuse = (fact: string) => new RangeError(`Cannot enrol "${name}": ${fact}`);
  if (embedding.length !== dim) throw refuse(`an embedding has ${embedding.length} values, the model gives ${dim}`);
  if (!embedding.every(Number.isFinite)) throw refuse("an embedding holds values that are not finite");
  if (embedding.every((x) => x === 0)) throw refuse("an embedding is all zeros");
  if (digest === "") throw refuse("a recording has no digest");
  if (!(seconds >= 0 && Number.isFinite(seconds))) throw refuse(`a recording is ${seconds} s long`);
}
