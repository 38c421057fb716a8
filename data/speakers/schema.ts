/** How the database of speakers is laid out. @module */

/** Marks a SQLite file as ours (`PRAGMA application_id`): "VoxS". */
export const APPLICATION_ID = 0x566f7853;

/** Goes up whenever {@linkcode tables} change (`PRAGMA user_version`). */
export const SCHEMA_VERSION = 1;

/**
 * The tables. `model` and `erasure` have one row at most: embeddings of two models cannot be compared, so that there is one
 * model for all, which the foreign key of `recordings` enforces; a row in `erasure` says that what was deleted still has to
 * be wiped from the file.
 */
export const tables = [
  `CREATE TABLE model (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    dim INTEGER NOT NULL CHECK (dim > 0)
  ) STRICT`,
  `CREATE TABLE speakers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    enrolled TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE recordings (
    id INTEGER PRIMARY KEY,
    speaker INTEGER NOT NULL REFERENCES speakers (id) ON DELETE CASCADE,
    model TEXT NOT NULL REFERENCES model (id),
    digest TEXT NOT NULL UNIQUE,
    seconds REAL NOT NULL CHECK (seconds >= 0),
    scoring TEXT,
    threshold REAL,
    enrolled TEXT NOT NULL,
    embedding BLOB NOT NULL
  ) STRICT`,
  `CREATE INDEX recordings_of_speaker ON recordings (speaker)`,
  `CREATE TABLE erasure (only INTEGER PRIMARY KEY CHECK (only = 1)) STRICT`,
];
