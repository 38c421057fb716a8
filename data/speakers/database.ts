/** Opening a SQLite file that may be anything, and saying in plain words what is wrong with it. @module */
import { DatabaseSync } from "node:sqlite";
import { resolve } from "node:path";
import { APPLICATION_ID, SCHEMA_VERSION, tables } from "./schema.ts";

/** Options of {@linkcode openDatabase}. */
export interface OpenDatabaseOptions {
  /** Whether to make the file where there is none; default false. */
  create?: boolean;
  /** Largest size of the file in bytes; beyond it writing fails as on a full disk. Default: the disk is the limit. */
  maxBytes?: number;
}

/** How long a writer waits for another process, in milliseconds. Nothing else runs meanwhile. */
const PATIENCE = 2000;

/** What is wrong: no room, somebody else at work, or anything about the file. */
export type DatabaseProblem = "full" | "busy" | "bad file";

/** What SQLite reports, in words for the user. */
export class DatabaseError extends Error {
  override name = "DatabaseError";
  readonly problem: DatabaseProblem;

  constructor(message: string, { problem, cause }: { problem: DatabaseProblem; cause?: unknown }) {
    super(message, { cause });
    this.problem = problem;
  }
}

/** SQLite's messages (Deno passes on no code of its own), and what they mean for the user. */
const facts: readonly [RegExp, DatabaseProblem, string][] = [
  [/file is not a database/, "bad file", "it is not a SQLite database"],
  [/malformed|corrupt/, "bad file", "it is damaged"],
  [/database or disk is full/, "full", "the disk is full, or the database has reached its limit; nothing was changed"],
  [/is locked/, "busy", "another program is writing to it; try again"],
  [/readonly/, "bad file", "it may not be written to"],
  [/unable to open/, "bad file", "it cannot be opened; is its folder there, and may it be written to?"],
  [/disk I\/O error/, "bad file", "the disk reports an error"],
];

/**
 * Runs work on a database; SQLite's errors become ones that name the file and the fact.
 *
 * @param what begins the error: `Cannot open "speakers.db"`
 */
export function plainly<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const isSqlite = error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
    if (!isSqlite) throw error;
    const [, problem, fact] = facts.find(([pattern]) => pattern.test(error.message)) ?? [0, "bad file", error.message];
    throw new DatabaseError(`${what}: ${fact}`, { problem, cause: error });
  }
}

/**
 * Opens a database of speakers, or makes one (for its owner's eyes only: mode 0600).
 *
 * @throws {Error} if there is no such file and `create` is not set, if it is not SQLite, damaged, of another program or of
 * a newer version; the file is then as it was
 */
export function openDatabase(path: string, { create = false, maxBytes }: OpenDatabaseOptions = {}): DatabaseSync {
  const what = `Cannot open "${path}"`;
  const isNew = findOrCreate(path, { what, create });
  return plainly(what, () => {
    // an absolute path, since SQLite takes one that begins with "file:" for a URI
    const database = new DatabaseSync(resolve(path), { timeout: PATIENCE });
    try {
      // before anything else is read: a file from elsewhere must not run functions by its schema
      database.exec("PRAGMA trusted_schema = OFF");
      if (isNew || isEmpty(database)) setUp(database);
      check(database, what);
      configure(database, maxBytes);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  });
}

/** Whether the file has been made here, or is of no bytes; SQLite itself would make it readable for everybody. */
function findOrCreate(path: string, { what, create }: { what: string; create: boolean }): boolean {
  try {
    const { isFile, size } = Deno.statSync(path);
    if (isFile) return size === 0;
    throw new Error(`${what}: it is not a file`);
  } catch (error) {
    if (error instanceof Deno.errors.NotADirectory) {
      throw new Error(`${what}: a part of its path is a file`, { cause: error });
    }
    if (error instanceof Deno.errors.PermissionDenied) throw new Error(`${what}: permission denied`, { cause: error });
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    if (!create) throw new Error(`${what}: there is no such file; enrol somebody first`, { cause: error });
  }
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return true; // another process was quicker
    throw new Error(`${what}: its folder is missing, or may not be written to`, { cause: error });
  }
  return true;
}

function isEmpty(database: DatabaseSync): boolean {
  return numberOf(database, "application_id") === 0 && numberOf(database, "user_version") === 0 &&
    database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
}

/** Makes the tables, all or none; a second process that does the same waits and then finds them. */
function setUp(database: DatabaseSync): void {
  // The file shrinks by itself when somebody is forgotten; this has to be said before anything is written.
  database.exec("PRAGMA auto_vacuum = FULL; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
  if (isEmpty(database)) {
    for (const table of tables) database.exec(table);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
  }
  database.exec("COMMIT");
}

function check(database: DatabaseSync, what: string): void {
  const version = numberOf(database, "user_version");
  if (numberOf(database, "application_id") !== APPLICATION_ID) {
    throw new Error(`${what}: it is a SQLite database of another program; give another file`);
  }
  if (version > SCHEMA_VERSION) {
    throw new Error(
      `${what}: a newer version of voxgrad wrote it (schema ${version}, this one reads ${SCHEMA_VERSION})`,
    );
  }
  const found = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql").all();
  // Triggers and views of somebody else would take part in our writes; tables that look different would fail later.
  const isOurs = version === SCHEMA_VERSION && found.length === tables.length &&
    [...tables].sort().every((sql, i) => found[i].sql === sql);
  if (!isOurs) throw new Error(`${what}: its tables are not those of voxgrad's schema ${SCHEMA_VERSION}`);
  const verdict = database.prepare("PRAGMA quick_check(1)").get();
  if (verdict?.quick_check !== "ok") throw new Error(`${what}: it is damaged`);
}

function configure(database: DatabaseSync, maxBytes: number | undefined): void {
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;      -- with NORMAL a power cut could lose an enrolment that was acknowledged
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;     -- no copies of embeddings in temporary files
    PRAGMA foreign_keys = ON;
  `);
  if (maxBytes === undefined) return;
  const pages = Math.max(1, Math.floor(maxBytes / numberOf(database, "page_size")));
  database.exec(`PRAGMA max_page_count = ${pages}`);
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
}
