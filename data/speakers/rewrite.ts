/** Writing the tables of people anew, so that nothing but what is in them is in their pages. @module */
import type { DatabaseSync } from "node:sqlite";

/** Tables and their indexes that hold something about people. */
const personal = ["recordings", "speakers"];

/**
 * Empties the tables and fills them again, all or nothing. `secure_delete` wipes a row where it lies and pages that become free; but when
 * SQLite moves rows between pages to balance them, it leaves copies in the unused middle of a page, which outlive the row.
 */
export function rewriteTables(database: DatabaseSync): void {
  // With foreign keys SQLite empties a table row by row, which would leave such copies again. They cannot be switched within a transaction.
  database.exec("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE");
  try {
    for (const table of personal) {
      database.exec(`
        CREATE TEMP TABLE kept AS SELECT * FROM main.${table} ORDER BY id;
        DELETE FROM main.${table};
        INSERT INTO main.${table} SELECT * FROM kept ORDER BY id;
        DROP TABLE kept;
      `);
    }
    database.exec("COMMIT");
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
    database.exec("PRAGMA foreign_keys = ON");
  }
}
